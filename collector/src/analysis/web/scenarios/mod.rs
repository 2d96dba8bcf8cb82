//! Network situations as measurements, with the keys and verdicts that both layers must give. For
//! tests only: shared by the layers and by the command that analyses files.
//!
//! The situations are those that OONI's own quality tests of Web Connectivity describe, restated:
//! what each network did is in the functions, what must come of it in `expected.txt`.
mod build;
mod dns;
mod page;
mod plain;
mod redirect;

pub(crate) use build::{Build, Helper, Page, Via};

use serde_json::Value;

/// What must come of one situation, as a row of `expected.txt`.
pub(crate) struct Expected {
    pub(crate) name: &'static str,
    /// OONI's keys in the order of the header, as JSON.
    pub(crate) keys: Vec<(&'static str, Value)>,
    /// Whether Web Connectivity 0.4 is held to the same keys, flags aside.
    pub(crate) holds_for_0_4: bool,
    /// State and mechanism or reason of our own verdict.
    pub(crate) tonle: (&'static str, &'static str),
}

/// Every row of `expected.txt`.
pub(crate) fn expected() -> Vec<Expected> {
    let mut lines = include_str!("expected.txt").lines();
    let columns: Vec<&str> = cut(lines.next().unwrap()).collect();
    let rows = lines.filter(|line| !line.is_empty());
    rows.map(|line| row(&columns, &cut(line).collect::<Vec<_>>()))
        .collect()
}

fn cut(line: &'static str) -> impl Iterator<Item = &'static str> {
    line.split('|').map(str::trim)
}

fn row(columns: &[&'static str], cells: &[&'static str]) -> Expected {
    assert_eq!(columns.len(), cells.len(), "{}", cells[0]);
    let keys = columns.iter().zip(cells).skip(2);
    let keys = keys.take_while(|(column, _)| **column != "state");
    let in_json =
        |cell: &str| serde_json::from_str(cell).unwrap_or_else(|_| Value::from(cell.to_owned()));
    Expected {
        name: cells[0],
        holds_for_0_4: cells[1] == "0.4",
        keys: keys
            .map(|(column, cell)| (*column, in_json(cell)))
            .collect(),
        tonle: (cells[cells.len() - 2], cells[cells.len() - 1]),
    }
}

/// The measurement of a situation.
pub(crate) fn measurement(name: &str) -> Build {
    let all = [plain::ALL, page::ALL, dns::ALL, redirect::ALL].concat();
    let found = all.iter().find(|(known, _)| *known == name);
    let (_, build) = found.unwrap_or_else(|| panic!("no situation is called {name}"));
    build()
}

/// How many situations there are.
pub(crate) fn count() -> usize {
    [plain::ALL, page::ALL, dns::ALL, redirect::ALL]
        .concat()
        .len()
}

/// A name and how its measurement is made.
type Situation = (&'static str, fn() -> Build);
