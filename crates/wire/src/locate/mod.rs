//! Locate v2 (M-Lab): which servers of ndt7 a client should test with, and when it may ask again.
//!
//! [`request`] is what is asked, [`answer`] what comes back, [`backoff`] how long to wait after a
//! refusal. No IO: who asks and remembers is the agent's matter.
pub mod answer;
pub mod backoff;
pub mod request;

pub use answer::{Answer, BadAnswer, Target};
pub use request::{Place, Request};

/// M-Lab's service for ndt7.
pub const MLAB: &str = "https://locate.measurementlab.net/v2/nearest/ndt/ndt7";
/// How long the access tokens in an answer are good, microseconds.
pub const ANSWER_LIFE_US: i64 = 60_000_000;
