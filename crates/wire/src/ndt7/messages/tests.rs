//! Tests of the JSON messages.
use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> Measurement {
    Measurement::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_message_of_the_stock_server_is_read() {
    let message = parsed(
        r#"{"ConnectionInfo":{"Client":"127.0.0.1:4","Server":"127.0.0.1:80","UUID":"h_1_unsafe_1",
            "StartTime":"2026-11-23T18:00:00.000000001Z"},
            "BBRInfo":{"BW":0,"MinRTT":0,"PacingGain":0,"CwndGain":0,"ElapsedTime":0},
            "TCPInfo":{"State":1,"BytesReceived":1250000,"SegsOut":-1,"MaxPacingRate":-1,
            "MinRTT":4321,"ElapsedTime":250000,"NewField":{"a":[1]}},"Extra":null}"#,
    );
    let tcp = message.tcp_info.unwrap();
    assert_eq!(tcp.bytes_received, Some(1_250_000));
    assert_eq!(tcp.segs_out, Some(-1));
    assert_eq!(tcp.max_pacing_rate_bytes_per_s, Some(-1));
    assert_eq!(tcp.elapsed_us, Some(250_000));
    assert_eq!(tcp.known_min_rtt_us(), Some(4321));
    assert_eq!(tcp.bytes_sent, None);
    assert!(message.app_info.is_none());
}

#[test]
fn one_bad_field_does_not_spoil_the_message() {
    let message = parsed(
        r#"{"TCPInfo":{"State":300,"RTT":-5,"RTTVar":1.5,"MinRTT":"7","BytesAcked":18446744073709551615,
            "BytesSent":null,"BytesReceived":9}}"#,
    );
    let tcp = message.tcp_info.unwrap();
    assert_eq!(tcp.state, Some(u8::MAX));
    assert_eq!(tcp.rtt_us, Some(0));
    assert_eq!(tcp.rttvar_us, None);
    assert_eq!(tcp.min_rtt_us, None);
    assert_eq!(tcp.bytes_acked, Some(MAX_INTEGER));
    assert_eq!(tcp.bytes_sent, None);
    assert_eq!(tcp.bytes_received, Some(9));
}

#[test]
fn what_is_unknown_is_not_written() {
    assert_eq!(Measurement::default().to_json(), "{}");
    let message = Measurement {
        app_info: Some(AppInfo {
            elapsed_us: Some(10),
            num_bytes: None,
        }),
        ..Measurement::default()
    };
    assert_eq!(message.to_json(), r#"{"AppInfo":{"ElapsedTime":10}}"#);
}

#[test]
fn keys_are_those_of_the_protocol() {
    let json = r#"{"AppInfo":{"ElapsedTime":1,"NumBytes":2},"ConnectionInfo":{"Client":"[::1]:1","Server":"[::1]:2"},"BBRInfo":{"BW":1,"MinRTT":2,"PacingGain":3,"CwndGain":4,"ElapsedTime":5},"TCPInfo":{"State":1,"CAState":2,"Retransmits":3,"Probes":4,"Backoff":5,"Options":6,"WScale":7,"AppLimited":8,"RTO":9,"ATO":10,"SndMSS":11,"RcvMSS":12,"Unacked":13,"Sacked":14,"Lost":15,"Retrans":16,"Fackets":17,"LastDataSent":18,"LastAckSent":19,"LastDataRecv":20,"LastAckRecv":21,"PMTU":22,"RcvSsThresh":23,"RTT":24,"RTTVar":25,"SndSsThresh":26,"SndCwnd":27,"AdvMSS":28,"Reordering":29,"RcvRTT":30,"RcvSpace":31,"TotalRetrans":32,"PacingRate":33,"MaxPacingRate":34,"BytesAcked":35,"BytesReceived":36,"SegsOut":37,"SegsIn":38,"NotsentBytes":39,"MinRTT":40,"DataSegsIn":41,"DataSegsOut":42,"DeliveryRate":43,"BusyTime":44,"RWndLimited":45,"SndBufLimited":46,"Delivered":47,"DeliveredCE":48,"BytesSent":49,"BytesRetrans":50,"DSackDups":51,"ReordSeen":52,"RcvOooPack":53,"SndWnd":54,"ElapsedTime":55},"Origin":"server","Test":"download","Tonle":{"ServerBusyPpm":56}}"#;
    assert_eq!(parsed(json).to_json(), json);
}

#[test]
fn ends_are_written_with_brackets_only_for_ipv6() {
    let ends = ConnectionInfo::new(
        "[::ffff:192.0.2.1]:5".parse().unwrap(),
        "[2001:db8::1]:6".parse().unwrap(),
    );
    assert_eq!(ends.client, "192.0.2.1:5");
    assert_eq!(ends.server, "[2001:db8::1]:6");
}

#[test]
fn retransmission_needs_bytes_sent() {
    let info = TcpInfo {
        bytes_sent: Some(2_000),
        bytes_retrans: Some(1),
        ..TcpInfo::default()
    };
    assert_eq!(info.retransmission_ppm(), Some(500));
    assert_eq!(TcpInfo::default().retransmission_ppm(), None);
    let impossible = TcpInfo {
        bytes_retrans: Some(2_001),
        ..info
    };
    assert_eq!(impossible.retransmission_ppm(), None);
    let nothing_sent = TcpInfo {
        bytes_sent: Some(0),
        ..info
    };
    assert_eq!(nothing_sent.retransmission_ppm(), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Measurement::parse(&bytes);
    }

    #[test]
    fn no_json_value_in_a_field_fails_the_message(value in "-?[0-9]{1,30}(\\.[0-9]{1,3})?|null|true|\"x\"|\\[\\]|\\{\\}") {
        prop_assume!(!value.trim_start_matches('-').starts_with('0') || value.trim_start_matches('-').starts_with("0."));
        let text = format!(r#"{{"TCPInfo":{{"SegsIn":{value},"BytesReceived":7}}}}"#);
        prop_assert_eq!(parsed(&text).tcp_info.unwrap().bytes_received, Some(7));
    }

    #[test]
    fn everything_written_fits_its_go_type_and_reads_back(
        state: u8, rtt_us: u32, segs_out: i32, bytes_acked: i64, pacing: i64,
        app in proptest::option::of((any::<i64>(), any::<i64>())),
    ) {
        let message = Measurement {
            app_info: app.map(|(elapsed_us, num_bytes)| AppInfo {
                elapsed_us: Some(elapsed_us),
                num_bytes: Some(num_bytes),
            }),
            tcp_info: Some(TcpInfo {
                state: Some(state),
                rtt_us: Some(rtt_us),
                segs_out: Some(segs_out),
                bytes_acked: Some(bytes_acked),
                pacing_rate_bytes_per_s: Some(pacing),
                ..TcpInfo::default()
            }),
            ..Measurement::default()
        };
        let again = parsed(&message.to_json());
        let bounded = |value: i64| Some(value.clamp(-MAX_INTEGER, MAX_INTEGER));
        let tcp = again.tcp_info.unwrap();
        prop_assert_eq!(tcp.state, Some(state));
        prop_assert_eq!(tcp.rtt_us, Some(rtt_us));
        prop_assert_eq!(tcp.segs_out, Some(segs_out));
        prop_assert_eq!(tcp.bytes_acked, bounded(bytes_acked));
        prop_assert_eq!(tcp.pacing_rate_bytes_per_s, bounded(pacing));
        prop_assert_eq!(again.app_info.and_then(|info| info.num_bytes), app.and_then(|(_, bytes)| bounded(bytes)));
        prop_assert_eq!(parsed(&again.to_json()), again);
    }
}
