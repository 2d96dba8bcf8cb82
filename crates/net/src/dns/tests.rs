//! The resolve step against resolvers that answer, lie, stammer or keep silent.
use super::fake::{bytes, reply, resolver};
use super::*;
use crate::clock::Stopwatch;
use crate::meter::Meter;
use crate::settings::NetSettings;
use crate::testing;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

const QUICK: Patience = Patience {
    answer: Duration::from_millis(500),
    listen: Duration::from_millis(50),
    ends_refused: true,
};

async fn ask(settings: &NetSettings, server: SocketAddr, patience: Patience) -> Asked {
    let question = ("site.example", QueryType::A);
    query(
        settings,
        &Stopwatch::start(),
        &Meter::default(),
        server,
        question,
        patience,
    )
    .await
}

async fn seen(script: impl fake::Script) -> Observation {
    ask(&testing::settings(), resolver(script).await, QUICK)
        .await
        .observation
}

#[tokio::test]
async fn an_answer_is_described_and_its_resolver_named_by_kind() {
    let server = resolver(|_, question: &Message| {
        vec![bytes(
            question,
            ResponseCode::NoError,
            &["203.0.113.1", "203.0.113.2"],
        )]
    })
    .await;
    let meter = Meter::default();
    let question = ("site.example", QueryType::A);
    let asked = query(
        &testing::settings(),
        &Stopwatch::start(),
        &meter,
        server,
        question,
        QUICK,
    )
    .await;
    let seen = asked.observation;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.operation, "resolve");
    assert_eq!(seen.subject.as_deref(), Some("site.example"));
    assert_eq!(seen.detail["resolver"], "loopback_resolver");
    assert_eq!(seen.detail["query_type"], "A");
    assert_eq!(seen.detail["transport"], "udp");
    assert_eq!(
        seen.detail["addresses"],
        json!(["203.0.113.1", "203.0.113.2"])
    );
    assert_eq!(seen.detail["ttl_s"], 300);
    assert_eq!(asked.addresses.len(), 2);
    assert_eq!(meter.bytes(), (28 + 30) + (28 + 30 + 2 * 16));
}

#[tokio::test]
async fn a_late_second_answer_is_kept_beside_the_first() {
    let seen = seen(|_, question: &Message| {
        vec![
            bytes(question, ResponseCode::NXDomain, &[]),
            bytes(question, ResponseCode::NoError, &["203.0.113.9"]),
        ]
    })
    .await;
    assert_eq!(seen.failure, Some(Failure::DnsNxdomain));
    assert_eq!(seen.detail["late_rcode"], json!([0]));
    assert_eq!(seen.detail["late_addresses"], json!(["203.0.113.9"]));
    let late_after_us = seen.detail["late_after_us"][0].as_i64().unwrap();
    assert!(late_after_us >= seen.duration_us());
}

#[tokio::test]
async fn a_reply_with_a_wrong_id_does_not_hide_the_real_one() {
    let seen = seen(|_, question: &Message| {
        let mut forged = reply(question, ResponseCode::NoError, &["203.0.113.66"]);
        forged.metadata.id = !forged.metadata.id;
        vec![
            forged.to_vec().unwrap(),
            bytes(question, ResponseCode::NoError, &["203.0.113.1"]),
        ]
    })
    .await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.detail["wrong_id_replies"], 1);
    assert_eq!(seen.detail["addresses"], json!(["203.0.113.1"]));
}

#[tokio::test]
async fn only_wrong_ids_have_their_own_name() {
    let seen = seen(|_, question: &Message| {
        let mut forged = reply(question, ResponseCode::NoError, &["203.0.113.66"]);
        forged.metadata.id = !forged.metadata.id;
        vec![forged.to_vec().unwrap()]
    })
    .await;
    assert_eq!(seen.failure, Some(Failure::DnsReplyWithWrongQueryId));
}

#[tokio::test]
async fn garbage_is_a_misbehaving_server() {
    let seen = seen(|_, question: &Message| {
        let mut garbage = question.metadata.id.to_be_bytes().to_vec();
        garbage.extend([0xff; 3]);
        vec![garbage]
    })
    .await;
    assert_eq!(seen.failure, Some(Failure::DnsServerMisbehaving));
    assert_eq!(seen.detail["malformed_replies"], 1);
}

#[tokio::test]
async fn response_codes_and_empty_answers_have_their_names() {
    for (code, failure) in [
        (ResponseCode::NXDomain, Failure::DnsNxdomain),
        (ResponseCode::ServFail, Failure::DnsServfail),
        (ResponseCode::Refused, Failure::DnsRefused),
        (ResponseCode::NoError, Failure::DnsNoAnswer),
    ] {
        let seen = seen(move |_, question: &Message| vec![bytes(question, code, &[])]).await;
        assert_eq!(seen.failure, Some(failure));
    }
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_over_tcp() {
    let seen = seen(|tcp, question: &Message| {
        let mut message = reply(
            question,
            ResponseCode::NoError,
            if tcp { &["203.0.113.1"] } else { &[] },
        );
        message.metadata.truncation = !tcp;
        vec![message.to_vec().unwrap()]
    })
    .await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.detail["transport"], "tcp");
    assert_eq!(seen.detail["udp_truncated"], true);
    assert_eq!(seen.detail["addresses"], json!(["203.0.113.1"]));
}

#[tokio::test]
async fn no_answer_is_a_timeout() {
    assert_eq!(
        seen(|_, _: &Message| Vec::new()).await.failure,
        Some(Failure::GenericTimeout)
    );
}

#[tokio::test]
async fn nobody_at_the_port_is_a_refused_connection() {
    let server = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let asked = ask(&testing::settings(), server, Patience::FULL).await;
    assert_eq!(asked.observation.failure, Some(Failure::ConnectionRefused));
}

#[tokio::test]
async fn an_answer_into_the_home_network_is_a_bogon_and_gives_no_address() {
    let server = resolver(|_, question: &Message| {
        vec![bytes(
            question,
            ResponseCode::NoError,
            &["192.168.1.1", "127.0.0.1"],
        )]
    })
    .await;
    let mut strict = testing::settings();
    strict.allow_loopback = false;
    strict.resolvers = vec![server];
    let asked = ask(&strict, server, QUICK).await;
    assert_eq!(asked.observation.failure, Some(Failure::DnsBogon));
    assert_eq!(
        asked.observation.detail["addresses"],
        json!(["lan", "loopback"])
    );
    assert!(asked.addresses.is_empty());
}

#[tokio::test]
async fn a_foreign_resolver_on_a_special_address_is_not_asked() {
    let server = resolver(|_, _: &Message| panic!("was asked")).await;
    let mut strict = testing::settings();
    strict.allow_loopback = false;
    let asked = ask(&strict, server, QUICK).await;
    assert_eq!(asked.observation.failure, Some(Failure::DnsBogon));
    assert_eq!(asked.observation.detail["contacted"], false);
}

async fn resolved(resolvers: Vec<SocketAddr>, host: &str) -> Resolved {
    let mut settings = testing::settings();
    settings.resolvers = resolvers;
    resolve_host(
        &settings,
        &Stopwatch::start(),
        &Meter::default(),
        host,
        QUICK,
    )
    .await
}

#[tokio::test]
async fn a_host_has_the_addresses_of_both_families_ipv4_first() {
    let server = resolver(|_, question: &Message| {
        let address = match question.queries[0].query_type {
            RecordType::A => "203.0.113.1",
            _ => "2606:4700::1",
        };
        vec![bytes(question, ResponseCode::NoError, &[address])]
    })
    .await;
    let resolved = resolved(vec![server], "site.example").await;
    assert_eq!(resolved.observations.len(), 2);
    let addresses: Vec<String> = resolved.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["203.0.113.1", "2606:4700::1"]);
    assert_eq!(resolved.failure(), None);
}

#[tokio::test]
async fn the_next_resolver_is_asked_only_when_one_says_nothing_of_the_name() {
    let failing =
        resolver(|_, question: &Message| vec![bytes(question, ResponseCode::ServFail, &[])]).await;
    let denying =
        resolver(|_, question: &Message| vec![bytes(question, ResponseCode::NXDomain, &[])]).await;
    let untouched = resolver(|_, _: &Message| panic!("was asked")).await;
    let resolved = resolved(vec![failing, denying, untouched], "site.example").await;
    let failures: Vec<_> = resolved
        .observations
        .iter()
        .filter_map(|seen| seen.failure.clone())
        .collect();
    assert_eq!(
        failures
            .iter()
            .filter(|failure| **failure == Failure::DnsServfail)
            .count(),
        2
    );
    assert_eq!(
        failures
            .iter()
            .filter(|failure| **failure == Failure::DnsNxdomain)
            .count(),
        2
    );
}

#[tokio::test]
async fn an_ip_literal_needs_no_question() {
    let resolved = resolved(Vec::new(), "[2606:4700::1]").await;
    assert!(resolved.observations.is_empty());
    assert_eq!(resolved.addresses.len(), 1);
    assert_eq!(resolved.duration_us(), 0);
}

#[tokio::test]
async fn a_device_without_resolvers_says_so() {
    let resolved = resolved(Vec::new(), "site.example").await;
    assert_eq!(resolved.failure(), Some(&Failure::DnsTemporaryFailure));
    assert_eq!(resolved.observations[0].detail["sent"], false);
}

#[tokio::test]
async fn where_nobody_listens_an_answer_after_the_refusal_is_still_heard() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let silence = Patience {
        answer: Duration::from_millis(300),
        ..Patience::SILENCE
    };
    let asked = ask(&testing::settings(), address, silence).await;
    assert_eq!(asked.observation.failure, Some(Failure::ConnectionRefused));
    assert!(asked.observation.duration_us() >= 300_000);
    let impatient = ask(&testing::settings(), address, QUICK).await;
    assert_eq!(
        impatient.observation.failure,
        Some(Failure::ConnectionRefused)
    );
}
