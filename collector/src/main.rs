//! The collector alone: parse, run, exit code.
fn main() {}
