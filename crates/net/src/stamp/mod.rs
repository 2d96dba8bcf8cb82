//! A train of STAMP packets to a reflector: what was sent, what came back, and what that says of
//! delay and loss in each direction.
//!
//! Operation `stamp_train`, subject the reflector's `address:port`. Detail: `packet_bytes`,
//! `authenticated`, `sent` (`false` when nothing left the device), `answered` (within [`TMAX_MS`]),
//! `duplicated`, `reordered`, `late`, `not_replies` (datagrams that were no reply of this train),
//! `timed_by_kernel`; `forward_lost` of `sent_before_last` and `backward_lost` of
//! `reflected_before_last` where the reflector's numbers tell them apart; and a histogram of round
//! trips: `rtt_us_from` (lower ends of its buckets) and `rtt_us_count`.
pub mod histogram;
pub mod result;
mod train;

pub use result::{Answer, Loss, Reply, TrainResult, evaluate};
pub use train::{Plan, Session, Trained, run};

/// Longest wait for a reply, milliseconds: the Tmax of RFC 2681. A later one counts as lost.
pub const TMAX_MS: u64 = 3_000;
