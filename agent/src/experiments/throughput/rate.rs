//! Pure: which rates a transfer gives, if any. The rules stand at the top of `throughput`.
use super::Timing;
use super::transfer::Transfer;
use crate::experiments::bulk::ending::Stop;
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::messages::MAX_INTEGER;
use tonle_wire::ndt7::spec::MESSAGE_START_BYTES;

/// A direction is full when it covers this share of the nominal time (rule 3).
const FULL_SHARE: (i64, i64) = (4, 5);

/// (metric without variants, value) of a transfer; none when it has no rate.
pub(super) fn samples(transfer: &Transfer, timing: Timing) -> Vec<(&'static str, i64)> {
    let Some(counted) = counted(transfer) else {
        return Vec::new();
    };
    let estimated = transfer
        .estimate_bps
        .filter(|_| transfer.stop == Stop::Stable);
    let Some(rate_bps) = estimated.or_else(|| rate_bps(counted, transfer.stop, timing)) else {
        return Vec::new();
    };
    if transfer.direction == Direction::Upload {
        return vec![("upload_bps", rate_bps)];
    }
    // One minimum per run is enough, and an upload's server sends too little to retransmit.
    let tcp = transfer.server.tcp.unwrap_or_default();
    let of_server = [
        ("min_rtt_us", tcp.known_min_rtt_us().map(i64::from)),
        ("retransmission_ppm", tcp.retransmission_ppm()),
    ];
    let known = of_server.into_iter();
    std::iter::once(("download_bps", rate_bps))
        .chain(known.filter_map(|(metric, value)| Some((metric, value?))))
        .collect()
}

/// Bytes and the microseconds they took.
#[derive(Debug, Clone, Copy)]
struct Counted {
    bytes: i64,
    elapsed_us: i64,
}

/// What the receiver of the load counted (rule 1).
fn counted(transfer: &Transfer) -> Option<Counted> {
    match transfer.direction {
        Direction::Download => Some(Counted {
            bytes: i64::try_from(transfer.payload_bytes).ok()?,
            elapsed_us: transfer.elapsed_us,
        }),
        Direction::Upload => {
            let of_kernel = transfer.server.tcp.and_then(|tcp| {
                Some(Counted {
                    bytes: tcp.bytes_received?,
                    elapsed_us: tcp.elapsed_us?,
                })
            });
            let of_program = transfer.server.app.and_then(|app| {
                Some(Counted {
                    bytes: app.num_bytes?,
                    elapsed_us: app.elapsed_us?,
                })
            });
            of_kernel.or(of_program)
        }
    }
}

impl Transfer {
    /// Payload over time, whatever the transfer's length: for judging what limited it, never a
    /// result.
    pub(super) fn rate_bps(&self) -> Option<i64> {
        quotient_bps(counted(self).filter(|counted| counted.elapsed_us > 0)?)
    }
}

fn quotient_bps(counted: Counted) -> Option<i64> {
    let rate_bps = i128::from(counted.bytes) * 8_000_000 / i128::from(counted.elapsed_us);
    i64::try_from(rate_bps)
        .ok()
        .filter(|rate_bps| (0..=MAX_INTEGER).contains(rate_bps))
}

fn rate_bps(counted: Counted, stop: Stop, timing: Timing) -> Option<i64> {
    let needed_us = match stop {
        Stop::Cancelled | Stop::Stable | Stop::Stalled => return None,
        Stop::Capped => timing.capped_min_us,
        _ => timing.nominal_us * FULL_SHARE.0 / FULL_SHARE.1,
    };
    let long_enough = counted.elapsed_us >= needed_us.max(1);
    let large_enough = counted.bytes >= i64::try_from(MESSAGE_START_BYTES).ok()?;
    if !long_enough || !large_enough {
        return None;
    }
    quotient_bps(counted)
}

#[cfg(test)]
mod tests {
    use super::super::Throughput;
    use super::super::transfer::ServerView;
    use super::*;
    use proptest::prelude::*;
    use tonle_wire::ndt7::{AppInfo, TcpInfo};

    const TIMING: Timing = Throughput::STANDARD.timing;

    fn download(payload_bytes: u64, elapsed_us: i64, stop: Stop) -> Transfer {
        Transfer {
            direction: Direction::Download,
            payload_bytes,
            elapsed_us,
            stop,
            server: ServerView::default(),
            own: None,
            estimate_bps: None,
        }
    }

    fn upload(server: &ServerView) -> Transfer {
        Transfer {
            direction: Direction::Upload,
            payload_bytes: 999_999_999,
            elapsed_us: 10_000_000,
            stop: Stop::TimeUp,
            server: *server,
            own: None,
            estimate_bps: None,
        }
    }

    #[test]
    fn download_is_payload_over_time() {
        let transfer = download(12_500_000, 10_000_000, Stop::ServerClosed);
        assert_eq!(samples(&transfer, TIMING), [("download_bps", 10_000_000)]);
    }

    #[test]
    fn upload_is_what_the_server_received_and_never_what_we_sent() {
        let tcp = TcpInfo {
            bytes_received: Some(1_250_000),
            elapsed_us: Some(10_000_000),
            ..TcpInfo::default()
        };
        let app = AppInfo {
            num_bytes: Some(2_500_000),
            elapsed_us: Some(10_000_000),
        };
        let of_kernel = samples(
            &upload(&ServerView {
                tcp: Some(tcp),
                app: Some(app),
                ..ServerView::default()
            }),
            TIMING,
        );
        assert_eq!(of_kernel, [("upload_bps", 1_000_000)]);
        let without_kernel = TcpInfo {
            bytes_received: None,
            ..tcp
        };
        let of_program = samples(
            &upload(&ServerView {
                tcp: Some(without_kernel),
                app: Some(app),
                ..ServerView::default()
            }),
            TIMING,
        );
        assert_eq!(of_program, [("upload_bps", 2_000_000)]);
        assert!(samples(&upload(&ServerView::default()), TIMING).is_empty());
    }

    #[test]
    fn a_short_transfer_has_no_rate_however_it_ended() {
        for stop in [Stop::ServerClosed, Stop::TimeUp, Stop::Broken] {
            let short = download(50_000_000, 7_900_000, stop);
            assert!(samples(&short, TIMING).is_empty(), "{stop:?}");
            let full = download(50_000_000, 8_000_000, stop);
            assert_eq!(samples(&full, TIMING).len(), 1, "{stop:?}");
        }
        let cancelled = download(50_000_000, 9_900_000, Stop::Cancelled);
        assert!(samples(&cancelled, TIMING).is_empty());
    }

    #[test]
    fn a_transfer_that_fell_silent_has_no_rate_because_its_time_is_our_waiting() {
        let stalled = download(2_500_000, 9_000_000, Stop::Stalled);
        assert!(samples(&stalled, TIMING).is_empty());
    }

    #[test]
    fn a_capped_transfer_needs_two_seconds() {
        let short = download(50_000_000, 1_999_999, Stop::Capped);
        assert!(samples(&short, TIMING).is_empty());
        let enough = download(50_000_000, 2_000_000, Stop::Capped);
        assert_eq!(samples(&enough, TIMING), [("download_bps", 200_000_000)]);
        assert_eq!(enough.variant(), "ndt7_capped");
    }

    #[test]
    fn a_transfer_that_was_ended_early_has_the_rules_estimate_and_a_metric_of_its_own() {
        let mut early = download(5_000_000, 2_000_000, Stop::Stable);
        assert!(samples(&early, TIMING).is_empty());
        early.estimate_bps = Some(19_500_000);
        assert_eq!(samples(&early, TIMING), [("download_bps", 19_500_000)]);
        assert_eq!(early.variant(), "ndt7_early");
    }

    #[test]
    fn less_than_one_message_is_no_rate() {
        let nothing = download(8191, 10_000_000, Stop::TimeUp);
        assert!(samples(&nothing, TIMING).is_empty());
    }

    #[test]
    fn retransmission_and_round_trip_are_the_servers() {
        let mut transfer = download(12_500_000, 10_000_000, Stop::ServerClosed);
        transfer.server.tcp = Some(TcpInfo {
            min_rtt_us: Some(4_000),
            bytes_sent: Some(1_000_000),
            bytes_retrans: Some(2_000),
            ..TcpInfo::default()
        });
        let expected = [
            ("download_bps", 10_000_000),
            ("min_rtt_us", 4_000),
            ("retransmission_ppm", 2_000),
        ];
        assert_eq!(samples(&transfer, TIMING), expected);
    }

    proptest! {
        #[test]
        fn no_numbers_of_a_server_make_it_panic(bytes: i64, elapsed_us: i64, sent: i64, retrans: i64) {
            let tcp = TcpInfo {
                bytes_received: Some(bytes),
                elapsed_us: Some(elapsed_us),
                bytes_sent: Some(sent),
                bytes_retrans: Some(retrans),
                ..TcpInfo::default()
            };
            for (_, value) in samples(&upload(&ServerView { tcp: Some(tcp), ..ServerView::default() }), TIMING) {
                prop_assert!((0..=MAX_INTEGER).contains(&value));
            }
        }
    }
}
