//! The agent alone: parse, run, exit code.
fn main() {}
