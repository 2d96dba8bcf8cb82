//! The truth table of what limited a direction: one line of evidence changed at a time.
use super::*;
use proptest::prelude::*;

/// A clean 20 Mbit/s download over a cable of which everything is known.
fn clean(direction: Direction) -> Seen {
    Seen {
        direction,
        is_local: false,
        is_capped: false,
        rate_bps: Some(20_000_000),
        sender: Sender {
            busy_ppm: Some(990_000),
            window_ppm: Some(0),
            buffer_ppm: Some(10_000),
        },
        app_limited_ppm: Some(0),
        server_busy_ppm: Some(100_000),
        processor: Busy {
            own_ppm: Some(100_000),
            busiest_core_ppm: Some(300_000),
            packets_ppm: Some(50_000),
            all_cores_ppm: Some(200_000),
        },
        interface: Some("ethernet"),
        link_rate_bps: Some(1_000_000_000),
        wifi_rate_bps: None,
        wifi_signal_dbm: None,
        plan_bps: Some(50_000_000),
        quota: QuotaState::Within,
        others_ppm: Some(10_000),
    }
}

fn wireless(seen: &mut Seen) {
    seen.interface = Some("wifi");
    seen.link_rate_bps = None;
    seen.wifi_rate_bps = Some(100_000_000);
    seen.wifi_signal_dbm = Some(-55);
}

type Change = fn(&mut Seen);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn one_piece_of_evidence_decides() {
    use Direction::{Download, Upload};
    use LimitedBy::{Cap, Device, Line, Plan, Server, Unknown, Wifi};
    let table: &[(Direction, Change, Verdict)] = &[
        (Download, |_| (), (Line, "L1")),
        (Upload, |_| (), (Line, "L1")),
        (Download, |seen| seen.server_busy_ppm = None, (Line, "L1")),
        (
            Upload,
            |seen| seen.server_busy_ppm = Some(900_000),
            (Server, "S1"),
        ),
        (
            Download,
            |seen| seen.sender.buffer_ppm = Some(500_000),
            (Server, "S2"),
        ),
        (
            Download,
            |seen| seen.sender.busy_ppm = Some(499_999),
            (Server, "S2"),
        ),
        (
            Download,
            |seen| seen.app_limited_ppm = Some(500_000),
            (Server, "S2"),
        ),
        (
            Upload,
            |seen| seen.app_limited_ppm = Some(500_000),
            (Line, "L1"),
        ),
        (
            Upload,
            |seen| seen.sender.window_ppm = Some(500_000),
            (Server, "S3"),
        ),
        (
            Download,
            |seen| seen.processor.own_ppm = Some(850_000),
            (Device, "D1"),
        ),
        (
            Download,
            |seen| seen.processor.packets_ppm = Some(900_000),
            (Device, "D2"),
        ),
        (
            Download,
            |seen| seen.processor.all_cores_ppm = Some(950_000),
            (Device, "D3"),
        ),
        (
            Download,
            |seen| seen.processor.busiest_core_ppm = Some(1_000_000),
            (Line, "L1"),
        ),
        (
            Download,
            |seen| seen.sender.window_ppm = Some(500_000),
            (Device, "D4"),
        ),
        (
            Upload,
            |seen| seen.sender.buffer_ppm = Some(500_000),
            (Device, "D4"),
        ),
        (
            Upload,
            |seen| seen.sender.busy_ppm = Some(499_999),
            (Device, "D4"),
        ),
        (
            Download,
            |seen| seen.link_rate_bps = Some(23_000_000),
            (Device, "D5"),
        ),
        (
            Download,
            |seen| seen.link_rate_bps = Some(24_000_000),
            (Line, "L1"),
        ),
        (Download, wireless, (Line, "L1")),
        (
            Download,
            |seen| {
                wireless(seen);
                seen.wifi_rate_bps = Some(40_000_000);
            },
            (Wifi, "W1"),
        ),
        (
            Download,
            |seen| {
                wireless(seen);
                seen.wifi_rate_bps = None;
                seen.wifi_signal_dbm = Some(-75);
            },
            (Wifi, "W2"),
        ),
        (
            Download,
            |seen| {
                wireless(seen);
                seen.wifi_signal_dbm = Some(-80);
            },
            (Line, "L1"),
        ),
        (
            Download,
            |seen| seen.quota = QuotaState::Exceeded,
            (Plan, "P1"),
        ),
        (
            Download,
            |seen| seen.plan_bps = Some(22_000_000),
            (Plan, "P2"),
        ),
        (
            Download,
            |seen| seen.plan_bps = Some(10_000_000),
            (Line, "L1"),
        ),
        (Download, |seen| seen.is_capped = true, (Cap, "C1")),
        (Download, |seen| seen.is_local = true, (Unknown, "U1")),
        (
            Download,
            |seen| seen.others_ppm = Some(100_001),
            (Unknown, "U2"),
        ),
        (Download, |seen| seen.rate_bps = None, (Unknown, "U3")),
        (
            Download,
            |seen| seen.processor = Busy::default(),
            (Unknown, "U3"),
        ),
        (
            Download,
            |seen| seen.sender = Sender::default(),
            (Unknown, "U3"),
        ),
        (
            Download,
            |seen| {
                wireless(seen);
                seen.wifi_signal_dbm = None;
            },
            (Unknown, "U3"),
        ),
        (
            Download,
            |seen| seen.sender.window_ppm = Some(200_000),
            (Unknown, "U4"),
        ),
    ];
    for (number, (direction, change, expected)) in table.iter().enumerate() {
        let mut seen = clean(*direction);
        change(&mut seen);
        assert_eq!(verdict(&seen), *expected, "line {number}: {seen:?}");
    }
}

#[test]
fn whatever_is_not_the_line_speaks_for_both_directions() {
    use LimitedBy::{Cap, Device, Line, Plan, Unknown};
    assert_eq!(of_all(&[]), None);
    assert_eq!(of_all(&[Line, Line]), Some(Line));
    assert_eq!(of_all(&[Line, Unknown]), Some(Unknown));
    assert_eq!(of_all(&[Cap, Plan]), Some(Plan));
    assert_eq!(of_all(&[Device, Plan]), Some(Device));
}

#[test]
fn a_kernel_that_counts_nothing_says_nothing() {
    assert_eq!(
        Sender::of(&TcpInfo::default(), 1_000_000),
        Sender::default()
    );
    let tcp = TcpInfo {
        busy_time_us: Some(500_000),
        rwnd_limited_us: Some(100_000),
        sndbuf_limited_us: Some(0),
        ..TcpInfo::default()
    };
    let sender = Sender::of(&tcp, 1_000_000);
    assert_eq!(
        (sender.busy_ppm, sender.window_ppm, sender.buffer_ppm),
        (Some(500_000), Some(200_000), Some(0))
    );
}

proptest! {
    #[test]
    fn no_numbers_of_a_server_make_it_panic(busy: i64, window: i64, buffer: i64, elapsed: i64, rate: i64) {
        let tcp = TcpInfo {
            busy_time_us: Some(busy),
            rwnd_limited_us: Some(window),
            sndbuf_limited_us: Some(buffer),
            ..TcpInfo::default()
        };
        let seen = Seen {
            sender: Sender::of(&tcp, elapsed),
            rate_bps: Some(rate),
            ..clean(Direction::Download)
        };
        let _ = verdict(&seen);
    }

    #[test]
    fn nothing_is_called_the_line_without_its_evidence(own in prop::option::of(0i64..1_100_000), window in prop::option::of(0i64..1_100_000), rate in prop::option::of(1i64..1 << 40)) {
        let mut seen = clean(Direction::Download);
        seen.processor.own_ppm = own;
        seen.sender.window_ppm = window;
        seen.rate_bps = rate;
        if verdict(&seen).0 == LimitedBy::Line {
            prop_assert!(own.is_some() && window.is_some() && rate.is_some());
        }
    }
}
