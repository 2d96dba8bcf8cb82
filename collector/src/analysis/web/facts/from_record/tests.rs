//! What a labelled record says, step by step.
use super::*;
use crate::analysis::web::facts::ControlDns;
use proptest::prelude::*;
use serde_json::json;

fn seen(operation: &str, subject: &str, failure: Option<Failure>, detail: Value) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: 1,
        operation: operation.to_owned(),
        subject: Some(subject.to_owned()),
        failure,
        detail: serde_json::from_value(detail).unwrap(),
    }
}

fn facts(observations: &[Observation]) -> Facts {
    labelled::read(observations)
}

#[test]
fn each_engine_is_told_apart_and_a_refused_answer_stands() {
    let resolve = |engine: &str, failure, addresses: Value| {
        let detail =
            json!({ "engine": engine, "transaction": 1, "depth": 2, "addresses": addresses });
        seen("resolve", "site.example", failure, detail)
    };
    let facts = facts(&[
        resolve(
            "getaddrinfo",
            Some(Failure::DnsBogon),
            json!(["lan", "lan"]),
        ),
        resolve("system", None, json!(["1.2.3.4"])),
        resolve("udp", Some(Failure::DnsNxdomain), json!([])),
        resolve("doh", None, json!(["loopback"])),
    ]);
    let vias: Vec<Via> = facts.lookups.iter().map(|lookup| lookup.via).collect();
    assert_eq!(vias, [Via::System, Via::System, Via::Udp, Via::Doh]);
    assert_eq!(facts.lookups[0].failure, None);
    assert_eq!(facts.lookups[0].addresses.len(), 1);
    assert_eq!(facts.lookups[2].failure, Some(Failure::DnsNxdomain));
    assert_eq!(facts.lookups[3].addresses[0].text, "127.0.0.1");
    assert!(facts.lookups.iter().all(|lookup| lookup.depth == Some(2)));
}

#[test]
fn steps_of_one_transaction_are_one_endpoint_whatever_stands_between() {
    let label = |transaction: i64| json!({ "transaction": transaction, "depth": 0, "fetch_body": transaction == 50_001 });
    let facts = facts(&[
        seen("connect", "loopback:443", None, label(50_001)),
        seen("connect", "[2001:db8::1]:443", None, label(50_002)),
        seen(
            "tls_handshake",
            "loopback:443",
            None,
            json!({ "transaction": 50_001, "server_name": "a" }),
        ),
        seen(
            "tls_handshake",
            "x",
            None,
            json!({ "transaction": 50_003, "server_name": "b" }),
        ),
        seen(
            "http_request",
            "https://a/",
            None,
            json!({
                "transaction": 50_001, "status": 302, "body_bytes": 7, "progress_us": [1, 2], "progress_bytes": [3, 7],
            }),
        ),
        seen(
            "redirect",
            "http://lan/",
            Some(Failure::DnsBogon),
            json!({ "transaction": 50_001 }),
        ),
    ]);
    let [one, other] = &facts.endpoints[..] else {
        panic!("{:?}", facts.endpoints);
    };
    assert_eq!((one.peer.as_str(), one.port), ("127.0.0.1:443", 443));
    assert!(one.fetches_body && !other.fetches_body);
    assert_eq!(one.tls.as_ref().unwrap().server_name, "a");
    assert_eq!(one.failure(), Some(&Failure::DnsBogon));
    assert_eq!(one.progress_bytes, [3, 7, 7]);
    assert_eq!(other.peer, "[2001:db8::1]:443");
    assert_eq!(other.tls, None);
}

#[test]
fn what_was_not_contacted_is_no_endpoint() {
    let refused = json!({ "transaction": 40_001, "contacted": false });
    let refused = seen("connect", "lan:80", Some(Failure::DnsBogon), refused);
    assert!(facts(&[refused]).endpoints.is_empty());
}

#[test]
fn answers_after_the_first_say_what_they_say() {
    let detail = json!({
        "engine": "udp", "transaction": 20_001, "depth": 0, "addresses": ["1.2.3.4"],
        "late_after_us": [5, 6], "late_rcode": [0, 3], "late_addresses": ["5.6.7.8 9.9.9.9", ""],
    });
    let facts = facts(&[seen("resolve", "site.example", None, detail)]);
    assert_eq!(facts.late[0].addresses.len(), 2);
    assert_eq!(facts.late[0].failure, None);
    assert_eq!(facts.late[1].failure, Some(Failure::DnsNxdomain));
    assert_eq!(facts.late[1].transaction, 20_001);
}

#[test]
fn every_control_that_answered_counts_and_tells_the_networks_of_addresses() {
    let answer = json!({
        "dns": { "failure": null, "addrs": ["1.2.3.4"] },
        "ip_info": { "1.2.3.4": { "asn": 64_500, "flags": 3 }, "5.6.7.8": { "asn": 64_501, "flags": 1 } },
        "http_request": { "status_code": 200, "body_length": 3, "title": "A", "headers": { "Server": "x" }, "failure": null },
    });
    let control = |failure, answer: Value| seen("control", "https://c.example/", failure, answer);
    let resolve =
        json!({ "engine": "udp", "transaction": 20_001, "depth": 0, "addresses": ["5.6.7.8"] });
    let seen = [
        seen("resolve", "site.example", None, resolve),
        control(Some(Failure::ConnectionReset), json!({ "request": "{}" })),
        control(None, json!({ "answer": answer.to_string() })),
        control(None, json!({ "answer": "no JSON" })),
        control(None, json!({ "answer": answer.to_string() })),
    ];
    let all = facts(&seen);
    assert_eq!(all.controls.len(), 2);
    assert_eq!(all.control_failure, None);
    assert_eq!(all.controls[0].at, "/observations/2/detail/answer");
    assert_eq!(all.lookups[0].addresses[0].asn, Some(64_501));
    let found = ControlDns {
        failure: None,
        addresses: vec![Address::new("1.2.3.4", Some(64_500))],
    };
    assert_eq!(all.controls[0].dns, Some(found));
    let none = facts(&seen[..2]);
    assert_eq!(none.control_failure, Some(Failure::ConnectionReset));
}

#[test]
fn who_asked_on_behalf_of_whom_is_read() {
    let identity = |resolver: &str, addresses: Value| {
        let detail = json!({ "resolver": resolver, "addresses": addresses });
        seen("resolver_identity", "whoami.example", None, detail)
    };
    let facts = facts(&[
        identity("system", json!(["203.0.113.0"])),
        identity("8.8.8.8:53", json!(["198.51.100.0"])),
    ]);
    let whoami = facts.whoami.unwrap();
    assert_eq!(whoami.system, ["203.0.113.0"]);
    let public = ("8.8.8.8:53".to_owned(), vec!["198.51.100.0".to_owned()]);
    assert_eq!(whoami.public, [public]);
}

/// Steps as a record may hold them, with values that no agent writes among them.
fn any_step() -> impl Strategy<Value = Observation> {
    let operations = [
        "resolve",
        "connect",
        "tls_handshake",
        "http_request",
        "redirect",
        "resolver_identity",
        "control",
        "cap",
    ];
    let keys = [
        "transaction",
        "depth",
        "engine",
        "addresses",
        "late_addresses",
        "late_rcode",
        "status",
        "header_names",
        "progress_bytes",
        "answer",
        "resolver",
        "location",
        "leaf_names",
        "not_before_s",
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[0-9a-f.:{}\"]{0,12}".prop_map(Value::from),
        proptest::collection::vec("[0-9a-f.: ]{0,9}", 0..4).prop_map(Value::from),
        proptest::collection::vec(any::<i64>(), 0..4).prop_map(Value::from),
    ];
    let detail = proptest::collection::vec((proptest::sample::select(keys.to_vec()), value), 0..8);
    let subject = proptest::option::of("[0-9a-z.:\\[\\]]{0,16}");
    let operation = proptest::sample::select(operations.to_vec());
    (operation, subject, detail, any::<bool>()).prop_map(|(operation, subject, detail, failed)| {
        let detail = detail.into_iter();
        Observation {
            t_start_us: 0,
            t_end_us: 1,
            operation: operation.to_owned(),
            subject,
            failure: failed.then_some(Failure::DnsBogon),
            detail: detail.map(|(key, value)| (key.to_owned(), value)).collect(),
        }
    })
}

proptest! {
    #[test]
    fn whatever_a_record_holds_is_read_and_judged_without_panic(
        steps in proptest::collection::vec(any_step(), 0..12),
    ) {
        for facts in [labelled::read(&steps), line::read(&steps)] {
            prop_assert!(facts.endpoints.len() <= steps.len());
            let _ = crate::analysis::web::ooni::keys(&facts);
        }
    }

    #[test]
    fn a_step_that_no_rule_knows_changes_nothing(
        steps in proptest::collection::vec(any_step(), 0..8), at in 0_usize..8,
    ) {
        let mut more = steps.clone();
        more.insert(at.min(steps.len()), seen("cap", "x", Some(Failure::Interrupted), json!({})));
        let keys = |steps: &[Observation]| crate::analysis::web::ooni::keys(&facts(steps));
        prop_assert_eq!(keys(&more), keys(&steps));
    }
}

#[test]
fn a_check_is_no_step_of_the_visit() {
    let visit = [seen(
        "resolve",
        "site.example",
        None,
        json!({ "engine": "udp", "transaction": 1, "depth": 0 }),
    )];
    let check = seen(
        "portal_check",
        "http://collector.example/generate_204",
        None,
        json!({ "status": 204 }),
    );
    let site = seen("known_good", "https://site.example/", None, json!({}));
    let gated: Vec<Observation> = visit.iter().cloned().chain([check, site]).collect();
    assert_eq!(facts(&gated), facts(&visit));
}
