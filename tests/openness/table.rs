//! What must come out of OONI's scenarios.
//!
//! The expected keys are the table that the analysis is held to as well, whose facts come from OONI's
//! own suite.
use serde_json::Value;

const EXPECTED: &str = include_str!("../../collector/src/analysis/web/scenarios/expected.txt");
/// The result keys that are compared, in the order of the table's columns.
pub(crate) const KEYS: [&str; 14] = [
    "dns_experiment_failure",
    "dns_consistency",
    "control_failure",
    "http_experiment_failure",
    "blocking",
    "accessible",
    "x_blocking_flags",
    "x_dns_flags",
    "x_null_null_flags",
    "status_code_match",
    "body_length_match",
    "body_proportion",
    "headers_match",
    "title_match",
];

/// One scenario.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// By the order of [`KEYS`].
    pub(crate) keys: Vec<Value>,
    /// The state of our own verdict, and its mechanism, reason or mark; `-` for none.
    pub(crate) state: &'static str,
    pub(crate) why: &'static str,
}

/// The row of a scenario; none: it is not of OONI's suite.
pub(crate) fn row_of(name: &str) -> Option<Row> {
    let mut rows = EXPECTED.lines().skip(1).filter_map(row);
    rows.find(|row| row.name == name)
}

fn row(line: &'static str) -> Option<Row> {
    let mut cells = line.split(" | ").map(str::trim);
    let name = cells.next()?;
    cells.next()?; // whether Web Connectivity 0.4 is tried as well
    let keys: Vec<Value> = cells.by_ref().take(KEYS.len()).map(value).collect();
    Some(Row {
        name,
        keys,
        state: cells.next()?,
        why: cells.next()?,
    })
}

fn value(cell: &str) -> Value {
    serde_json::from_str(cell).unwrap_or_else(|_| cell.into())
}
