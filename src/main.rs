//! The front door: delegates to the agent, the collector and the verifier.
fn main() {}
