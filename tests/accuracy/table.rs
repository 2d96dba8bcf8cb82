//! The table: what each tool said against what the hub saw, as Markdown. Pure.
use crate::cell::Cell;
use std::collections::BTreeMap;

/// A tool's figure beside the truth over the same interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) said: i64,
    pub(crate) truth: i64,
}

impl Figure {
    /// Said minus true, parts per million of the truth.
    pub(crate) fn error_ppm(self) -> i64 {
        if self.truth == 0 {
            return if self.said == 0 { 0 } else { 1_000_000 };
        }
        (self.said - self.truth) * 1_000_000 / self.truth
    }

    /// Said minus true, in the figure's own unit.
    pub(crate) fn difference(self) -> i64 {
        self.said - self.truth
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// Download goodput, bit/s.
    Download,
    /// Upload goodput, bit/s.
    Upload,
    /// Median round trip of the idle line, microseconds.
    IdleRtt,
}

/// Figures of one cell by what and by tool.
pub(crate) type Figures = BTreeMap<(What, &'static str), Figure>;

/// A measured cell.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) figures: Figures,
    /// Tools that gave no figure, and why.
    pub(crate) notes: Vec<String>,
}

/// A section: its heading, what stands in it, and by which tools.
struct Section {
    title: &'static str,
    what: What,
    tools: &'static [&'static str],
}

const SECTIONS: &[Section] = &[
    Section {
        title: "Download goodput",
        what: What::Download,
        tools: &["tonle", "iperf3", "ndt7-client"],
    },
    Section {
        title: "Upload goodput",
        what: What::Upload,
        tools: &["tonle", "iperf3", "ndt7-client"],
    },
    Section {
        title: "Round trip of the idle line, median",
        what: What::IdleRtt,
        tools: &["tonle", "fping", "irtt"],
    },
];

/// The whole table.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        section.write(&mut text, rows);
    }
    let notes = rows
        .iter()
        .flat_map(|row| row.notes.iter().map(move |note| (row.cell, note)));
    for (number, (cell, note)) in notes.enumerate() {
        if number == 0 {
            text.push_str("## Without a figure\n\n");
        }
        let line = format!("- {cell}: {note}\n");
        text.push_str(&line);
    }
    text
}

impl Section {
    fn figures<'a>(&self, rows: &'a [Row], tool: &'static str) -> Vec<&'a Figure> {
        rows.iter()
            .filter_map(|row| row.figures.get(&(self.what, tool)))
            .collect()
    }

    fn write(&self, text: &mut String, rows: &[Row]) {
        if self
            .tools
            .iter()
            .all(|tool| self.figures(rows, tool).is_empty())
        {
            return;
        }
        let line = format!("## {}\n\n", self.title);
        text.push_str(&line);
        let head = format!("| line | truth | {} |\n", self.tools.join(" | "));
        text.push_str(&head);
        let line = format!("| --- |{}\n", " ---: |".repeat(self.tools.len() + 1));
        text.push_str(&line);
        for row in rows {
            self.write_row(text, row);
        }
        let worst: Vec<String> = self
            .tools
            .iter()
            .map(|tool| self.spread(rows, tool))
            .collect();
        let line = format!("| **median, worst** | | {} |\n\n", worst.join(" | "));
        text.push_str(&line);
    }

    fn write_row(&self, text: &mut String, row: &Row) {
        let of = |tool: &&'static str| row.figures.get(&(self.what, *tool));
        let Some(first) = self.tools.iter().find_map(of) else {
            return;
        };
        let said: Vec<String> = self
            .tools
            .iter()
            .map(|tool| of(tool).map_or_else(|| "–".to_owned(), |figure| self.error(*figure)))
            .collect();
        let truth = self.amount(first.truth);
        let line = format!("| {} | {truth} | {} |\n", row.cell, said.join(" | "));
        text.push_str(&line);
    }

    /// The error as the aims have it: a share for rates, a difference for delays.
    fn error(&self, figure: Figure) -> String {
        match self.what {
            What::IdleRtt => format!("{:+.2} ms", figure.difference() as f64 / 1_000.0),
            _ => format!("{:+.1} %", figure.error_ppm() as f64 / 10_000.0),
        }
    }

    fn amount(&self, value: i64) -> String {
        match self.what {
            What::Download | What::Upload => format!("{:.2} Mbit/s", value as f64 / 1_000_000.0),
            What::IdleRtt => format!("{:.2} ms", value as f64 / 1_000.0),
        }
    }

    /// Median and worst of the errors, without their signs.
    fn spread(&self, rows: &[Row], tool: &'static str) -> String {
        let mut figures: Vec<Figure> = self
            .figures(rows, tool)
            .into_iter()
            .map(|figure| Figure {
                said: figure.truth + figure.difference().abs(),
                truth: figure.truth,
            })
            .collect();
        figures.sort_by_key(|figure| match self.what {
            What::IdleRtt => figure.difference(),
            _ => figure.error_ppm(),
        });
        match (figures.get(figures.len() / 2), figures.last()) {
            (Some(median), Some(worst)) => {
                format!("{}, {}", self.error(*median), self.error(*worst))
            }
            _ => "–".to_owned(),
        }
    }
}
