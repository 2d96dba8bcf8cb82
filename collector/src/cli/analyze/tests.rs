//! The command on files of every form, and on anything at all.
use super::*;
use crate::analysis::web::scenarios;
use crate::testing::{NOON_US, entry, opened};
use proptest::prelude::*;
use std::io::Write;
use std::sync::LazyLock;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::SealedRecord;

static PRINTS: LazyLock<Fingerprints> = LazyLock::new(|| fingerprints::load(None).unwrap());

fn analysed(bytes: &[u8]) -> (Vec<Value>, Tally) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let (mut printed, mut tally) = (Vec::new(), Tally::default());
    let mut print = |value: &Value| {
        printed.push(value.clone());
        true
    };
    assert!(super::file(file.path(), &PRINTS, &mut tally, &mut print));
    (printed, tally)
}

fn measurements() -> Vec<Value> {
    let rows = scenarios::expected();
    rows.iter()
        .map(|row| scenarios::measurement(row.name).json())
        .collect()
}

fn lines(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(Value::to_string).collect();
    texts.join(
        "
",
    )
}

#[test]
fn every_measurement_gives_one_object_in_order_with_both_verdicts() {
    let text = lines(&measurements());
    let compressed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let (plain, tally) = analysed(text.as_bytes());
    assert_eq!((tally.done, tally.failed), (34, 0));
    for (row, (said, line)) in scenarios::expected().iter().zip(plain.iter().zip(1..)) {
        assert_eq!(said["line"], line);
        assert_eq!(
            said["tonle"]["overall"]["state"], row.tonle.0,
            "{}",
            row.name
        );
        assert_eq!(said["ooni"]["method"], "web_connectivity/0.5.28");
    }
    let (packed, _) = analysed(&compressed);
    assert_eq!(packed.len(), 34);
    assert_eq!(packed[7]["ooni"], plain[7]["ooni"]);
}

#[test]
fn a_bad_line_is_an_object_with_its_place_and_the_rest_goes_on() {
    let good = measurements().remove(0);
    let (said, tally) = analysed(format!("{good}\n{{\"a\":\nnull\n{{}}\n{good}\n").as_bytes());
    assert_eq!((tally.done, tally.failed), (2, 3));
    for (place, line) in [(1, 2), (2, 3), (3, 4)] {
        assert!(said[place]["error"].is_string(), "{}", said[place]);
        assert_eq!(said[place]["line"], line);
    }
    assert!(said[4]["tonle"].is_object());
}

#[test]
fn one_document_and_a_list_of_them_are_read_as_well() {
    let all = measurements();
    let pretty = serde_json::to_string_pretty(&all[0]).unwrap();
    let (said, tally) = analysed(pretty.as_bytes());
    assert_eq!((said.len(), tally.done), (1, 1));
    let list = serde_json::to_string_pretty(&all[..3]).unwrap();
    let (said, _) = analysed(list.as_bytes());
    assert_eq!(said[2]["index"], 2);
    assert!(said[2]["ooni"].is_object());
}

#[test]
fn other_tests_are_passed_over_and_no_error() {
    let (said, tally) = analysed(br#"{"test_name":"ndt","test_keys":{}}"#);
    assert_eq!((tally.done, tally.failed), (1, 0));
    assert!(said[0]["skipped"].as_str().unwrap().contains("ndt"));
}

#[test]
fn a_file_that_is_not_there_is_an_object_too() {
    let mut tally = Tally::default();
    let mut printed = Vec::new();
    let mut print = |value: &Value| {
        printed.push(value.clone());
        true
    };
    super::file(Path::new("/nowhere"), &PRINTS, &mut tally, &mut print);
    assert_eq!(tally.failed, 1);
    assert!(
        printed[0]["error"]
            .as_str()
            .unwrap()
            .starts_with("cannot open")
    );
}

/// A record of a visit: resolve, connect, handshake, request.
fn record() -> tonle_evidence::envelope::Opened {
    let mut record = opened(NOON_US, 0);
    let step = |operation: &str, subject: &str, detail: Value| Observation {
        t_start_us: 0,
        t_end_us: 1,
        operation: operation.to_owned(),
        subject: Some(subject.to_owned()),
        failure: None,
        detail: serde_json::from_value(detail).unwrap(),
    };
    record.public.method.id = "web_connectivity".to_owned();
    record.public.target.value = "https://site.example/".to_owned();
    let peer = "203.1.113.7:443";
    record.public.observations = vec![
        step(
            "resolve",
            "site.example",
            json!({
                "query_type": "A", "resolver": "lan_resolver", "addresses": ["203.1.113.7"],
            }),
        ),
        step("connect", peer, json!({})),
        step(
            "tls_handshake",
            peer,
            json!({ "server_name": "site.example" }),
        ),
        step(
            "http_request",
            "https://site.example/",
            json!({
                "status": 200, "body_bytes": 10, "body_truncated": false, "title": "Site",
                "header_names": ["server"], "server": "x",
            }),
        ),
    ];
    record
}

fn envelope(record: &tonle_evidence::envelope::Opened) -> String {
    let entry = entry(0, 1, None, record);
    let sealed = SealedRecord {
        public: entry.public,
        private: entry.private,
        key: entry.key.unwrap(),
        signature: entry.signature.unwrap(),
    };
    Envelope::new(sealed).to_line()
}

#[test]
fn records_are_analysed_whole_or_by_their_public_half() {
    let record = record();
    let public = serde_json::to_string(&record.public).unwrap();
    for text in [envelope(&record), public] {
        let (said, tally) = analysed(text.as_bytes());
        assert_eq!(tally.failed, 0, "{}", said[0]);
        let tonle = &said[0]["tonle"];
        assert_eq!(tonle["overall"]["state"], "ok");
        assert_eq!(tonle["dns"]["rules"][0]["rule"], "dns.certificate");
        let at = tonle["http"]["rules"][0]["observations"][0]
            .as_str()
            .unwrap();
        assert_eq!(at, "/observations/3");
        assert_eq!(said[0]["ooni"]["accessible"], true);
    }
}

#[test]
fn a_record_without_control_gives_no_verdict_on_what_failed() {
    let mut record = record();
    record.public.observations.truncate(2);
    record.public.observations[1].failure = Some(Failure::ConnectionRefused);
    let (said, _) = analysed(envelope(&record).as_bytes());
    let overall = &said[0]["tonle"]["overall"];
    assert_eq!(
        (&overall["state"], &overall["reason"]),
        (&json!("insufficient"), &json!("no_control"))
    );
}

#[test]
fn a_record_through_a_tunnel_or_by_a_wrong_clock_is_an_invalid_run() {
    let mut tunnelled = record();
    tunnelled.public.context.interface = "tunnel".to_owned();
    let mut late = record();
    late.public.context.clock.state = tonle_evidence::record::ClockState::Unsynchronised;
    late.public.context.clock.offset_us = Some(-86_400_000_000);
    for record in [tunnelled, late] {
        let (said, _) = analysed(envelope(&record).as_bytes());
        assert_eq!(said[0]["tonle"]["overall"]["reason"], "invalid_run");
    }
}

#[test]
fn a_record_that_was_changed_is_an_error() {
    let line = envelope(&record());
    let other = envelope(&{
        let mut other = record();
        other.public.target.value = "https://other.example/".to_owned();
        other
    });
    let part = |line: &str| serde_json::from_str::<Value>(line).unwrap()["public"].clone();
    let forged = line.replace(
        part(&line).as_str().unwrap(),
        part(&other).as_str().unwrap(),
    );
    let (said, tally) = analysed(forged.as_bytes());
    assert_eq!(tally.failed, 1);
    assert_eq!(said[0]["error"], "signature does not verify");
}

/// One place of a document, by a walk that `path` steers, replaced.
fn mutate(value: &mut Value, path: &[u8], with: &Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    let step = usize::from(*step);
    match value {
        Value::Array(list) if !list.is_empty() => {
            let place = step % list.len();
            mutate(&mut list[place], rest, with);
        }
        Value::Object(map) if !map.is_empty() => {
            let place = step % map.len();
            if let Some((_, inner)) = map.iter_mut().nth(place) {
                mutate(inner, rest, with);
            }
        }
        other => *other = with.clone(),
    }
}

fn any_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,20}".prop_map(Value::from),
        Just(json!([[[]], { "a": null }])),
        Just(json!({ "format": "base64", "data": "AAAA" })),
        Just(json!("http://[")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_mutation_of_a_measurement_makes_it_panic(
        row in 0..34_usize,
        old in any::<bool>(),
        changes in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..8), any_leaf()), 1..6),
    ) {
        let build = scenarios::measurement(scenarios::expected()[row].name);
        let mut value = if old { build.json_0_4() } else { build.json() };
        for (path, leaf) in &changes {
            mutate(&mut value, path, leaf);
        }
        let _ = judge::judge(value.to_string().as_bytes(), &PRINTS);
    }

    #[test]
    fn no_mutation_of_a_record_makes_it_panic(
        path in proptest::collection::vec(any::<u8>(), 0..6),
        leaf in any_leaf(),
    ) {
        let mut value = serde_json::to_value(record().public).unwrap();
        mutate(&mut value, &path, &leaf);
        let _ = judge::judge(value.to_string().as_bytes(), &PRINTS);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = judge::judge(&bytes, &PRINTS);
    }
}
