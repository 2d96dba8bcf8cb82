//! What is exported reads back as what was measured, names nobody, and links to nothing.
use super::*;
use crate::analysis::web::{Facts, ooni};
use crate::journal::{Journal, NetworkIdentity, NewEntry};
use crate::ooni::entry;
use crate::testing::{HOUR_US, NOON_US, ground, key, opened};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use tonle_evidence::entry::Tier;
use tonle_evidence::envelope::{Envelope, Opened};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::seal;

const PAGE: &str = "https://www.example.com/";

fn step(operation: &str, subject: &str, failure: Option<&str>, detail: Value) -> Observation {
    Observation {
        t_start_us: 1_000,
        t_end_us: 2_500,
        operation: operation.to_owned(),
        subject: Some(subject.to_owned()),
        failure: failure.map(Failure::from_name),
        detail: serde_json::from_value(detail).unwrap(),
    }
}

/// A record of a visit at noon.
fn visit(observations: Vec<Observation>) -> Opened {
    let mut record = opened(NOON_US, 0);
    record.public.samples.clear();
    record.public.method.id = WEB_CONNECTIVITY.to_owned();
    record.public.target.value = PAGE.to_owned();
    record.public.observations = observations;
    record
}

fn good_visit() -> Vec<Observation> {
    let peer = "93.184.216.34:443";
    vec![
        step(
            "resolve",
            "www.example.com",
            None,
            json!({
                "query_type": "A", "resolver": "lan_resolver", "addresses": ["93.184.216.34"],
                "rcode": 0, "cnames": ["example.com"],
            }),
        ),
        step("connect", peer, None, json!({})),
        step(
            "tls_handshake",
            peer,
            None,
            json!({
                "server_name": "www.example.com", "version": "TLSv1_3", "alpn": "http/1.1",
                "leaf_names": ["www.example.com"], "leaf_issuer": "CA", "chain_sha256": ["00", "11"],
                "not_before_s": 1_700_000_000, "not_after_s": 1_900_000_000,
            }),
        ),
        step(
            "http_request",
            PAGE,
            None,
            json!({
                "status": 200, "body_bytes": 1_533, "body_truncated": false, "title": "A page",
                "header_names": ["server", "date"], "server": "ECS",
            }),
        ),
    ]
}

fn written(public: &Public) -> Value {
    let network = NetworkIdentity {
        asn: Some(38_623),
        resolver_asn: Some(15_169),
        ..NetworkIdentity::default()
    };
    measurement(public, &Hash::ZERO, &network, &ground().country)
}

/// The result keys of a record, and those of its export as somebody else reads it.
fn both_keys(public: &Public) -> (Value, Value) {
    let line = written(public).to_string();
    let read = Measurement::parse(line.as_bytes()).unwrap();
    let own = Facts::from_record(public, None);
    (
        json!(ooni::keys(&own)),
        json!(ooni::keys(&Facts::from_ooni(&read))),
    )
}

#[test]
fn a_record_is_written_with_every_field_of_the_format() {
    let made = written(&visit(good_visit()).public);
    for (key, expected) in [
        ("data_format_version", json!("0.2.0")),
        ("input", json!(PAGE)),
        ("measurement_start_time", json!("2026-11-10 05:00:00")),
        ("probe_asn", json!("AS38623")),
        ("probe_cc", json!("KH")),
        ("probe_ip", json!("127.0.0.1")),
        (
            "report_id",
            json!("20261110T050000Z_webconnectivity_KH_38623_n1_0000000000000000"),
        ),
        (
            "measurement_uid",
            json!("20261110050000.000000_KH_webconnectivity_0000000000000000"),
        ),
        ("test_name", json!("web_connectivity")),
        ("test_version", json!("0.5.28")),
        ("software_name", json!("tonle-agent")),
        ("test_runtime", json!(0.0025)),
    ] {
        assert_eq!(made[key], expected, "{key}");
    }
    let keys = &made["test_keys"];
    let query = &keys["queries"][0];
    assert_eq!(query["answers"][0]["hostname"], "example.com");
    assert_eq!(query["answers"][1]["ipv4"], "93.184.216.34");
    assert_eq!((&query["t0"], &query["t"]), (&json!(0.001), &json!(0.0025)));
    let tags = json!(["depth=0", "fetch_body=true", "classic", "tcptls_experiment"]);
    assert_eq!(keys["tcp_connect"][0]["tags"], tags);
    assert_eq!(keys["tls_handshakes"][0]["negotiated_protocol"], "http/1.1");
    let response = &keys["requests"][0]["response"];
    assert_eq!(
        (&response["code"], &response["x_body_bytes"]),
        (&json!(200), &json!(1_533))
    );
    assert_eq!(response["headers"]["server"], "ECS");
    assert_eq!(keys["accessible"], true);
    assert_eq!(keys["blocking"], false);
    for key in [
        "agent",
        "client_resolver",
        "retries",
        "socksproxy",
        "network_events",
        "x_dns_whoami",
        "x_doh",
        "x_do53",
        "x_dns_duplicate_responses",
        "x_control_request",
        "control",
        "x_conn_priority_log",
        "control_failure",
        "x_dns_flags",
        "dns_experiment_failure",
        "dns_consistency",
        "http_experiment_failure",
        "x_blocking_flags",
        "x_null_null_flags",
        "body_proportion",
        "body_length_match",
        "headers_match",
        "status_code_match",
        "title_match",
        "blocking",
        "accessible",
    ] {
        assert!(keys.get(key).is_some(), "{key} is missing");
    }
}

#[test]
fn what_is_the_volunteers_is_not_in_it() {
    let mut record = visit(good_visit());
    record.private.key_id = "5f1c9a0e7b3d2468".into();
    let line = written(&record.public).to_string();
    let private = &record.private;
    for secret in [
        "KH-12",
        "fibre",
        "lan_resolver",
        "home",
        private.key_id.as_str(),
        &private.record_id.to_string(),
        &private.t_start_us.to_string(),
    ] {
        assert!(!line.contains(secret), "{secret} in {line}");
    }
}

#[test]
fn addresses_known_by_their_kind_are_written_as_scrubbed_and_stay_bogons() {
    let answer =
        json!({ "query_type": "A", "resolver": "lan_resolver", "addresses": ["lan", "loopback"] });
    let record = visit(vec![
        step("resolve", "www.example.com", None, answer),
        step("connect", "lan:443", Some("connection_refused"), json!({})),
    ]);
    let made = written(&record.public);
    let answers = &made["test_keys"]["queries"][0]["answers"];
    assert_eq!(answers[0]["ipv4"], "[scrubbed]");
    assert_eq!(answers[1]["ipv4"], "127.0.0.1");
    assert_eq!(made["test_keys"]["tcp_connect"][0]["ip"], "[scrubbed]");
    let (own, read) = both_keys(&record.public);
    assert_eq!(own, read);
    assert_eq!(own["x_dns_flags"].as_u64().unwrap() & 1, 1);
}

#[test]
fn a_run_that_says_nothing_is_marked() {
    let mut record = visit(vec![step(
        "resolve",
        "www.example.com",
        Some("network_down"),
        json!({ "sent": false }),
    )]);
    record.public.context.interface = "tunnel".into();
    let notes = &written(&record.public)["annotations"];
    assert_eq!(notes["tonle_run"], "tunnelled never_left");
    assert_eq!(notes["network_type"], "vpn");
}

fn any_failure() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some("connection_reset")),
        1 => Just(Some("generic_timeout_error")),
        1 => Just(Some("dns_nxdomain_error")),
        1 => Just(Some("dns_bogon_error")),
        1 => Just(Some("network_unreachable")),
        1 => Just(Some("ssl_invalid_hostname")),
    ]
}

fn any_address() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("93.184.216.34"),
        Just("10.10.34.35"),
        Just("lan"),
        Just("2606:4700::1111"),
        Just("203.1.113.7"),
    ]
}

fn any_host() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("www.example.com"), Just("other.example.org")]
}

/// Steps in any order, with the keys of both versions of the experiment.
fn any_step() -> impl Strategy<Value = Observation> {
    let resolve = (
        any_host(),
        any_failure(),
        prop::collection::vec(any_address(), 0..3),
        0..3_usize,
    )
        .prop_map(|(host, failure, addresses, engine)| {
            let engine = ["getaddrinfo", "udp", "doh"][engine];
            step(
                "resolve",
                host,
                failure,
                json!({
                    "query_type": "A", "resolver": "8.8.8.8:53", "addresses": addresses, "rcode": 0,
                    "engine": engine, "late_addresses": ["1.1.1.1 2606:4700::1"],
                }),
            )
        });
    let connect = (any_address(), any_failure(), any::<bool>(), any::<bool>()).prop_map(
        |(address, failure, fetch, port)| {
            let port = if port { 443 } else { 80 };
            let host = if address.contains(':') {
                format!("[{address}]")
            } else {
                address.to_owned()
            };
            step(
                "connect",
                &format!("{host}:{port}"),
                failure,
                json!({ "fetch_body": fetch, "classic": fetch }),
            )
        },
    );
    let tls = (any_host(), any_failure()).prop_map(|(host, failure)| {
        step(
            "tls_handshake",
            "93.184.216.34:443",
            failure,
            json!({ "server_name": host }),
        )
    });
    let http = (any_host(), any_failure(), prop_oneof![Just(200), Just(403), Just(301), Just(0)], any::<bool>())
        .prop_map(|(host, failure, status, leads_on)| {
            let mut detail = json!({
                "status": status, "body_bytes": 900, "body_truncated": false, "title": "Some page",
                "header_names": ["server", "x-odd"], "progress_us": [1, 2], "progress_bytes": [3, 4],
            });
            if leads_on {
                detail["location"] = json!("https://other.example.org/");
            }
            step("http_request", &format!("https://{host}/"), failure, detail)
        });
    let redirect = Just(step(
        "redirect",
        PAGE,
        Some("http_invalid_redirect_location_host"),
        json!({}),
    ));
    // A control knows no kinds of addresses.
    let known = any_address().prop_filter("an address", |address| *address != "lan");
    let control = (any_failure(), known, any_failure(), any::<bool>()).prop_map(
        |(failure, address, seen, is_same)| {
            let answer = control_answer(address, seen, is_same).to_string();
            let detail = json!({ "request": "{\"http_request\":\"x\"}", "answer": answer });
            step("control", "https://c.example/", failure, detail)
        },
    );
    prop_oneof![3 => resolve, 3 => connect, 2 => tls, 2 => http, 1 => redirect, 1 => control]
}

/// What a control says that saw one address of the page.
fn control_answer(address: &str, seen: Option<&str>, is_same: bool) -> Value {
    let host = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    };
    let peer = |port: u16| format!("{host}:{port}");
    let tried =
        json!({ "status": seen.is_none(), "failure": seen, "server_name": "www.example.com" });
    json!({
        "dns": { "failure": null, "addrs": [address] },
        "tcp_connect": { peer(80): tried, peer(443): tried },
        "tls_handshake": { peer(443): tried },
        "http_request": {
            "body_length": if is_same { 900 } else { 5 }, "failure": seen, "status_code": 200,
            "title": if is_same { "Some page" } else { "" }, "headers": { "X-Odd": "1" },
        },
        "ip_info": { address: { "asn": 15_133, "flags": 2 } },
    })
}

/// What each step of a labelled record belongs to: handshakes and requests to the connection before.
fn label(steps: &mut [Observation]) {
    let mut connection = 50_000;
    for (number, step) in (1..).zip(steps) {
        let transaction = match step.operation.as_str() {
            "resolve" => 10_000 + number / 2,
            "connect" => {
                connection += 1;
                connection
            }
            _ => connection,
        };
        step.detail.insert("transaction".into(), json!(transaction));
        step.detail.insert("depth".into(), json!(number / 5));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_export_of_a_record_gives_the_result_keys_of_the_record(
        version in 1_u32..=2,
        mut steps in prop::collection::vec(any_step(), 0..16),
    ) {
        if version == 2 {
            label(&mut steps);
        }
        let mut record = visit(steps);
        record.public.method.version = version;
        let (own, read) = both_keys(&record.public);
        prop_assert_eq!(own, read);
        prop_assert_eq!(scan(written(&record.public).to_string().as_bytes()), Ok(()));
    }
}

fn envelope_entry(agent: u8, record: &Opened) -> NewEntry {
    let sealed = seal(&record.public, &record.private, &key(agent)).unwrap();
    NewEntry::record(&Envelope::new(sealed), Tier::Unvetted, NOON_US)
}

async fn exported(dir: &Path, entries: Vec<NewEntry>, export: &Export<'_>) -> (Vec<String>, Tally) {
    let journal = Journal::open(dir, key(200)).unwrap();
    journal.append(entries).await.unwrap();
    let mut lines = Vec::new();
    let mut write = |line: &[u8]| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        Ok(())
    };
    let tally = export.run(&journal.reader().unwrap(), &mut write).unwrap();
    (lines, tally)
}

fn of_client(input: &str, body: &str) -> String {
    format!(
        "{{ \"input\": \"{input}\", \"test_name\":\n\"web_connectivity\",  \"test_keys\": {{ \"x\": \"{body}\" }} }}"
    )
}

#[tokio::test]
async fn only_what_is_clean_and_listed_leaves_and_clients_measurements_leave_as_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let country = ground().country;
    let mut export = Export {
        country: &country,
        listed: [PAGE].into(),
        unlisted: false,
        since: None,
    };
    let clean = of_client(PAGE, "a  page");
    let mut elsewhere = visit(good_visit());
    elsewhere.public.target.value = "https://typed.example/".into();
    let mut latency = opened(NOON_US, 5);
    latency.private.sequence = 3;
    let mut entries: Vec<NewEntry> = [
        clean.clone(),
        of_client(PAGE, "your IP is 36.37.1.2"),
        of_client("https://typed.example/", ""),
    ]
    .iter()
    .map(|text| entry::of(text.as_bytes(), NOON_US))
    .collect();
    entries.extend(
        [visit(good_visit()), elsewhere, latency]
            .iter()
            .map(|record| envelope_entry(1, record)),
    );
    let (lines, tally) = exported(dir.path(), entries, &export).await;
    assert_eq!(lines[0], clean.replace('\n', " "));
    assert_eq!((lines.len(), tally.records, tally.ooni), (2, 1, 1));
    let withheld: Vec<(&str, u64)> = tally
        .withheld
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(withheld, [("holds_an_address", 1), ("unlisted_site", 2)]);

    export.unlisted = true;
    let (lines, _) = exported(dir.path(), Vec::new(), &export).await;
    assert_eq!(lines.len(), 4);
    export.since = Some("2026-11-11".parse().unwrap());
    let (lines, tally) = exported(dir.path(), Vec::new(), &export).await;
    assert_eq!((lines.len(), tally), (0, Tally::default()));
}

#[tokio::test]
async fn the_order_of_records_does_not_tell_which_came_together() {
    let dir = tempfile::tempdir().unwrap();
    let country = ground().country;
    let export = Export {
        country: &country,
        listed: [PAGE].into(),
        unlisted: false,
        since: None,
    };
    let mut entries = Vec::new();
    for agent in 1..4 {
        for sequence in 0..6_i64 {
            let mut record = visit(good_visit());
            let at_us = NOON_US - sequence % 2 * HOUR_US;
            record.public.local_hour = LocalHour::at(at_us, 25_200).to_string();
            record.private.sequence = sequence.unsigned_abs();
            record.private.blind.0[0] = agent;
            entries.push(envelope_entry(agent, &record));
        }
    }
    let (lines, tally) = exported(dir.path(), entries, &export).await;
    assert_eq!(tally.records, 18);
    let order = |line: &String| {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&value["measurement_start_time"]),
            text(&value["annotations"]["tonle_record"]),
        )
    };
    let places: Vec<_> = lines.iter().map(order).collect();
    assert!(places.is_sorted());
}
