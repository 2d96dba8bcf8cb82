//! The only place that prints: results to standard output, errors to standard error.
use crate::admin::AgentRow;
use serde_json::{Value, json};
use std::io::{self, Write};
use tonle_evidence::local_time::LocalHour;

/// Prints a line of result. A closed pipe is no error: whoever read had enough.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints a value for machines, one line.
pub fn json(value: &Value) {
    line(value);
}

/// Prints a value of a long row of them, one line. The error tells that nobody reads any more.
pub fn stream(value: &Value) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{value}")
}

/// Prints bytes of a long row of lines as they are. The error tells that nobody reads any more.
pub fn raw_line(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.write_all(b"\n")
}

/// Prints an error, one line with cause and remedy.
pub fn error(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "error: {text}");
}

/// Prints what is going on.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The agents as a table.
pub fn agents(rows: &[AgentRow], utc_offset_s: i32) {
    if rows.is_empty() {
        note("no agent has joined; `invite` makes an invitation");
        return;
    }
    line(format_args!(
        "{:<16}  {:<13}  {:<8}  {:<16}  {:<13}  {}",
        "KEY ID", "TIER", "PROVINCE", "BATCH", "JOINED", "STATE"
    ));
    for row in rows {
        let state = match row.revoked_at_us {
            Some(at_us) => format!("revoked from {}", LocalHour::at(at_us, utc_offset_s)),
            None => "active".to_owned(),
        };
        line(format_args!(
            "{:<16}  {:<13}  {:<8}  {:<16}  {:<13}  {state}",
            row.key_id,
            row.tier.as_str(),
            row.province.as_deref().unwrap_or("-"),
            row.batch_id,
            LocalHour::at(row.enrolled_at_us, utc_offset_s).to_string(),
        ));
    }
}

/// An agent for machines.
#[must_use]
pub fn agent_json(row: &AgentRow) -> Value {
    json!({
        "key_id": row.key_id,
        "key": row.key,
        "tier": row.tier,
        "province": row.province,
        "batch_id": row.batch_id,
        "vouched": row.vouched,
        "consent_version": row.consent_version,
        "enrolled_at_us": row.enrolled_at_us,
        "revoked_at_us": row.revoked_at_us,
    })
}
