//! How near our figures come to the truth of the lab.
//!
//! As a test: six cells, each bound by what the lab itself allows. With `--table FILE` every cell,
//! with other people's tools beside ours, written as a table; `--cells N` only the first N.
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod cell;
mod figures;
mod measure;
mod report;
mod table;
mod tools;
mod world;

use cell::Cell;
use measure::Plan;
use table::{Figure, Row, What};

/// Largest error of a rate without loss, and with it, parts per million of the truth.
const RATE_PPM: i64 = 60_000;
const RATE_WITH_LOSS_PPM: i64 = 100_000;
/// A round trip is never shorter than the network's own; this is for the clocks' rounding.
const EARLY_US: i64 = 200;
/// What hosts may add to a round trip: their timers and wake-ups.
const LATE_US: i64 = 5_000;

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    match (report::Request::from_args(), missing) {
        (Some(_), Some(why)) => {
            say(&format!("error: {why}"));
            ExitCode::FAILURE
        }
        (Some(request), None) => report::write(&request, &plan(true)),
        (None, missing) => test(missing.as_deref()),
    }
}

fn plan(peers: bool) -> Plan {
    Plan {
        tonle: PathBuf::from(env!("CARGO_BIN_EXE_tonle")),
        peers,
        ndt7_client: measure::built_ndt7_client(Path::new(env!("CARGO_MANIFEST_DIR"))),
    }
}

/// One trial per cell, one at a time: they measure time.
fn test(missing: Option<&str>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (missing, required) {
        say(&format!("LAB SKIPPED: the accuracy of six lines ({why})"));
    }
    let trials = Cell::six().into_iter().map(|cell| {
        let missing = missing.map(str::to_owned);
        let is_ignored = missing.is_some() && !required;
        Trial::test(format!("our figures are true: {cell}"), move || {
            if let Some(why) = missing {
                return Err(format!("LAB=require, but {why}").into());
            }
            check(cell)
        })
        .with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(cell: Cell) -> Result<(), Failed> {
    let (row, _) = measure::cell(cell, &plan(false))?;
    let mut wrong = row.notes.clone();
    for ((what, tool), figure) in &row.figures {
        if !is_true(*what, *figure, &row) {
            wrong.push(format!("{tool} {what:?}: {figure:?}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n").into())
}

fn is_true(what: What, figure: Figure, row: &Row) -> bool {
    let has_loss = row.cell.loss_every > 0;
    let late = |bound_us: i64| (-EARLY_US..=bound_us).contains(&figure.difference());
    match what {
        What::Download | What::Upload if has_loss => figure.error_ppm().abs() <= RATE_WITH_LOSS_PPM,
        What::Download | What::Upload => figure.error_ppm().abs() <= RATE_PPM,
        What::IdleRtt => late(LATE_US),
    }
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
