//! The record that `tonle agent measure` prints.
use crate::figures::Span;
use crate::world::World;
use serde_json::Value;

/// The one record of a measurement.
pub(crate) struct Record {
    record: Value,
    pub(crate) span: Span,
}

impl Record {
    /// Lets the agent measure.
    pub(crate) fn measure(world: &World, arguments: &[&str]) -> Result<Self, String> {
        let mut command = vec!["measure"];
        command.extend(arguments);
        command.push("--json");
        let output = world.agent(&command)?;
        let round: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let record = round["records"][0].clone();
        let from_us = record["t_start_us"]
            .as_i64()
            .ok_or_else(|| format!("it did not run: {}", round["skipped"]))?;
        let ends = record["observations"].as_array().into_iter().flatten();
        let last_us = ends.filter_map(|seen| seen["t_end_us"].as_i64()).max();
        let until_us = from_us + last_us.unwrap_or_default() + 1;
        Ok(Self {
            record,
            span: Span { from_us, until_us },
        })
    }

    /// The value of the metric whose id begins so.
    pub(crate) fn sample(&self, metric: &str) -> Result<i64, String> {
        let samples = self.record["samples"].as_array().into_iter().flatten();
        samples
            .filter(|sample| sample[0].as_str().is_some_and(|id| id.starts_with(metric)))
            .find_map(|sample| sample[1].as_i64())
            .ok_or_else(|| format!("no {metric}; failures {}", self.record["failures"]))
    }

    /// The transfer of one direction, and its span.
    pub(crate) fn transfer(&self, direction: &str) -> Result<(&Value, Span), String> {
        let transfer = self.seen("transfer", "direction", direction)?;
        Ok((transfer, self.span_of(transfer)))
    }

    /// When the probes beside a direction of throughput left.
    pub(crate) fn phase(&self, direction: &str) -> Result<Span, String> {
        let phase = self.seen("rtt_phase", "phase", direction)?;
        Ok(self.span_of(phase))
    }

    fn seen(&self, operation: &str, key: &str, value: &str) -> Result<&Value, String> {
        let mut seen = self.record["observations"].as_array().into_iter().flatten();
        seen.find(|one| one["operation"] == operation && one["detail"][key] == value)
            .ok_or_else(|| format!("no {operation} of {value}"))
    }

    fn span_of(&self, observation: &Value) -> Span {
        let at = |name: &str| observation[name].as_i64().unwrap_or_default();
        Span {
            from_us: self.span.from_us + at("t_start_us"),
            until_us: self.span.from_us + at("t_end_us"),
        }
    }
}
