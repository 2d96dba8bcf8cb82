//! Who the agent is: its key, the collector it joined, and the chain its records form.
mod chain;
mod enrolment;
mod key;

pub use chain::{Chain, ChainStart, Link, recover};
pub use enrolment::{Enrolment, EnrolmentError};
pub use key::{Identity, IdentityError};
