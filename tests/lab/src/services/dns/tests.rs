//! What the zone answers: every kind of name, every kind of question, and bytes that are none.
use super::reply::fit;
use super::{Manner, Zone, names_of, reply};
use crate::scenario::model::{Dnssec, Scenario};
use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use proptest::prelude::*;

const SCENARIO: &str = r#"
description = "names of every kind"
[[host]]
name = "client"
addresses = ["10.1.0.2"]
[[host]]
name = "server"
addresses = ["198.51.100.1", "2001:db8::1"]
names = ["Server.Test", "a.b.deep.test"]
[[host]]
name = "resolver"
addresses = ["8.8.8.8"]
[[service]]
host = "resolver"
kind = "dns"
[[name]]
name = "www.test"
cname = "server.test"
[[name]]
name = "more.test"
cname = "www.test"
[[name]]
name = "loop.test"
cname = "loop.test"
[[name]]
name = "lost.test"
cname = "gone.test"
[[name]]
name = "empty.test"
[[name]]
name = "broken.test"
failure = "servfail"
[[name]]
name = "refused.test"
failure = "refused"
[[name]]
name = "silent.test"
failure = "silence"
[[name]]
name = "denied.test"
failure = "nxdomain"
[[name]]
name = "signed.test"
addresses = ["198.51.100.7"]
signatures = "good"
[[name]]
name = "bogus.test"
addresses = ["198.51.100.8"]
signatures = "bad"
[[name]]
name = "server.test"
addresses = ["203.0.113.66"]
on = "resolver"
[[name]]
name = "alias-by-address.test"
addresses = ["198.51.100.1"]
"#;

fn scenario() -> Scenario {
    Scenario::parse(SCENARIO, "names").unwrap()
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.id = 4660;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

fn ask_on(host: &str, question: &Message) -> Option<Message> {
    let zone = Zone::new(&scenario(), host);
    let (answer, limit) = reply(&zone, &Manner::default(), &question.to_vec().unwrap())?;
    Some(Message::from_vec(&fit(&answer, limit).unwrap()).unwrap())
}

/// The code, the data of the answers, and whether a SOA record says who says so.
fn ask(name: &str, kind: RecordType) -> Option<(ResponseCode, Vec<String>, bool)> {
    let answer = ask_on("server", &question(name, kind))?;
    assert_eq!(answer.metadata.id, 4660);
    assert_eq!(answer.queries[0].name().to_ascii(), name);
    let data = answer.answers.iter().map(|record| record.data.to_string());
    let has_soa = answer.authorities.len() == 1;
    Some((answer.metadata.response_code, data.collect(), has_soa))
}

#[test]
fn addresses_are_answered_by_family_in_any_case() {
    let code = ResponseCode::NoError;
    let v4 = vec!["198.51.100.1".to_owned()];
    assert_eq!(ask("SERVER.test.", RecordType::A), Some((code, v4, false)));
    let v6 = vec!["2001:db8::1".to_owned()];
    assert_eq!(
        ask("server.test.", RecordType::AAAA),
        Some((code, v6, false))
    );
}

#[test]
fn aliases_are_followed_and_shown() {
    let (code, data, _) = ask("more.test.", RecordType::A).unwrap();
    assert_eq!(code, ResponseCode::NoError);
    assert_eq!(data, ["www.test.", "server.test.", "198.51.100.1"]);
    let (_, data, _) = ask("more.test.", RecordType::CNAME).unwrap();
    assert_eq!(data, ["www.test."]);
    let (code, data, has_soa) = ask("lost.test.", RecordType::A).unwrap();
    assert_eq!((code, has_soa), (ResponseCode::NXDomain, true));
    assert_eq!(data, ["gone.test."]);
    let (code, ..) = ask("loop.test.", RecordType::A).unwrap();
    assert_eq!(code, ResponseCode::ServFail);
}

#[test]
fn absence_has_its_four_forms() {
    let nothing = |code| Some((code, Vec::new(), true));
    for name in ["empty.test.", "deep.test.", "b.deep.test.", "test."] {
        assert_eq!(
            ask(name, RecordType::A),
            nothing(ResponseCode::NoError),
            "{name}"
        );
    }
    assert_eq!(
        ask("server.test.", RecordType::TXT),
        nothing(ResponseCode::NoError)
    );
    for name in ["unknown.example.", "denied.test.", "er.test."] {
        assert_eq!(
            ask(name, RecordType::A),
            nothing(ResponseCode::NXDomain),
            "{name}"
        );
    }
    let failed = |code| Some((code, Vec::new(), false));
    assert_eq!(
        ask("broken.test.", RecordType::A),
        failed(ResponseCode::ServFail)
    );
    assert_eq!(
        ask("refused.test.", RecordType::A),
        failed(ResponseCode::Refused)
    );
    assert_eq!(ask("silent.test.", RecordType::A), None);
}

#[test]
fn a_name_for_one_host_replaces_the_others_only_there() {
    let answer = ask_on("resolver", &question("server.test.", RecordType::A)).unwrap();
    assert_eq!(answer.answers[0].data.to_string(), "203.0.113.66");
}

#[test]
fn questions_that_are_not_plain_are_answered_by_the_rules() {
    let with = |change: fn(&mut Message)| {
        let mut message = question("server.test.", RecordType::A);
        change(&mut message);
        ask_on("server", &message).map(|answer| answer.metadata.response_code)
    };
    let notify = with(|message| message.metadata.op_code = OpCode::Notify);
    assert_eq!(notify, Some(ResponseCode::NotImp));
    let chaos = with(|message| {
        message.queries[0].set_query_class(DNSClass::CH);
    });
    assert_eq!(chaos, Some(ResponseCode::Refused));
    assert_eq!(
        with(|message| message.queries.clear()),
        Some(ResponseCode::FormErr)
    );
    let version = with(|message| {
        let mut edns = Edns::new();
        edns.set_version(1);
        message.set_edns(edns);
    });
    // 16 has two names, BADVERS and BADSIG (RFC 6895).
    assert_eq!(version.map(u16::from), Some(16));
    let zone = Zone::new(&scenario(), "server");
    let mut response = question("server.test.", RecordType::A).to_vec().unwrap();
    response[2] |= 0x80;
    assert!(reply(&zone, &Manner::default(), &response).is_none());
}

#[test]
fn edns_is_answered_with_edns_and_sets_the_limit() {
    let mut message = question("server.test.", RecordType::A);
    assert!(ask_on("server", &message).unwrap().edns.is_none());
    let mut edns = Edns::new();
    edns.set_max_payload(900);
    message.set_edns(edns);
    let answer = ask_on("server", &message).unwrap();
    assert_eq!(answer.edns.unwrap().max_payload(), 1232);
    let zone = Zone::new(&scenario(), "server");
    let (_, limit) = reply(&zone, &Manner::default(), &message.to_vec().unwrap()).unwrap();
    assert_eq!(limit, 900);
}

#[test]
fn certificates_are_for_every_name_that_leads_to_the_host() {
    let scenario = scenario();
    let names = names_of(&scenario, &scenario.hosts[1]);
    assert_eq!(
        names,
        [
            "Server.Test",
            "a.b.deep.test",
            "www.test",
            "more.test",
            "alias-by-address.test"
        ]
    );
}

proptest! {
    #[test]
    fn no_bytes_make_an_answer_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let zone = Zone::new(&scenario(), "server");
        if let Some((answer, limit)) = reply(&zone, &Manner::default(), &bytes) {
            prop_assert!(fit(&answer, limit).is_some());
        }
    }

    #[test]
    fn no_change_to_a_question_makes_an_answer_panic(at in 0_usize..29, byte in any::<u8>()) {
        let mut bytes = question("server.test.", RecordType::A).to_vec().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let zone = Zone::new(&scenario(), "server");
        if let Some((answer, limit)) = reply(&zone, &Manner::default(), &bytes) {
            let _ = fit(&answer, limit);
        }
    }
}

/// Code, records of addresses, signatures, and whether it says that it checked them.
fn signed(dnssec: Dnssec, name: &str) -> (ResponseCode, usize, usize, bool) {
    let zone = Zone::new(&scenario(), "server");
    let manner = Manner {
        dnssec,
        ..Manner::default()
    };
    let mut question = question(name, RecordType::A);
    let mut edns = Edns::new();
    edns.set_dnssec_ok(true);
    question.set_edns(edns);
    let (answer, _) = reply(&zone, &manner, &question.to_vec().unwrap()).unwrap();
    let answer = Message::from_vec(&answer.to_vec().unwrap()).unwrap();
    let of = |kind| {
        let records = answer.answers.iter();
        records.filter(|one| one.record_type() == kind).count()
    };
    let (addresses, signatures) = (of(RecordType::A), of(RecordType::RRSIG));
    let head = &answer.metadata;
    (
        head.response_code,
        addresses,
        signatures,
        head.authentic_data,
    )
}

#[test]
fn a_resolver_checks_signatures_hands_them_on_or_knows_nothing_of_them() {
    let (fine, fails) = (ResponseCode::NoError, ResponseCode::ServFail);
    for (dnssec, good, bad) in [
        (Dnssec::Checks, (fine, 1, 1, true), (fails, 0, 0, false)),
        (Dnssec::Passes, (fine, 1, 1, false), (fine, 1, 1, false)),
        (Dnssec::Strips, (fine, 1, 0, false), (fine, 1, 0, false)),
    ] {
        assert_eq!(signed(dnssec, "signed.test."), good);
        assert_eq!(signed(dnssec, "bogus.test."), bad);
        assert_eq!(signed(dnssec, "server.test."), (fine, 1, 0, false));
    }
}

#[test]
fn a_server_says_of_itself_what_it_is_told_to_say_and_else_nothing() {
    let zone = Zone::new(&scenario(), "server");
    let mut question = question("id.server.", RecordType::TXT);
    question.queries[0].set_query_class(DNSClass::CH);
    let said = |identity: Option<&str>| {
        let manner = Manner {
            identity: identity.map(str::to_owned),
            ..Manner::default()
        };
        let (answer, _) = reply(&zone, &manner, &question.to_vec().unwrap()).unwrap();
        let answer = Message::from_vec(&answer.to_vec().unwrap()).unwrap();
        let data = answer.answers.iter().map(|record| record.data.to_string());
        (answer.metadata.response_code, data.collect::<String>())
    };
    assert_eq!(said(None), (ResponseCode::Refused, String::new()));
    let (code, text) = said(Some("router-7"));
    assert_eq!(code, ResponseCode::NoError);
    assert!(text.contains("router-7"), "{text}");
    let (_, long) = said(Some(&"x".repeat(600)));
    assert_eq!(long.matches('x').count(), 600);
}

#[test]
fn a_resolver_can_give_addresses_in_place_of_nothing() {
    let zone = Zone::new(&scenario(), "server");
    let manner = Manner {
        instead_of_nxdomain: vec!["203.0.113.1".parse().unwrap()],
        instead_of_nodata: vec!["203.0.113.2".parse().unwrap()],
        ..Manner::default()
    };
    let said = |name, kind| {
        let bytes = question(name, kind).to_vec().unwrap();
        let (answer, _) = reply(&zone, &manner, &bytes).unwrap();
        let data = answer.answers.iter().map(|record| record.data.to_string());
        (answer.metadata.response_code, data.collect::<Vec<_>>())
    };
    let fine = ResponseCode::NoError;
    let given = |address: &str| (fine, vec![address.to_owned()]);
    assert_eq!(
        said("unknown.example.", RecordType::A),
        given("203.0.113.1")
    );
    assert_eq!(said("empty.test.", RecordType::A), given("203.0.113.2"));
    assert_eq!(said("server.test.", RecordType::A), given("198.51.100.1"));
    let nothing = (ResponseCode::NXDomain, Vec::new());
    assert_eq!(said("unknown.example.", RecordType::AAAA), nothing);
}
