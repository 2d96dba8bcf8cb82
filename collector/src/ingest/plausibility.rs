//! Marks: facts about a record that its receiver can see. Pure. A mark never refuses a record.
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::entry::Mark;
use tonle_evidence::record::{Private, Public, Sample, clock_offset_us};

/// A record that was measured longer ago is late.
const LATE_US: i64 = 3_600_000_000;
/// A record that claims a time further ahead is from the future.
const FUTURE_US: i64 = 300_000_000;

/// The marks of a record that arrived at `received_at_us`.
///
/// Times are compared on the collector's clock where the device knows its offset to it.
#[must_use]
pub fn marks(
    public: &Public,
    private: &Private,
    catalogue: &Catalogue,
    received_at_us: i64,
) -> Vec<Mark> {
    let offset_us = clock_offset_us(public, private).unwrap_or(0);
    let start_us = private.t_start_us.saturating_add(offset_us);
    let end_us = private.t_end_us.saturating_add(offset_us);
    let runs_backwards = private.t_end_us < private.t_start_us;
    let is_implausible = runs_backwards
        || public
            .samples
            .iter()
            .any(|sample| !is_plausible(sample, catalogue));
    let mut marks = timing(start_us, end_us, received_at_us);
    marks.extend(is_implausible.then_some(Mark::Implausible));
    marks
}

/// What start and end say, on the collector's clock, microseconds since the Unix epoch.
#[must_use]
pub fn timing(start_us: i64, end_us: i64, received_at_us: i64) -> Vec<Mark> {
    let is_late = received_at_us.saturating_sub(end_us) > LATE_US;
    let is_future = start_us.saturating_sub(received_at_us) > FUTURE_US;
    [(is_late, Mark::Late), (is_future, Mark::Future)]
        .into_iter()
        .filter_map(|(found, mark)| found.then_some(mark))
        .collect()
}

/// A metric that is not declared here is not judged: a newer agent may write it, and no cell
/// takes it.
fn is_plausible(sample: &Sample, catalogue: &Catalogue) -> bool {
    catalogue
        .get(&sample.metric)
        .is_none_or(|metric| (0..=metric.max).contains(&sample.value) && sample.unit == metric.unit)
}
