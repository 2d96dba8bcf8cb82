//! `lab`: runs a command inside a scenario.
fn main() {}
