//! ndt7 (M-Lab, specification v0.11.0): a bulk transfer over one WebSocket, with the server's
//! kernel counters sent along as JSON.
//!
//! Where the specification and the programs in the field differ, the stricter side is kept when
//! sending and the looser one when receiving. Read in this order: [`spec`] (names, sizes, times),
//! [`query`] (what a client may ask for), [`messages`] (the JSON), [`scaling`] (how large the next
//! message is), [`frames`] (RFC 6455 as a server needs it), [`archive`] (how a test is kept).
pub mod archive;
pub mod frames;
pub mod messages;
pub mod query;
pub mod scaling;
pub mod spec;

pub use messages::{AppInfo, BbrInfo, ConnectionInfo, Measurement, TcpInfo, TonleInfo};
pub use spec::Direction;
