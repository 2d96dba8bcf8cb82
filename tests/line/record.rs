//! The one record of a measurement, as the agent prints it.
use libtest_mimic::Failed;
use serde_json::Value;
use std::ops::Range;

pub(crate) struct Record(Value);

impl Record {
    /// The first record of a round.
    pub(crate) fn of(round: &Value) -> Result<Self, Failed> {
        let record = round["records"][0].clone();
        if record.is_null() {
            return Err(format!("it did not run: {}", round["skipped"]).into());
        }
        Ok(Self(record))
    }

    /// The first observation of an operation.
    pub(crate) fn observation(&self, operation: &str) -> Result<&Value, String> {
        self.find(operation, |_| true)
    }

    /// What was seen of one direction.
    pub(crate) fn direction(&self, direction: &str) -> Result<&Value, String> {
        self.find("responsiveness", |seen| {
            seen["detail"]["direction"] == direction
        })
    }

    fn find(&self, operation: &str, fits: impl Fn(&Value) -> bool) -> Result<&Value, String> {
        let mut observations = self.0["observations"].as_array().into_iter().flatten();
        observations
            .find(|seen| seen["operation"] == operation && fits(seen))
            .ok_or_else(|| format!("no {operation}: {}", self.0))
    }

    /// The value of the metric whose id begins so.
    pub(crate) fn sample(&self, metric: &str) -> Result<i64, String> {
        let samples = self.0["samples"].as_array().into_iter().flatten();
        samples
            .filter(|sample| sample[0].as_str().is_some_and(|id| id.starts_with(metric)))
            .find_map(|sample| sample[1].as_i64())
            .ok_or_else(|| format!("no {metric}: {}", self.0))
    }

    /// When a phase of a throughput run was, microseconds since the Unix epoch.
    pub(crate) fn phase(&self, phase: &str) -> Result<Range<i64>, String> {
        let seen = self.find("rtt_phase", |seen| seen["detail"]["phase"] == phase)?;
        self.span_of(seen)
    }

    /// When something was seen, microseconds since the Unix epoch.
    pub(crate) fn span_of(&self, seen: &Value) -> Result<Range<i64>, String> {
        let begun_us = self.0["t_start_us"].as_i64().ok_or("no start")?;
        let at = |name: &str| seen[name].as_i64().ok_or(format!("no {name}"));
        Ok(begun_us + at("t_start_us")?..begun_us + at("t_end_us")?)
    }
}
