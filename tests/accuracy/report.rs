//! The table of every cell. Each is appended to a file of results as it is whole, so that a broken
//! run loses one cell at most and goes on with `--resume`.
use crate::cell::Cell;
use crate::lanes::{Job, LANES, LATE_MAX_US};
use crate::measure::{self, Plan};
use crate::row::Row;
use crate::{aims, lanes, machine, say, table};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What was asked for on the command line.
pub(crate) struct Request {
    table: PathBuf,
    /// Only cells whose names begin so.
    cells: String,
    resume: bool,
}

impl Request {
    /// `--table FILE [--cells BEGINNING] [--resume]`; none when it is to be a test.
    pub(crate) fn from(arguments: &[String]) -> Option<Self> {
        Some(Self {
            table: after(arguments, "--table")?.into(),
            cells: after(arguments, "--cells").unwrap_or_default(),
            resume: arguments.iter().any(|argument| argument == "--resume"),
        })
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells = Cell::all();
        cells.retain(|cell| cell.to_string().starts_with(&self.cells));
        cells
    }
}

/// What stands behind an option.
pub(crate) fn after(arguments: &[String], name: &str) -> Option<String> {
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1).cloned()
}

/// Measures what is not measured yet, and writes the table.
pub(crate) fn write(request: &Request, plan: &Plan) -> Result<(), String> {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("accuracy.jsonl");
    let mut rows = if request.resume {
        read(&results)?
    } else {
        Vec::new()
    };
    let wanted = request.cells();
    rows.retain(|row| wanted.contains(&row.cell));
    let has = |cell: &Cell| rows.iter().any(|row| row.cell == *cell);
    let missing: Vec<Cell> = wanted.iter().copied().filter(|cell| !has(cell)).collect();
    let mut file = open(&results, request.resume)?;
    say(&format!(
        "{} cells, {} of them measured before; results in {}",
        wanted.len(),
        rows.len(),
        results.display()
    ));
    let jobs = missing.into_iter().map(|cell| CellOf { cell, plan });
    let measured = lanes::run(jobs.collect(), |row| {
        append(&mut file, &row).map_err(|error| format!("{}: {error}", results.display()))?;
        let place = rows.len() + 1;
        say(&format!("{place}/{}: {}", wanted.len(), row.cell));
        for note in &row.notes {
            say(&format!("  {note}"));
        }
        rows.push(row);
        Ok(())
    });
    rows.sort_by_key(|row| wanted.iter().position(|cell| *cell == row.cell));
    let written = std::fs::write(&request.table, text(&rows));
    written.map_err(|error| format!("{}: {error}", request.table.display()))?;
    measured
}

/// A cell to be measured.
struct CellOf<'a> {
    cell: Cell,
    plan: &'a Plan,
}

impl Job for CellOf<'_> {
    type Done = Row;

    fn rate_kbit(&self) -> u64 {
        self.cell.rate_kbit
    }

    fn measure(&self) -> Result<(Row, i64), String> {
        let row = measure::cell(self.cell, self.plan)?;
        let late_us = row.hub_late_us;
        Ok((row, late_us))
    }
}

fn open(results: &Path, resume: bool) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    options.append(resume).truncate(!resume);
    let opened = options.open(results);
    opened.map_err(|error| format!("{}: {error}", results.display()))
}

fn append(file: &mut File, row: &Row) -> std::io::Result<()> {
    let line = serde_json::to_string(row).map_err(std::io::Error::other)?;
    writeln!(file, "{line}")
}

fn read(results: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(results)
        .map_err(|error| format!("nothing to resume: {}: {error}", results.display()))?;
    let rows = text.lines().map(serde_json::from_str);
    let rows: Result<Vec<Row>, _> = rows.collect();
    rows.map_err(|error| format!("{}: {error}", results.display()))
}

fn text(rows: &[Row]) -> String {
    let late_us = rows.iter().map(|row| row.hub_late_us).max();
    format!(
        "# Accuracy\n\n\
         Made by `cargo test --release --test accuracy -- --table docs/accuracy.md` on {}.\n\n\
         Each tool measures the same simulated line, one after the other, and is held to what the hub of\n\
         the lab delivered over the same interval. For rates, that is TCP payload; the interval is the\n\
         tool's own where it tells one, else from the first to the last payload of its busiest\n\
         connection. For round trips, it is the network's own time of the tool's packets, without what\n\
         the hosts add; for losses, the tool's probes of which the hub dropped either way. Queues hold\n\
         200 ms. On busy lines `iperf3` sends UDP at 30 % of the rate both ways. Lines of up to 20 Mbit/s\n\
         are measured {LANES} at a time; a line on which more than 1 of 100 packets was handed over later\n\
         than {} µs after its time is measured again, alone. In the worst line that counts, 99 of 100\n\
         packets were at most {} µs late.\n\n\
         ## Aims\n\n\
         They are reported and gate nothing; the bounds of the tests in CI are wider.\n\n\
         {}\n\n{}",
        machine::today_and_here(),
        LATE_MAX_US,
        late_us.unwrap_or_default(),
        aims::markdown(rows),
        table::markdown(rows)
    )
}
