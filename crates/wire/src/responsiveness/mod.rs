//! Responsiveness under working conditions, in round trips per minute: what a server tells its
//! clients, the parameters of a test, and the arithmetic of its result. Source:
//! draft-ietf-ippm-responsiveness-09.
pub mod config;
pub mod score;
pub mod spec;
pub mod stability;

pub use crate::ndt7::Direction;
pub use config::{BadConfig, Config};
pub use score::{Class, Foreign, Score};
pub use stability::{Confidence, Stability};
