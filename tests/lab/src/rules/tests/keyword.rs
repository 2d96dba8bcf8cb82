//! Keywords: in one segment or over two, to a port, in datagrams.
use super::peer::Talk;
use super::{Rig, datagram};
use crate::packet::tests::{flow, tcp_flows, udp_flows};
use crate::packet::{Flags, protocol};
use crate::scenario::model::{FlowAction, Rule};

fn keyword(port: Option<u16>, does: FlowAction) -> Rule {
    Rule::Keyword {
        keyword: "Host: blocked.test".to_owned(),
        port,
        does,
    }
}

fn connected(rule: &Rule) -> Talk {
    let mut talk = Talk::new(Rig::new(std::slice::from_ref(rule)), tcp_flows()[0]);
    talk.connect();
    talk
}

#[test]
fn a_keyword_is_found_in_a_request_and_in_a_response() {
    let mut talk = connected(&keyword(None, FlowAction::Drop));
    let packet = talk
        .client
        .segment(Flags::ACK, b"GET / HTTP/1.1\r\nHost: blocked.test\r\n\r\n");
    talk.rig.assert_ends(&packet);

    let mut talk = connected(&keyword(None, FlowAction::Drop));
    talk.reply(b"echo: Host: blocked.test");
    assert!(talk.client.heard.is_empty());
}

#[test]
fn a_request_without_the_keyword_passes_byte_for_byte() {
    let mut talk = connected(&keyword(None, FlowAction::Drop));
    for text in [&b"Host: blocked.tes"[..], b"Host: BLOCKED.test", b""] {
        let packet = talk.client.segment(Flags::ACK, text);
        talk.rig.assert_passes(&packet);
    }
}

#[test]
fn a_keyword_over_two_segments_is_found() {
    let mut talk = connected(&keyword(None, FlowAction::Drop));
    let first = talk
        .client
        .segment(Flags::ACK, b"GET / HTTP/1.1\r\nHost: blo");
    let second = talk.client.segment(Flags::ACK, b"cked.test\r\n\r\n");
    talk.rig.assert_passes(&first);
    talk.rig.assert_ends(&second);
}

#[test]
fn a_keyword_to_another_port_passes() {
    let mut talk = connected(&keyword(Some(80), FlowAction::Drop));
    let packet = talk.client.segment(Flags::ACK, b"Host: blocked.test");
    talk.rig.assert_passes(&packet);
    let mut talk = connected(&keyword(Some(443), FlowAction::Drop));
    let packet = talk.client.segment(Flags::ACK, b"Host: blocked.test");
    talk.rig.assert_ends(&packet);
}

#[test]
fn a_datagram_with_the_keyword_has_no_connection_to_end_and_vanishes() {
    for does in [
        FlowAction::Reset(crate::scenario::model::Ends::Both),
        FlowAction::Fin,
        FlowAction::BlockPage("no".to_owned()),
    ] {
        let mut rig = Rig::new(&[keyword(None, does)]);
        let other = flow("10.1.0.2:5", "8.8.8.8:53", protocol::UDP);
        rig.assert_passes(&datagram(&other, b"harmless"));
        let injected = rig.assert_ends(&datagram(&udp_flows()[0], b"Host: blocked.test"));
        assert!(injected.is_empty());
    }
}
