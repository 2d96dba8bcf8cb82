//! A report as tables for a person.
use super::evaluate::OURS;
use super::{Report, Row};

/// Lines of a report: every rule with every parameter, ours by speed, and who is cheaper at equal
/// error. Nothing is chosen here.
#[must_use]
pub fn table(report: &Report) -> Vec<String> {
    let mut lines = vec![
        "Error of the estimate against the whole transfer, and data used of the whole transfer's"
            .to_owned(),
        "(mean over traces, bytes on their way at the stop included); all in percent.".to_owned(),
        String::new(),
        head("RULE"),
    ];
    for sweep in &report.sweeps {
        let mark = if sweep.is_shipped { " (shipped)" } else { "" };
        let name = format!("{}, {}{mark}", sweep.rule, sweep.parameter);
        lines.push(line(&name, &sweep.all));
    }
    let Some(shipped) = report.shipped() else {
        return lines;
    };
    lines.extend([
        String::new(),
        head(&format!("{OURS}, {}, by speed", shipped.parameter)),
    ]);
    lines.extend(shipped.bands.iter().map(|(name, row)| line(name, row)));
    let error_ppm = shipped.all.median_error_ppm;
    lines.push(String::new());
    lines.push(format!(
        "At a median error of at most {} %, data used:",
        percent(error_ppm)
    ));
    for rule in std::iter::once(OURS).chain(report.baselines()) {
        let told = match report.cheapest(rule, error_ppm) {
            Some(sweep) => format!("{} %  ({})", percent(sweep.all.used_ppm), sweep.parameter),
            None => "never so exact".to_owned(),
        };
        lines.push(format!("  {rule:<20}{told}"));
    }
    lines
}

const NAME_WIDTH: usize = 38;
const COLUMNS: [&str; 9] = [
    "median", "p90", "bias", ">10", ">20", "data", "total", "ended", "traces",
];

fn head(name: &str) -> String {
    in_columns(name, COLUMNS.map(str::to_owned))
}

fn line(name: &str, row: &Row) -> String {
    let columns = [
        percent(row.median_error_ppm),
        percent(row.p90_error_ppm),
        percent(row.bias_ppm),
        percent(row.over_10_percent_ppm),
        percent(row.over_20_percent_ppm),
        percent(row.used_ppm),
        percent(row.used_total_ppm),
        percent(row.stopped_ppm),
        row.traces.to_string(),
    ];
    in_columns(name, columns)
}

fn in_columns(name: &str, columns: [String; 9]) -> String {
    let columns = columns.map(|column| format!("{column:>8}")).concat();
    format!("{name:<NAME_WIDTH$}{columns}")
}

/// Parts per million as percent with one digit after the point.
fn percent(ppm: i64) -> String {
    let sign = if ppm < 0 { "-" } else { "" };
    let tenths = (ppm.unsigned_abs() + 500) / 1_000;
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}
