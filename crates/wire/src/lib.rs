//! How the measuring protocols look on the wire: names, limits, messages. No IO.
pub mod echo;
pub mod files;
pub mod locate;
pub mod ndt7;
pub mod ooni;
pub mod query;
pub mod responsiveness;
pub mod stamp;
pub mod throughput1;
pub mod ticker;
pub mod token;
