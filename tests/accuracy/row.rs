//! One measured cell: what each tool said, beside what the hub saw.
use crate::cell::Cell;
use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Download goodput, bit/s.
    Download,
    /// Upload goodput, bit/s.
    Upload,
    /// Median round trip without our load, microseconds.
    Rtt,
    /// Probes that were lost, of a train of them.
    Lost,
    /// Median round trip while a download goes on, microseconds.
    DownloadRtt,
    /// Median round trip while an upload goes on, microseconds.
    UploadRtt,
}

/// A tool's figure beside the truth over the same interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) what: What,
    pub(crate) tool: String,
    pub(crate) said: i64,
    pub(crate) truth: i64,
    /// What an error is a share of: the truth, but of a round trip under load its time in queues; of
    /// lost probes how many there were.
    pub(crate) of: i64,
}

impl Figure {
    /// Said minus true, parts per million of [`Figure::of`].
    pub(crate) fn error_ppm(&self) -> i64 {
        if self.of == 0 {
            return if self.difference() == 0 { 0 } else { 1_000_000 };
        }
        self.difference() * 1_000_000 / self.of
    }

    /// Said minus true, in the figure's own unit.
    pub(crate) fn difference(&self) -> i64 {
        self.said - self.truth
    }
}

/// A measured cell.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) figures: Vec<Figure>,
    /// Tools that gave no figure, and why.
    pub(crate) notes: Vec<String>,
    /// 99 of 100 packets were handed over at most so much later than planned, microseconds.
    pub(crate) hub_late_us: i64,
}

impl Row {
    pub(crate) fn figure(&self, what: What, tool: &str) -> Option<&Figure> {
        let mut figures = self.figures.iter();
        figures.find(|figure| figure.what == what && figure.tool == tool)
    }
}
