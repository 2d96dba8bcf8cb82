//! The control server against sites and resolvers on loopback: its protocol field by field, and
//! whoever would use it as a weapon.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
mod agents;
mod limits;
mod outside;
mod protocol;
mod support;
