//! How the measuring protocols look on the wire: names, limits, messages. No IO.
pub mod ndt7;
pub mod token;
