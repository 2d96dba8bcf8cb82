//! The resolve step: one question to one resolver on a socket of its own, and everything that
//! comes back until the window closes.
//!
//! No cache, no retry, no race: the first matching answer is the result, and what comes after it
//! is kept, because an injected answer usually wins the race against the real one.
//!
//! Operation `resolve`, subject the name. Detail: `resolver` (an address of the Internet, or only
//! `loopback_resolver` / `lan_resolver`), `port` when it is not 53, `query_type`, `transport`
//! (`udp` | `tcp`), `rcode`, `addresses` (those of the volunteer's side by kind only), `ttl_s`,
//! `cnames`; where they happened `udp_truncated`, `wrong_id_replies`, `wrong_question_replies`,
//! `malformed_replies`; for answers after the first the parallel lists `late_after_us` (since the
//! question), `late_rcode`, `late_addresses` (joined by spaces); `contacted: false` and
//! `sent: false` as in [`crate::tcp`].
//!
//! Other ways to ask, told apart by `engine`: what programs of the device are told (`getaddrinfo`,
//! [`system`]), DNS over HTTPS (`doh`, [`https`]) and over TLS (`dot`, [`tls`]). All give the same keys
//! as far as they know them. Other questions: for signatures ([`signed`]), and who the server is
//! ([`chaos`]).
pub mod chaos;
pub mod https;
mod judge;
mod message;
mod query;
mod resolve;
pub mod signed;
pub mod system;
pub mod tls;

pub use message::{Answer, QueryType, Question, Reply};
pub use query::{Asked, Patience, query};
pub use resolve::{Resolved, resolve_host};

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
