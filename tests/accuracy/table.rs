//! The table: what each tool said against what the hub saw, as Markdown. Pure.
use crate::row::{Figure, Row, What};

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
        title: "Median round trip without our load",
        what: What::Rtt,
        tools: &["tonle", "tonle stamp", "fping", "irtt"],
    },
    Section {
        title: "Lost probes",
        what: What::Lost,
        tools: &["tonle", "tonle stamp", "fping", "irtt"],
    },
    Section {
        title: "Median round trip during a download, error as a share of the time in queues",
        what: What::DownloadRtt,
        tools: &["tonle", "fping"],
    },
    Section {
        title: "Median round trip during an upload, error as a share of the time in queues",
        what: What::UploadRtt,
        tools: &["tonle", "fping"],
    },
];

/// Every section, and what gave no figure.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let sections = SECTIONS.iter().flat_map(|section| section.lines(rows));
    let mut lines: Vec<String> = sections.collect();
    let notes = rows
        .iter()
        .flat_map(|row| row.notes.iter().map(move |note| (row.cell, note)));
    let notes = notes.map(|(cell, note)| {
        let note: Vec<&str> = note.split_whitespace().collect();
        format!("- {cell}: {}", note.join(" "))
    });
    let notes: Vec<String> = notes.collect();
    if !notes.is_empty() {
        lines.extend(["## Without a figure".to_owned(), String::new()]);
        lines.extend(notes);
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

impl Section {
    fn figures<'a>(&self, rows: &'a [Row], tool: &str) -> Vec<&'a Figure> {
        let rows = rows.iter();
        rows.filter_map(|row| row.figure(self.what, tool)).collect()
    }

    fn lines(&self, rows: &[Row]) -> Vec<String> {
        let mut tools = self.tools.iter();
        if tools.all(|tool| self.figures(rows, tool).is_empty()) {
            return Vec::new();
        }
        let columns = " ---: |".repeat(self.tools.len() + 1);
        let mut lines = vec![
            format!("## {}", self.title),
            String::new(),
            format!("| line | truth | {} |", self.tools.join(" | ")),
            format!("| --- |{columns}"),
        ];
        lines.extend(rows.iter().filter_map(|row| self.line(row)));
        let spreads = self.tools.iter().map(|tool| self.spread(rows, tool));
        let spreads: Vec<String> = spreads.collect();
        lines.push(format!(
            "| **median, worst error** | | {} |",
            spreads.join(" | ")
        ));
        lines.push(String::new());
        lines
    }

    fn line(&self, row: &Row) -> Option<String> {
        let of = |tool: &&str| row.figure(self.what, tool);
        let first = self.tools.iter().find_map(of)?;
        let said = self
            .tools
            .iter()
            .map(|tool| of(tool).map_or_else(|| "–".to_owned(), error));
        let said: Vec<String> = said.collect();
        let truth = amount(first);
        Some(format!("| {} | {truth} | {} |", row.cell, said.join(" | ")))
    }

    /// Median and worst of the errors, without their signs.
    fn spread(&self, rows: &[Row], tool: &str) -> String {
        let mut figures = self.figures(rows, tool);
        if self.what == What::Lost {
            let exact = figures.iter().filter(|figure| figure.difference() == 0);
            return format!("{} of {} exact", exact.count(), figures.len());
        }
        figures.sort_by_key(|figure| size(figure));
        match (figures.get(figures.len() / 2), figures.last()) {
            (Some(median), Some(worst)) => format!("{}, {}", error(median), error(worst)),
            _ => "–".to_owned(),
        }
    }
}

/// How large an error is, in what the aims have it in: a difference for delays and counts, a share
/// for the rest.
pub(crate) fn size(figure: &Figure) -> i64 {
    match figure.what {
        What::Rtt | What::Lost => figure.difference().abs(),
        _ => figure.error_ppm().abs(),
    }
}

fn error(figure: &Figure) -> String {
    match figure.what {
        What::Rtt => format!("{:+.2} ms", figure.difference() as f64 / 1_000.0),
        What::Lost => format!(
            "{} of {}, {:+}",
            figure.said,
            figure.of,
            figure.difference()
        ),
        _ => format!("{:+.1} %", figure.error_ppm() as f64 / 10_000.0),
    }
}

fn amount(figure: &Figure) -> String {
    match figure.what {
        What::Download | What::Upload => {
            format!("{:.2} Mbit/s", figure.truth as f64 / 1_000_000.0)
        }
        What::Rtt => format!("{:.2} ms", figure.truth as f64 / 1_000.0),
        What::Lost => format!("{} of {}", figure.truth, figure.of),
        What::DownloadRtt | What::UploadRtt => format!(
            "{:.1} ms, {:.1} in queues",
            figure.truth as f64 / 1_000.0,
            figure.of as f64 / 1_000.0
        ),
    }
}
