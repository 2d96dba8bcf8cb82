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
        tools: &["tonle", "fping", "irtt"],
    },
    Section {
        title: "Lost probes",
        what: What::Lost,
        tools: &["tonle", "fping", "irtt"],
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
        let note = note.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("- {cell}: {note}\n"));
    }
    text
}

impl Section {
    fn figures<'a>(&self, rows: &'a [Row], tool: &str) -> Vec<&'a Figure> {
        let rows = rows.iter();
        rows.filter_map(|row| row.figure(self.what, tool)).collect()
    }

    fn write(&self, text: &mut String, rows: &[Row]) {
        let mut tools = self.tools.iter();
        if tools.all(|tool| self.figures(rows, tool).is_empty()) {
            return;
        }
        text.push_str(&format!("## {}\n\n", self.title));
        text.push_str(&format!("| line | truth | {} |\n", self.tools.join(" | ")));
        let columns = " ---: |".repeat(self.tools.len() + 1);
        text.push_str(&format!("| --- |{columns}\n"));
        for row in rows {
            self.write_row(text, row);
        }
        let spreads = self.tools.iter().map(|tool| self.spread(rows, tool));
        let spreads: Vec<String> = spreads.collect();
        text.push_str(&format!(
            "| **median, worst error** | | {} |\n\n",
            spreads.join(" | ")
        ));
    }

    fn write_row(&self, text: &mut String, row: &Row) {
        let of = |tool: &&str| row.figure(self.what, tool);
        let Some(first) = self.tools.iter().find_map(of) else {
            return;
        };
        let said = self.tools.iter().map(|tool| {
            let figure = row.figure(self.what, tool);
            figure.map_or_else(|| "–".to_owned(), |figure| error(figure))
        });
        let said: Vec<String> = said.collect();
        let truth = amount(first);
        text.push_str(&format!(
            "| {} | {truth} | {} |\n",
            row.cell,
            said.join(" | ")
        ));
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
