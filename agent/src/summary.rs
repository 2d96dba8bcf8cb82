//! What came of a round: a table for a person, or one JSON object for a machine.
use crate::device::{PROCESSED, RecordSummary, Round, Skipped};
use serde::Serialize;

/// Widest target of the table, characters.
const TARGET_WIDTH: usize = 44;
/// Values of a record that the table shows.
const SAMPLES_SHOWN: usize = 2;

/// A record with the collector's word on it.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The record.
    #[serde(flatten)]
    pub record: RecordSummary,
    /// `processed`, `stored`, `unknown` or `unreachable`.
    pub state: String,
}

/// A round as the collector has it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Whether anything beyond this device answered.
    pub answered: bool,
    /// Bytes the round used, both directions.
    pub bytes_used: u64,
    /// The records.
    pub records: Vec<Row>,
    /// What did not run, and why.
    pub skipped: Vec<Skipped>,
}

impl Summary {
    /// Puts records and the collector's words together; both in the same order.
    #[must_use]
    pub fn new(round: Round, states: Vec<String>) -> Self {
        let rows = round.records.into_iter().zip(states);
        let records: Vec<Row> = rows.map(|(record, state)| Row { record, state }).collect();
        Self {
            answered: round.answered,
            bytes_used: records.iter().map(|row| row.record.bytes_used).sum(),
            records,
            skipped: round.skipped,
        }
    }

    /// Adds a round of another seat.
    pub fn extend(&mut self, other: Self) {
        self.answered |= other.answered;
        self.bytes_used += other.bytes_used;
        self.records.extend(other.records);
        self.skipped.extend(other.skipped);
    }

    /// Records that the collector has acknowledged and processed.
    #[must_use]
    pub fn processed(&self) -> usize {
        let processed = |row: &&Row| row.state == PROCESSED;
        self.records.iter().filter(processed).count()
    }

    /// True when there are records and the collector processed all of them.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.records.is_empty() && self.processed() == self.records.len()
    }

    /// Lines of a table: what was measured, then what did not run.
    #[must_use]
    pub fn table(&self) -> Vec<String> {
        let head = line("EXPERIMENT", "TARGET", "COLLECTOR", "RESULT");
        let records = self.records.iter().map(|row| {
            let record = &row.record;
            line(
                &record.experiment,
                &record.target,
                &row.state,
                &result(record),
            )
        });
        let skipped = self.skipped.iter().map(|skipped| {
            line(
                &skipped.experiment,
                &skipped.target,
                "not run",
                &skipped.reason,
            )
        });
        std::iter::once(head)
            .chain(records)
            .chain(skipped)
            .collect()
    }
}

fn line(experiment: &str, target: &str, collector: &str, result: &str) -> String {
    let target = shortened(target);
    format!("{experiment:<17} {target:<TARGET_WIDTH$} {collector:<11} {result}")
}

/// What a person wants to know first: why it failed, else the first values, else how it ended.
fn result(record: &RecordSummary) -> String {
    if !record.failures.is_empty() {
        return record.failures.join(", ");
    }
    let shown = record.samples.iter().take(SAMPLES_SHOWN);
    let values: Vec<String> = shown
        .map(|(metric, value)| format!("{metric} = {value}"))
        .collect();
    if values.is_empty() {
        record.outcome.to_string()
    } else {
        values.join(", ")
    }
}

/// A target that fits its column.
fn shortened(target: &str) -> String {
    if target.chars().count() <= TARGET_WIDTH {
        return target.to_owned();
    }
    let kept: String = target.chars().take(TARGET_WIDTH - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::hash::Hex;
    use tonle_evidence::record::{Claim, Clock, ClockState, Context, Outcome, Plan, QuotaState};

    fn round(targets: &[&str]) -> Round {
        let context = Context {
            interface: "ethernet".into(),
            ip_family: "ipv4".into(),
            metered: None,
            wifi_signal_dbm: None,
            link_rate_bps: None,
            radio: None,
            cross_traffic_bytes: None,
            plan: Plan {
                download_bps: None,
                upload_bps: None,
                quota: QuotaState::Unknown,
            },
            clock: Clock {
                state: ClockState::Unknown,
                offset_us: None,
            },
            limited_by: None,
            bytes_used: 7,
        };
        let record = |target: &&str| RecordSummary {
            hash: Hex::ZERO,
            experiment: "dns".into(),
            target: (*target).to_owned(),
            outcome: Outcome::Completed,
            failures: Vec::new(),
            samples: Vec::new(),
            bytes_used: 7,
            charged_bytes: 7,
            t_start_us: 0,
            observations: Vec::new(),
            technology: Claim {
                declared: None,
                detected: None,
            },
            context: context.clone(),
        };
        Round {
            records: targets.iter().map(record).collect(),
            skipped: Vec::new(),
            answered: true,
        }
    }

    #[test]
    fn a_round_is_complete_only_when_every_record_is_processed() {
        let states = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        let both = Summary::new(round(&["a", "b"]), states(["processed", "processed"]));
        assert!(both.is_complete());
        let one = Summary::new(round(&["a", "b"]), states(["processed", "stored"]));
        assert!(!one.is_complete());
        assert!(!Summary::new(round(&[]), Vec::new()).is_complete());
    }

    #[test]
    fn a_long_target_is_cut_between_characters() {
        let long = "ក".repeat(100);
        let summary = Summary::new(round(&[&long]), vec!["processed".into()]);
        assert!(summary.table()[1].contains('…'));
    }
}
