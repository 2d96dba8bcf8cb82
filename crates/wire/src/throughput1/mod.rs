//! throughput1 (M-Lab's MSAK): a bulk transfer over several connections at once, each of which can be
//! told how many bytes and how long, with counters of program, socket and kernel sent along.
//!
//! The reference is the code of m-lab/msak: there is no specification. What differs from ndt7
//! stands here; frames and kernel counters are ndt7's ([`crate::ndt7`]). Read in this order:
//! [`spec`] (names, sizes, times), [`query`] (what a client asks for), [`messages`] (the JSON),
//! [`scaling`] (how large the next message is).
pub mod messages;
pub mod query;
pub mod scaling;
pub mod spec;

pub use crate::ndt7::Direction;
pub use messages::{ByteCounters, WireMeasurement};
pub use query::Query;
