//! The steps of a measurement on real sockets, for both programs.
//!
//! Each step is one call that returns what it saw as an
//! [`Observation`](tonle_evidence::observation::Observation): start, end, operation, and a result
//! or a failure. Nothing here retries, races or caches behind the caller's back.
pub mod clock;
pub mod datadir;
pub mod settings;
