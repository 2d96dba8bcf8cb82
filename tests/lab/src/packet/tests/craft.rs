//! Made packets: read back as they were meant, with sums that another implementation agrees with.
use super::super::{Flags, Flow, Packet, Transport, craft, protocol};
use super::{assert_sums_are_right, tcp_flows, udp_flows};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

fn flows(number: u8) -> impl Strategy<Value = Flow> {
    let v4 =
        (any::<[u8; 4]>(), any::<[u8; 4]>()).prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b)));
    let v6 = (any::<[u8; 16]>(), any::<[u8; 16]>())
        .prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b)));
    (prop_oneof![v4, v6], any::<u16>(), any::<u16>()).prop_map(move |((from, to), a, b)| {
        Flow::new(SocketAddr::new(from, a), SocketAddr::new(to, b), number).unwrap()
    })
}

proptest! {
    #[test]
    fn a_made_segment_is_read_back(
        flow in flows(protocol::TCP),
        seq in any::<u32>(),
        ack in any::<u32>(),
        fin in any::<bool>(),
        window in any::<u16>(),
        payload in prop::collection::vec(any::<u8>(), 0..1400),
    ) {
        let flags = if fin { Flags::ACK | Flags::FIN } else { Flags::ACK | Flags::PSH };
        let segment = craft::Segment { seq, ack, flags, window, payload: &payload };
        let made = craft::tcp(&flow, &segment).unwrap();
        assert_sums_are_right(&made);
        let packet = Packet::parse(made.bytes().to_vec()).unwrap();
        prop_assert_eq!(&packet, &made);
        prop_assert_eq!(packet.flow(), flow);
        let Transport::Tcp(tcp) = packet.transport() else { panic!("not tcp") };
        prop_assert_eq!((tcp.seq, tcp.ack, tcp.flags, tcp.window), (seq, ack, flags, window));
        prop_assert_eq!(tcp.payload, &payload[..]);
    }

    #[test]
    fn a_made_datagram_is_read_back(
        flow in flows(protocol::UDP),
        payload in prop::collection::vec(any::<u8>(), 0..1400),
    ) {
        let made = craft::udp(&flow, &payload).unwrap();
        assert_sums_are_right(&made);
        let packet = Packet::parse(made.bytes().to_vec()).unwrap();
        prop_assert_eq!(packet.flow(), flow);
        let Transport::Udp(udp) = packet.transport() else { panic!("not udp") };
        prop_assert_eq!(udp.payload, &payload[..]);
    }
}

#[test]
fn what_does_not_fit_in_a_packet_is_not_made() {
    assert_eq!(craft::udp(&udp_flows()[0], &vec![0; 65_530]), None);
    assert_eq!(craft::udp(&udp_flows()[1], &vec![0; 65_530]), None);
}

#[test]
fn ends_of_two_families_are_no_flow() {
    let (v4, v6) = ("10.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
    assert_eq!(Flow::new(v4, v6, protocol::TCP), None);
}

/// The message of a complaint about a datagram of either family, as (type, code, rest).
fn complaint(family: usize, complaint: craft::Complaint) -> (u8, u8, [u8; 4]) {
    let about = craft::udp(&udp_flows()[family], b"question").unwrap();
    let router: IpAddr = ["10.9.9.1", "fd00::9"][family].parse().unwrap();
    let made = craft::complain(&about, router, complaint).unwrap();
    assert_sums_are_right(&made);
    assert_eq!(made.source(), router);
    assert_eq!(made.destination(), about.source());
    let Transport::Icmp(message) = made.transport() else {
        panic!("not icmp");
    };
    assert_eq!(message.body, about.bytes());
    (message.kind, message.code, message.rest)
}

#[test]
fn complaints_have_the_numbers_of_the_rfcs_and_quote_the_packet() {
    use craft::Complaint::{Prohibited, TimeExceeded, TooBig};
    assert_eq!(complaint(0, TimeExceeded), (11, 0, [0; 4]));
    assert_eq!(complaint(1, TimeExceeded), (3, 0, [0; 4]));
    assert_eq!(complaint(0, Prohibited), (3, 13, [0; 4]));
    assert_eq!(complaint(1, Prohibited), (1, 1, [0; 4]));
    assert_eq!(complaint(0, TooBig(1280)), (3, 4, [0, 0, 5, 0]));
    assert_eq!(complaint(1, TooBig(1280)), (2, 0, [0, 0, 5, 0]));
}

#[test]
fn a_long_packet_is_quoted_up_to_the_limit_of_its_family() {
    for (flow, limit) in udp_flows().iter().zip([576, 1280]) {
        let about = craft::udp(flow, &[7; 1400]).unwrap();
        let router = about.destination();
        let made = craft::complain(&about, router, craft::Complaint::TimeExceeded).unwrap();
        assert_eq!(made.bytes().len(), limit);
        assert_sums_are_right(&made);
    }
}

#[test]
fn nobody_complains_about_a_complaint_a_later_fragment_or_a_group() {
    for flow in udp_flows() {
        let about = craft::udp(&flow, b"question").unwrap();
        let router = about.destination();
        let of = |packet: &Packet| craft::complain(packet, router, craft::Complaint::TimeExceeded);
        let error = of(&about).unwrap();
        assert_eq!(of(&error), None);
        let group: IpAddr = match router {
            IpAddr::V4(_) => "224.0.0.251".parse().unwrap(),
            IpAddr::V6(_) => "ff02::fb".parse().unwrap(),
        };
        assert_eq!(of(&about.with_destination(group).unwrap()), None);
    }
    let mut later = craft::udp(&udp_flows()[0], b"question")
        .unwrap()
        .bytes()
        .to_vec();
    later[7] = 1;
    let later = Packet::parse(later).unwrap();
    let router = later.destination();
    assert_eq!(
        craft::complain(&later, router, craft::Complaint::Prohibited),
        None
    );
}

#[test]
fn a_complaint_from_another_family_is_not_made() {
    let about = craft::udp(&udp_flows()[0], b"question").unwrap();
    let router = "fd00::9".parse().unwrap();
    assert_eq!(
        craft::complain(&about, router, craft::Complaint::Prohibited),
        None
    );
}

#[test]
fn a_segment_with_all_control_bits_keeps_them() {
    let flags = Flags::SYN | Flags::ACK | Flags::PSH;
    for flow in tcp_flows() {
        let segment = craft::Segment {
            seq: 7,
            ack: 8,
            flags,
            window: 9,
            payload: &[],
        };
        let made = craft::tcp(&flow, &segment).unwrap();
        let Transport::Tcp(tcp) = made.transport() else {
            panic!("not tcp");
        };
        assert!(tcp.flags.has(flags) && !tcp.flags.has(Flags::FIN));
        assert_eq!(tcp.seq_end(), 8);
    }
}
