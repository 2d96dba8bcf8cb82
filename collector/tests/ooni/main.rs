//! The collector among the field's tools: the real program reads and writes OONI's measurements, and
//! answers clients of OONI's by their own protocol.
mod commands;
mod door;
mod durability;
mod program;
mod server;
