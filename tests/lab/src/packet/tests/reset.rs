//! Forged resets: in the numbers that the end they go to expects.
use super::super::{Flags, Packet, Tcp, Transport, craft};
use super::{assert_sums_are_right, tcp_flows};

fn tcp(packet: &Packet) -> Tcp<'_> {
    let Transport::Tcp(tcp) = packet.transport() else {
        panic!("not tcp");
    };
    tcp
}

fn segment(flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> [Packet; 2] {
    tcp_flows().map(|flow| {
        let segment = craft::Segment {
            seq,
            ack,
            flags,
            window: 1000,
            payload,
        };
        craft::tcp(&flow, &segment).unwrap()
    })
}

#[test]
fn the_sender_of_data_gets_what_it_acknowledges() {
    for data in segment(Flags::ACK | Flags::PSH, 1000, 5000, b"keyword") {
        let forged = craft::reset_to_sender(&data).unwrap();
        assert_sums_are_right(&forged);
        assert_eq!(forged.flow(), data.flow().reversed());
        let reset = tcp(&forged);
        assert!(reset.flags.has(Flags::RST | Flags::ACK));
        assert_eq!((reset.seq, reset.ack), (5000, 1007));
    }
}

#[test]
fn the_receiver_of_data_gets_the_place_that_the_data_had() {
    for data in segment(Flags::ACK | Flags::PSH, 1000, 5000, b"keyword") {
        let forged = craft::reset_to_receiver(&data).unwrap();
        assert_sums_are_right(&forged);
        assert_eq!(forged.flow(), data.flow());
        assert_eq!((tcp(&forged).seq, tcp(&forged).ack), (1000, 5000));
    }
}

#[test]
fn a_syn_is_refused_by_acknowledging_it() {
    for syn in segment(Flags::SYN, u32::MAX, 0, &[]) {
        let forged = craft::reset_to_sender(&syn).unwrap();
        assert_eq!((tcp(&forged).seq, tcp(&forged).ack), (0, 0));
        assert_eq!(craft::reset_to_receiver(&syn), None);
    }
}

#[test]
fn a_reset_is_never_answered() {
    for reset in segment(Flags::RST | Flags::ACK, 1, 2, &[]) {
        assert_eq!(craft::reset_to_sender(&reset), None);
        assert_eq!(craft::reset_to_receiver(&reset), None);
    }
}
