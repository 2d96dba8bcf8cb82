//! The measurement servers against an independent WebSocket client that behaves like the stock ones,
//! and against clients that do not behave.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
mod archive;
mod echo;
mod ndt7;
mod portal;
mod support;
mod throughput1;
mod tokens;
