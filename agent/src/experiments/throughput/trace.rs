//! A transfer as it went, for replay: one JSON object on a line of its own, without any address.
use super::early_stop::Point;
use serde::{Deserialize, Serialize};
use tonle_wire::ndt7::TcpInfo;

/// Version of the form.
pub const FORMAT: u32 = 1;
/// Shortest time between two points that we count ourselves, microseconds.
pub(super) const STEP_US: i64 = 50_000;
/// Most points of each kind; what comes later is left out.
const POINTS_MAX: usize = 2_000;

/// A whole transfer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// [`FORMAT`].
    pub trace: u32,
    /// `download` or `upload`.
    pub direction: String,
    /// `ws` or `wss`.
    pub scheme: String,
    /// What ended it; only what ran to its end is kept.
    pub stop: String,
    /// Nominal length, microseconds.
    pub nominal_us: i64,
    /// Kind of interface, in the words of the record format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Bytes that others moved meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_bytes: Option<i64>,
    /// (elapsed microseconds, cumulative payload bytes): what the receiver of the load counted.
    pub points: Vec<(i64, i64)>,
    /// What the server's kernel said on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel: Vec<Kernel>,
}

/// One message of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kernel {
    /// Microseconds since the server began to count.
    pub elapsed_us: i64,
    /// Smoothed round trip, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<i64>,
    /// Smallest round trip, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rtt_us: Option<i64>,
    /// Congestion window, segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwnd: Option<i64>,
    /// Bytes acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_acked: Option<i64>,
    /// Bytes received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_received: Option<i64>,
    /// Bytes retransmitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_retrans: Option<i64>,
    /// Latest delivery rate, bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_rate_bytes_per_s: Option<i64>,
    /// Bandwidth as BBR sees it, bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bbr_bytes_per_s: Option<i64>,
}

/// Bounds of what a trace of anybody's making may claim: a day, a petabyte, a round trip of a minute.
const ELAPSED_MAX_US: i64 = 86_400_000_000;
const BYTES_MAX: i64 = 1_000_000_000_000_000;
const RTT_MAX_US: i64 = 60_000_000;

impl Trace {
    /// The points in the form that rules take, in order of time, never shrinking: what a trace of
    /// somebody else's making does not keep is mended.
    #[must_use]
    pub fn to_points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = self
            .points
            .iter()
            .map(|(elapsed_us, bytes)| Point {
                elapsed_us: (*elapsed_us).clamp(0, ELAPSED_MAX_US),
                bytes: (*bytes).clamp(0, BYTES_MAX),
            })
            .collect();
        points.sort_by_key(|point| point.elapsed_us);
        let mut most = 0;
        for point in &mut points {
            most = most.max(point.bytes);
            point.bytes = most;
        }
        points
    }

    /// The smallest round trip that any message told, microseconds.
    #[must_use]
    pub fn min_rtt_us(&self) -> Option<i64> {
        let told = self.kernel.iter().filter_map(|one| one.min_rtt_us);
        told.filter(|rtt_us| (1..=RTT_MAX_US).contains(rtt_us))
            .min()
    }
}

/// The points of a transfer in progress.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) points: Vec<Point>,
    pub(super) kernel: Vec<Kernel>,
}

impl Course {
    /// Takes a point unless one was taken just before; true when it was taken.
    pub(super) fn at(&mut self, elapsed_us: i64, bytes: i64, step_us: i64) -> bool {
        let last = self.points.last().copied();
        let is_due = last.is_none_or(|last| {
            elapsed_us - last.elapsed_us >= step_us.max(1) && bytes >= last.bytes
        });
        let is_taken = is_due && elapsed_us > 0 && self.points.len() < POINTS_MAX;
        if is_taken {
            self.points.push(Point { elapsed_us, bytes });
        }
        is_taken
    }

    /// Takes what the server's kernel said.
    pub(super) fn told(&mut self, tcp: &TcpInfo, bbr_bytes_per_s: Option<i64>) {
        if self.kernel.len() >= POINTS_MAX {
            return;
        }
        self.kernel.push(Kernel {
            elapsed_us: tcp.elapsed_us.unwrap_or(0),
            rtt_us: tcp.rtt_us.map(i64::from),
            min_rtt_us: tcp.known_min_rtt_us().map(i64::from),
            cwnd: tcp.snd_cwnd.map(i64::from),
            bytes_acked: tcp.bytes_acked,
            bytes_received: tcp.bytes_received,
            bytes_retrans: tcp.bytes_retrans,
            delivery_rate_bytes_per_s: tcp.delivery_rate_bytes_per_s,
            bbr_bytes_per_s,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_are_taken_at_their_step_and_never_shrink() {
        let mut course = Course::default();
        for (us, bytes) in [
            (10, 1),
            (40_000, 2),
            (60_010, 3),
            (120_000, 2),
            (130_000, 9),
        ] {
            course.at(us, bytes, STEP_US);
        }
        let taken: Vec<_> = course.points.iter().map(|point| point.elapsed_us).collect();
        assert_eq!(taken, [10, 60_010, 130_000]);
    }

    #[test]
    fn a_transfer_that_never_ends_has_a_bounded_trace() {
        let mut course = Course::default();
        for tick in 1..10_000 {
            course.at(tick * STEP_US, tick, STEP_US);
            course.told(&TcpInfo::default(), None);
        }
        assert_eq!(course.points.len(), POINTS_MAX);
        assert_eq!(course.kernel.len(), POINTS_MAX);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = serde_json::from_str::<Trace>(&text);
        }

        #[test]
        fn a_trace_reads_back(points in prop::collection::vec((any::<i64>(), any::<i64>()), 0..9), rtt in prop::option::of(any::<i64>())) {
            let trace = Trace {
                trace: FORMAT,
                points,
                kernel: vec![Kernel { rtt_us: rtt, ..Kernel::default() }],
                ..Trace::default()
            };
            let line = serde_json::to_string(&trace).unwrap();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(&serde_json::from_str::<Trace>(&line).unwrap(), &trace);
            let mended = trace.to_points();
            prop_assert!(mended.windows(2).all(|pair| pair[0].elapsed_us <= pair[1].elapsed_us && pair[0].bytes <= pair[1].bytes));
        }
    }
}
