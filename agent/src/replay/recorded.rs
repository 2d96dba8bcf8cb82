//! Transfers recorded in the lab, for tests: one set that the rule's parameters were chosen on, and
//! one of other lines. `docs/early-stop.md` says which lines, and how they were recorded.
use super::{Replayed, read};

/// What the parameters were chosen on.
pub(crate) fn choosing() -> Vec<Replayed> {
    replayed(include_str!("../../tests/traces/choosing.jsonl"))
}

/// What the rule is held to.
pub(crate) fn reporting() -> Vec<Replayed> {
    replayed(include_str!("../../tests/traces/reporting.jsonl"))
}

fn replayed(text: &str) -> Vec<Replayed> {
    let traces = read::parse(text).expect("traces as the agent writes them");
    traces.iter().filter_map(Replayed::of).collect()
}
