//! Several streams at once on a line whose rate is known: what they gave, and what limited them.
use crate::bench::{Bench, Settings};
use libtest_mimic::Failed;
use serde_json::Value;

/// Rates of the line, bit/s.
const DOWN_BPS: i64 = 20_000_000;
const UP_BPS: i64 = 5_000_000;
/// A rate of payload is at least this part of the line's, per cent.
const RATE_PERCENT_MIN: i64 = 70;

/// The line, and not an unknown thing, limits both directions. A machine that does too much beside says so.
pub(crate) fn the_line_limits_both_directions() -> Result<(), Failed> {
    let settings = Settings {
        agent: "metered = false\nmonthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = 100_000_000\n",
        ..Settings::default()
    };
    let up = "{ rate_kbit = 5000, delay_ms = 10, queue_bytes = 100000 }";
    let down = "{ rate_kbit = 20000, delay_ms = 10, queue_bytes = 100000 }";
    let bench = Bench::on_link(up, down, &settings)?;
    let round = bench.measure(&["throughput1"])?;
    let record = &round["records"][0];
    let seen = record["observations"].as_array().into_iter().flatten();
    let limits: Vec<&Value> = seen
        .filter(|one| one["operation"] == "limits")
        .map(|one| &one["detail"])
        .collect();
    if limits.len() != 2 {
        return Err(format!("not one verdict of each direction: {round}").into());
    }
    for (limit, line_bps) in limits.into_iter().zip([DOWN_BPS, UP_BPS]) {
        let is_busy = limit["rule"] == "D3";
        if limit["limited_by"] != "line" && !is_busy {
            return Err(format!("the line of {line_bps} bit/s did not limit it: {limit}").into());
        }
        let rate_bps = limit["rate_bps"].as_i64().unwrap_or(0);
        if !(line_bps / 100 * RATE_PERCENT_MIN..=line_bps).contains(&rate_bps) && !is_busy {
            return Err(format!("{rate_bps} of {line_bps} bit/s: {limit}").into());
        }
    }
    Ok(())
}
