//! The table of every cell, written to a file as it grows, so that a broken run leaves what it had.
use crate::cell::Cell;
use crate::measure::{self, Plan};
use crate::table::{self, Row};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What was asked for on the command line.
pub(crate) struct Request {
    file: PathBuf,
    cells: usize,
}

impl Request {
    /// `--table FILE [--cells N]`; none when it is to be a test.
    pub(crate) fn from_args() -> Option<Self> {
        let arguments: Vec<String> = std::env::args().collect();
        let after = |name: &str| {
            let place = arguments.iter().position(|argument| argument == name)?;
            arguments.get(place + 1)
        };
        Some(Self {
            file: after("--table")?.into(),
            cells: after("--cells")
                .and_then(|count| count.parse().ok())
                .unwrap_or(usize::MAX),
        })
    }
}

/// Measures and writes.
#[expect(clippy::print_stderr, reason = "progress of a long run")]
pub(crate) fn write(request: &Request, plan: &Plan) -> ExitCode {
    let cells: Vec<Cell> = Cell::all().into_iter().take(request.cells).collect();
    let (mut rows, mut late_us) = (Vec::new(), Vec::new());
    for (number, cell) in cells.iter().enumerate() {
        eprintln!("{}/{}: {cell}", number + 1, cells.len());
        match measure::cell(*cell, plan) {
            Ok((row, hub_late_us)) => {
                for note in &row.notes {
                    eprintln!("  {note}");
                }
                rows.push(row);
                late_us.push(hub_late_us);
            }
            Err(why) => {
                eprintln!("  not measured: {why}");
                return ExitCode::FAILURE;
            }
        }
        if let Err(why) = store(&request.file, &rows, late_us.iter().max().copied()) {
            eprintln!("{}: {why}", request.file.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn store(file: &Path, rows: &[Row], late_us: Option<i64>) -> std::io::Result<()> {
    let text = format!(
        "# Accuracy\n\n\
         Made by `cargo test --release --test accuracy -- --table docs/accuracy.md`: each tool on the same\n\
         simulated line, one after the other, against what the hub of the lab delivered over the same\n\
         interval. For rates, that is TCP payload; the interval is the tool's own where it tells one, else\n\
         from the first to the last payload of its busiest connection. For round trips, it is the network's\n\
         own time of the tool's packets, without what the hosts add. Queues hold 200 ms. On busy lines\n\
         `iperf3` sends UDP at 30 % of the rate both ways. The hub's own delay, in the worst cell's median:\n\
         {} µs.\n\n{}",
        late_us.unwrap_or_default(),
        table::markdown(rows)
    );
    std::fs::write(file, text)
}
