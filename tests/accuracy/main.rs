//! How near our figures come to the truth of the lab.
//!
//! As a test: six cells and three lines on which something happens, each bound by what the lab itself
//! allows. With `--table FILE` every cell, with other people's tools beside ours, written as a table.
//! With `--traces DIR` the whole transfers of many lines, for `tonle agent replay`.
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod aims;
mod cell;
mod events;
mod figures;
mod lanes;
mod line;
mod machine;
mod measure;
mod record;
mod report;
mod row;
mod scenario;
mod table;
mod tools;
mod traces;
mod world;

use cell::Cell;
use measure::Plan;
use row::{Figure, Row, What};

/// Largest error of a rate without loss, and with it, parts per million of the truth.
pub(crate) const RATE_PPM: i64 = 60_000;
const RATE_WITH_LOSS_PPM: i64 = 100_000;
/// A round trip is never shorter than the network's own; this is for the clocks' rounding.
const EARLY_US: i64 = 200;
/// What hosts may add to a round trip: their timers and wake-ups.
const LATE_US: i64 = 5_000;
/// Slow lines are measured so many at a time: the hub comes before them all.
const TESTS_AT_A_TIME: usize = 3;

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    let arguments: Vec<String> = std::env::args().collect();
    let table = report::Request::from(&arguments);
    let traces = traces::Request::from(&arguments);
    match (table, traces, missing) {
        (None, None, missing) => test(missing.as_deref()),
        (_, _, Some(why)) => failed(&why),
        (Some(request), _, None) => done(report::write(&request, &plan(true))),
        (None, Some(request), None) => done(traces::write(&request, &plan(false))),
    }
}

fn plan(peers: bool) -> Plan {
    Plan {
        tonle: PathBuf::from(env!("CARGO_BIN_EXE_tonle")),
        peers,
        ndt7_client: measure::built_ndt7_client(Path::new(env!("CARGO_MANIFEST_DIR"))),
    }
}

fn done(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => failed(&why),
    }
}

fn failed(why: &str) -> ExitCode {
    say(&format!("error: {why}"));
    ExitCode::FAILURE
}

fn test(missing: Option<&str>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(TESTS_AT_A_TIME);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (missing, required) {
        say(&format!("LAB SKIPPED: the accuracy of nine lines ({why})"));
    }
    let trial = |name: String, check: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
        let missing = missing.map(str::to_owned);
        let is_ignored = missing.is_some() && !required;
        Trial::test(name, move || match missing {
            Some(why) => Err(format!("LAB=require, but {why}").into()),
            None => check(),
        })
        .with_ignored_flag(is_ignored)
    };
    let events = events::ALL
        .iter()
        .map(|(name, check)| trial((*name).to_owned(), Box::new(|| Ok(check(&plan(false))?))));
    let cells = Cell::six().into_iter().map(|cell| {
        let name = format!("our figures are true: {cell}");
        trial(name, Box::new(move || check(cell)))
    });
    libtest_mimic::run(&arguments, events.chain(cells).collect()).exit_code()
}

fn check(cell: Cell) -> Result<(), Failed> {
    let row = measure::cell(cell, &plan(false))?;
    let mut wrong = row.notes.clone();
    let figures = row.figures.iter();
    let untrue = figures.filter(|figure| !is_true(figure, &row));
    wrong.extend(untrue.map(|figure| format!("{figure:?}")));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n").into())
}

fn is_true(figure: &Figure, row: &Row) -> bool {
    let has_loss = row.cell.loss_every > 0;
    let is_near = (-EARLY_US..=LATE_US).contains(&figure.difference());
    match figure.what {
        What::Download | What::Upload if has_loss => figure.error_ppm().abs() <= RATE_WITH_LOSS_PPM,
        What::Download | What::Upload => figure.error_ppm().abs() <= RATE_PPM,
        What::Lost => figure.difference() == 0,
        What::Rtt | What::DownloadRtt | What::UploadRtt => is_near,
    }
}

/// A word to the person: progress, and what is ignored.
#[expect(
    clippy::print_stderr,
    reason = "a test target with an output of its own"
)]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
