//! Whole conversations: handshake, request, interference. The ends accept only what a kernel would.
use super::peer::{Is, Talk};
use super::{Rig, names};
use crate::packet::tests::hello::client_hello;
use crate::packet::tests::tcp_flows;
use crate::packet::{Flags, craft};
use crate::rules::Way;
use crate::scenario::model::{Ends, FlowAction, Rule};

fn sni(does: FlowAction) -> Rule {
    Rule::Sni {
        names: names(&["blocked.test"]),
        does,
    }
}

fn endpoint(does: FlowAction) -> Rule {
    Rule::Endpoint {
        addresses: vec![
            "198.51.100.1".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        ],
        port: Some(443),
        protocol: None,
        does,
    }
}

/// A connected talk in either family across this rule.
fn talks(rule: &Rule) -> [Talk; 2] {
    tcp_flows().map(|flow| {
        let mut talk = Talk::new(Rig::new(std::slice::from_ref(rule)), flow);
        talk.connect();
        talk
    })
}

#[test]
fn the_clean_twin_of_a_talk_is_undisturbed() {
    for does in [
        FlowAction::Drop,
        FlowAction::Fin,
        FlowAction::Reset(Ends::Both),
    ] {
        for mut talk in talks(&sni(does)) {
            talk.ask(&client_hello("notblocked.test"));
            talk.reply(b"server hello");
            assert_eq!((talk.client.is, talk.server.is), (Is::Open, Is::Open));
            assert_eq!(talk.server.heard, client_hello("notblocked.test"));
            assert_eq!(talk.client.heard, b"server hello");
        }
    }
}

#[test]
fn a_reset_to_the_client_is_accepted_and_leaves_the_server_open() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Client))) {
        talk.ask(&client_hello("www.blocked.test"));
        assert_eq!((talk.client.is, talk.server.is), (Is::Reset, Is::Open));
        assert!(talk.server.heard.is_empty());
        assert_eq!(talk.client.refused_segments, 0);
    }
}

#[test]
fn a_reset_to_the_server_is_accepted_and_leaves_the_client_open() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Server))) {
        talk.ask(&client_hello("blocked.test"));
        assert_eq!((talk.client.is, talk.server.is), (Is::Open, Is::Reset));
    }
}

#[test]
fn a_reset_to_both_is_accepted_by_both_also_after_data() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Both))) {
        talk.reply(b"a banner");
        talk.ask(&client_hello("blocked.test"));
        assert_eq!((talk.client.is, talk.server.is), (Is::Reset, Is::Reset));
    }
}

#[test]
fn a_reset_is_accepted_though_data_was_on_its_way_to_the_client() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Client))) {
        let hello = client_hello("blocked.test");
        let asked = talk.client.segment(Flags::ACK | Flags::PSH, &hello);
        talk.reply(b"a banner that the client had not seen when it asked");
        talk.send(asked, Way::Up);
        assert_eq!(talk.client.is, Is::Reset);
    }
}

#[test]
fn a_hello_in_two_segments_is_found() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Both))) {
        let hello = client_hello("blocked.test");
        let (first, second) = hello.split_at(hello.len() - 4);
        talk.ask(first);
        assert_eq!(talk.server.heard, first);
        talk.ask(second);
        assert_eq!((talk.client.is, talk.server.is), (Is::Reset, Is::Reset));
    }
}

#[test]
fn a_blocked_endpoint_is_refused_to_the_client_as_a_closed_port_is() {
    for talk in talks(&endpoint(FlowAction::Reset(Ends::Client))) {
        assert_eq!((talk.client.is, talk.server.is), (Is::Refused, Is::Waiting));
    }
}

#[test]
fn a_reset_to_the_server_of_an_endpoint_waits_until_the_server_has_a_connection() {
    for talk in talks(&endpoint(FlowAction::Reset(Ends::Server))) {
        assert_eq!((talk.client.is, talk.server.is), (Is::Open, Is::Reset));
    }
}

#[test]
fn a_forged_fin_ends_the_client_and_the_server_hears_nothing() {
    for mut talk in talks(&sni(FlowAction::Fin)) {
        talk.ask(&client_hello("blocked.test"));
        assert!(talk.client.ended && talk.client.heard.is_empty());
        assert_eq!(talk.client.is, Is::Open);
        assert!(!talk.server.ended && talk.server.heard.is_empty());
    }
}

#[test]
fn a_forged_fin_on_an_endpoint_comes_with_the_first_payload() {
    for mut talk in talks(&endpoint(FlowAction::Fin)) {
        assert!(!talk.client.ended);
        talk.reply(b"a banner");
        assert!(talk.client.ended && talk.client.heard.is_empty());
    }
}

#[test]
fn a_block_page_of_any_length_arrives_whole_and_ends() {
    for length in [0, 10, 1200, 20_000, 100_000] {
        let body = "x".repeat(length);
        for mut talk in talks(&endpoint(FlowAction::BlockPage(body.clone()))) {
            talk.ask(b"GET / HTTP/1.1\r\nHost: blocked.test\r\n\r\n");
            let response = String::from_utf8(talk.client.heard.clone()).unwrap();
            let (head, page) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
            assert!(head.contains(&format!("Content-Length: {length}\r\n")));
            assert_eq!(page, body);
            assert!(talk.client.ended);
            assert!(talk.server.heard.is_empty());
        }
    }
}

#[test]
fn a_lost_page_is_said_again_when_the_client_asks_again() {
    for mut talk in talks(&endpoint(FlowAction::BlockPage("blocked".to_owned()))) {
        let asked = talk
            .client
            .segment(Flags::ACK | Flags::PSH, b"GET / HTTP/1.1\r\n\r\n");
        let lost = talk.rig.cross(asked.clone(), Way::Up);
        assert!(!lost.inject.is_empty());
        talk.send(asked, Way::Up);
        assert!(talk.client.heard.ends_with(b"blocked") && talk.client.ended);
    }
}

#[test]
fn a_lost_reset_comes_again_when_the_client_asks_again() {
    for mut talk in talks(&sni(FlowAction::Reset(Ends::Client))) {
        let hello = client_hello("blocked.test");
        let asked = talk.client.segment(Flags::ACK | Flags::PSH, &hello);
        let lost = talk.rig.cross(asked.clone(), Way::Up);
        assert_eq!(lost.inject, Vec::from_iter(craft::reset_to_sender(&asked)));
        talk.send(asked, Way::Up);
        assert_eq!(talk.client.is, Is::Reset);
    }
}

#[test]
fn a_dropped_flow_stays_dropped_both_ways() {
    for mut talk in talks(&sni(FlowAction::Drop)) {
        talk.ask(&client_hello("blocked.test"));
        talk.ask(b"more");
        talk.reply(b"are you there?");
        assert!(talk.server.heard.is_empty() && talk.client.heard.is_empty());
        assert_eq!((talk.client.is, talk.server.is), (Is::Open, Is::Open));
    }
}

#[test]
fn a_forged_response_comes_as_written() {
    let text = "HTTP/1.1 200 OK\r\nDate: never\r\n\r\nnot the page";
    for mut talk in talks(&sni(FlowAction::Response(text.to_owned()))) {
        talk.ask(&client_hello("blocked.test"));
        assert_eq!(talk.client.heard, text.as_bytes());
        assert!(talk.client.ended && talk.server.heard.is_empty());
    }
}

#[test]
fn a_flow_is_reset_only_after_what_may_pass() {
    let rule = sni(FlowAction::Reset(Ends::Both));
    for flow in tcp_flows() {
        let mut talk = Talk::new(Rig::after_bytes(&rule, 2000), flow);
        talk.connect();
        talk.ask(&client_hello("blocked.test"));
        talk.reply(&[7; 1000]);
        assert_eq!((talk.client.is, talk.server.is), (Is::Open, Is::Open));
        talk.reply(&[7; 1000]);
        talk.reply(&[7; 1000]);
        assert_eq!((talk.client.is, talk.server.is), (Is::Reset, Is::Reset));
    }
}
