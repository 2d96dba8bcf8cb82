//! What a built record says, and what it never says.
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tonle_evidence::envelope::Opened;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{LimitedBy, PathClass, ProvinceKnown, QuotaState, Stream};

pub(crate) fn context() -> RunContext {
    RunContext {
        method: Method {
            id: "latency".into(),
            version: 1,
            stream: Stream::Quality,
        },
        target: Target {
            value: "www.example.org".into(),
            category: None,
            path_class: PathClass::Abroad,
        },
        country: "XX".into(),
        utc_offset_s: 7 * 3_600,
        province: Province {
            code: "XX-1".into(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: PlaceKind::Home,
        operator: Claim {
            declared: Some("op".into()),
            detected: None,
        },
        technology: Claim {
            declared: None,
            detected: Some(Technology::Mobile),
        },
        interface: "cellular".into(),
        ip_family: "ipv4".into(),
        metered: Some(true),
        wifi_signal_dbm: None,
        link_rate_bps: None,
        radio: None,
        cross_traffic_bytes: None,
        plan: Plan {
            download_bps: None,
            upload_bps: None,
            quota: QuotaState::Unknown,
        },
        clock: ClockState::Synchronised,
        clock_offset_us: Some(12),
        bytes_used: 640,
        consent_version: "q1".into(),
        software: Software {
            name: "tonle-agent".into(),
            version: "0.1.0".into(),
            build: "unknown".into(),
        },
        key_id: "k1".into(),
        t_start_us: 1_790_000_000_000_000,
        duration_us: 1_500_000,
        outcome: Outcome::Completed,
        scrubber: Scrubber::new(["10.9.8.7".parse().unwrap()]),
    }
}

pub(crate) fn observation(subject: &str) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: 900,
        operation: "icmp_echo".into(),
        subject: Some(subject.into()),
        failure: None,
        detail: BTreeMap::new(),
    }
}

pub(crate) fn recorded() -> Recorded {
    Recorded {
        observations: vec![observation("192.0.2.7")],
        samples: vec![("latency.rtt_median_us/icmp/abroad".into(), 900)],
        ..Recorded::default()
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[6; 32])
}

fn build_with(
    context: &RunContext,
    recorded: Recorded,
    chain: &mut Chain,
) -> Result<Built, RecordError> {
    let entropy = Entropy {
        record_id: [1; 16],
        blind: [2; 16],
    };
    build(context, recorded, catalogue(), &key(), chain, entropy)
}

fn built(context: &RunContext, recorded: Recorded) -> (Built, Opened) {
    let mut chain = Chain::new(Hex([3; 8]));
    let built = build_with(context, recorded, &mut chain).unwrap();
    built.envelope.verify().unwrap();
    let opened = built.envelope.open().unwrap();
    (built, opened)
}

#[test]
fn a_record_says_what_the_run_and_its_context_say() {
    let (built, opened) = built(&context(), recorded());
    let sample = &opened.public.samples[0];
    assert_eq!((sample.unit.as_str(), sample.value), ("us", 900));
    assert_eq!(opened.public.outcome, Outcome::Completed);
    assert_eq!(opened.public.local_hour, "2026-09-21T21");
    assert_eq!(opened.public.context.bytes_used, 640);
    assert_eq!(
        opened.private.t_end_us - opened.private.t_start_us,
        1_500_000
    );
    assert_eq!(opened.private.key_id, "k1");
    assert_eq!((built.bodies_dropped, built.observations_dropped), (0, 0));
}

#[test]
fn records_of_a_chain_follow_each_other_without_gap() {
    let mut chain = Chain::new(Hex([3; 8]));
    let first = build_with(&context(), recorded(), &mut chain).unwrap();
    let second = build_with(&context(), recorded(), &mut chain).unwrap();
    let (one, two) = (
        first.envelope.open().unwrap().private,
        second.envelope.open().unwrap().private,
    );
    assert_eq!((one.sequence, one.prev_hash), (0, Hex::ZERO));
    assert_eq!((two.sequence, two.prev_hash), (1, first.envelope.hash()));
    assert_eq!(second.link.sequence, 1);
    assert_eq!(chain.next_sequence, 2);
}

#[test]
fn an_undeclared_metric_or_another_experiments_fails_and_leaves_the_chain() {
    for metric in [
        "latency.invented_us/icmp/abroad",
        "dns.resolution_us/public",
        "latency.rtt_median_us",
    ] {
        let mut chain = Chain::new(Hex([3; 8]));
        let mut wrong = recorded();
        wrong.samples.push((metric.into(), 1));
        let error = build_with(&context(), wrong, &mut chain).unwrap_err();
        assert!(
            matches!(error, RecordError::UndeclaredMetric { metric: named, .. } if named == metric)
        );
        assert_eq!(chain.next_sequence, 0);
    }
}

#[test]
fn a_float_in_a_detail_fails() {
    let mut wrong = recorded();
    wrong.observations[0]
        .detail
        .insert("rate".into(), serde_json::json!(1.5));
    let error = build_with(&context(), wrong, &mut Chain::new(Hex([3; 8]))).unwrap_err();
    assert!(matches!(error, RecordError::Seal { .. }));
}

#[test]
fn own_addresses_are_in_no_byte_of_a_record() {
    let mut context = context();
    context.target.value = "http://10.9.8.7/".into();
    let mut with_own = recorded();
    with_own.observations.push(observation("10.9.8.7:53"));
    with_own.bodies.push((1, b"hello 10.9.8.7".to_vec()));
    let (built, opened) = built(&context, with_own);
    for half in [
        &built.envelope.record.public,
        &built.envelope.record.private,
    ] {
        assert!(!String::from_utf8_lossy(half).contains("10.9.8.7"));
    }
    let body = BASE64.decode(&opened.private.bodies[0].base64).unwrap();
    assert_eq!(body, b"hello [scrubbed]");
}

#[test]
fn an_exact_clock_offset_is_in_the_private_half_only() {
    for offset_us in [-259_201_234_567, 61_234_567, 1_234_567] {
        let mut context = context();
        context.clock_offset_us = Some(offset_us);
        let (built, opened) = built(&context, recorded());
        let public = String::from_utf8_lossy(&built.envelope.record.public);
        let digits = offset_us.unsigned_abs().to_string();
        assert!(!public.contains(&digits), "{public}");
        let class_us = opened.public.context.clock.offset_us;
        assert_eq!(class_us, Some(offset_class(offset_us)));
        assert_eq!(opened.private.clock_offset_us, Some(offset_us));
    }
}

#[test]
fn two_devices_whose_clocks_are_off_by_as_many_hours_look_alike_in_public() {
    let public_by = |offset_us: i64| {
        let mut context = context();
        context.clock_offset_us = Some(offset_us);
        let (built, _) = built(&context, recorded());
        built.envelope.record.public
    };
    assert_eq!(public_by(7_212_345_678), public_by(9_876_543_210));
}

#[test]
fn the_runner_has_the_last_word_on_how_a_run_ended() {
    let mut capped = recorded();
    capped.outcome = Some(Outcome::Capped);
    capped.limited_by = Some(LimitedBy::Cap);
    let (_, by_experiment) = built(&context(), capped.clone());
    assert_eq!(by_experiment.public.outcome, Outcome::Capped);
    assert_eq!(
        by_experiment.public.context.limited_by,
        Some(LimitedBy::Cap)
    );
    let mut context = context();
    context.outcome = Outcome::TimedOut;
    let (_, by_runner) = built(&context, capped);
    assert_eq!(by_runner.public.outcome, Outcome::TimedOut);
}

#[test]
fn a_body_is_cut_to_its_prefix_and_stays_private() {
    let mut with_body = recorded();
    with_body.bodies.push((0, vec![b'z'; 40_000]));
    let (built, opened) = built(&context(), with_body);
    let body = BASE64.decode(&opened.private.bodies[0].base64).unwrap();
    assert_eq!(body.len(), BODY_MAX_BYTES);
    assert!(!String::from_utf8_lossy(&built.envelope.record.public).contains("zzz"));
}

#[test]
fn a_record_that_is_too_long_loses_bodies_first_and_only_then_observations() {
    let mut with_bodies = recorded();
    with_bodies.bodies = (0..60).map(|_| (0, vec![b'z'; BODY_MAX_BYTES])).collect();
    let (bodies, _) = built(&context(), with_bodies);
    assert!(bodies.bodies_dropped > 0 && bodies.bodies_dropped < 60);
    assert_eq!(
        (bodies.observations_dropped, bodies.outcome),
        (0, Outcome::Completed)
    );

    let mut with_observations = recorded();
    with_observations.observations = (0..8_000).map(|_| observation(&"x".repeat(120))).collect();
    with_observations.bodies = vec![(0, vec![b'z'; 100])];
    let (observations, opened) = built(&context(), with_observations);
    assert_eq!(observations.bodies_dropped, 1);
    assert!(observations.observations_dropped > 0);
    assert!(!opened.public.observations.is_empty());
    assert_eq!(opened.public.outcome, Outcome::Capped);
    assert!(observations.envelope.to_line().len() <= LINE_MAX_BYTES);
}

proptest! {
    #[test]
    fn whatever_strings_a_run_recorded_its_record_verifies_and_reads_back(
        subject in ".*", failure in ".*", key in ".{0,20}", text in ".*",
    ) {
        let mut observed = observation(&subject);
        observed.failure = Some(tonle_evidence::failure::Failure::unknown(&failure));
        observed.detail.insert(key, serde_json::Value::String(text));
        let recorded = Recorded { observations: vec![observed.clone()], ..Recorded::default() };
        let (_, opened) = built(&context(), recorded);
        prop_assert_eq!(&opened.public.observations[0], &observed);
    }
}
