//! Follows a transfer as it goes: the points that the early stop decides on and a trace keeps.
use crate::experiments::throughput::early_stop::Rule;
use crate::experiments::throughput::trace::{Course, STEP_US};
use tonle_wire::ndt7::TcpInfo;

/// What the receiver of the load has counted so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    rule: Option<Rule>,
    pub(super) course: Course,
    /// What the rule estimated when it ended the transfer, bit/s.
    pub(super) estimate_bps: Option<i64>,
}

impl Watch {
    pub(super) fn new(rule: Option<Rule>) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// A download: we are the receiver. True when the rate is known well enough.
    pub(super) fn received_here(&mut self, elapsed_us: i64, bytes: u64) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.course.at(elapsed_us, bytes, STEP_US) && self.decides()
    }

    /// An upload: the server told what it received. True when the rate is known well enough.
    pub(super) fn received_there(&mut self, elapsed_us: i64, bytes: i64) -> bool {
        self.course.at(elapsed_us, bytes, 1) && self.decides()
    }

    /// The server told of its kernel.
    pub(super) fn told(&mut self, tcp: &TcpInfo, bbr_bytes_per_s: Option<i64>) {
        self.course.told(tcp, bbr_bytes_per_s);
    }

    fn decides(&mut self) -> bool {
        let rule = self.rule.as_ref();
        self.estimate_bps = rule.and_then(|rule| rule.decide(&self.course.points));
        self.estimate_bps.is_some()
    }
}
