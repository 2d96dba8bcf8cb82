//! Verdicts on probes: every rule, its innocent neighbours, and what holds whatever is recorded.
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::verdict::State;

/// State, deciding rule, and mechanism or reason.
fn words(said: &Said) -> (State, String, String) {
    let verdict = &said.overall;
    let mechanism = verdict.mechanism.map(|one| one.to_string());
    let reason = verdict.reason.map(|one| one.to_string());
    let why = mechanism.or(reason).unwrap_or_default();
    (verdict.state, verdict.rules[0].rule.clone(), why)
}

pub(super) fn is(said: &Said, state: State, rule: &str, why: &str) {
    assert_eq!(words(said), (state, rule.to_owned(), why.to_owned()));
}

pub(super) fn step(operation: &str, failure: Option<Failure>, detail: Value) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: 1_000_000,
        operation: operation.to_owned(),
        subject: None,
        failure,
        detail: serde_json::from_value(detail).unwrap(),
    }
}

/// Handshakes, one per letter and round: `.` answered, `x` reset, `-` silence, `!` an alert, `?`
/// another's certificate.
fn handshakes(target: &str, neutral: &str) -> Vec<Observation> {
    let of = |name: &str, letters: &str| -> Vec<Observation> {
        let one = |(round, letter): (usize, char)| {
            let failure = match letter {
                'x' => Some(Failure::ConnectionReset),
                '-' => Some(Failure::GenericTimeout),
                '!' => Some(Failure::SslFailedHandshake),
                '?' => Some(Failure::SslInvalidHostname),
                _ => None,
            };
            let chain: &[&str] = if matches!(letter, '.' | '?') {
                &["aa"]
            } else {
                &[]
            };
            let detail = json!({ "presented": name, "round": round, "chain_sha256": chain });
            step("tls_handshake", failure, detail)
        };
        letters.chars().enumerate().map(one).collect()
    };
    [of("target", target), of("neutral", neutral)].concat()
}

#[test]
fn a_name_is_filtered_only_where_it_fails_each_time_and_the_neutral_one_is_answered() {
    let judge = |target, neutral| sni::judge(&handshakes(target, neutral));
    let likely = State::LikelyBlocked;
    let insufficient = State::Insufficient;
    is(
        &judge("xxx", "..."),
        likely,
        "sni.filtered",
        "tls.reset.sni",
    );
    is(
        &judge("xxx", "!!!"),
        likely,
        "sni.filtered",
        "tls.reset.sni",
    );
    is(&judge("xx", "??"), likely, "sni.filtered", "tls.reset.sni");
    is(&judge("---", "..."), likely, "sni.filtered", "tls.timeout");
    is(&judge("...", "..."), State::Ok, "sni.passes", "");
    is(&judge("...", "xxx"), State::Ok, "sni.passes", "");
    is(
        &judge("xxx", "xxx"),
        insufficient,
        "sni.alike",
        "below_floor",
    );
    is(
        &judge("---", "---"),
        insufficient,
        "sni.alike",
        "below_floor",
    );
    is(
        &judge("!!!", "..."),
        insufficient,
        "sni.refused",
        "no_control",
    );
    is(
        &judge("???", "..."),
        insufficient,
        "sni.foreign",
        "no_control",
    );
    for (target, neutral) in [("x.x", "..."), ("xxx", ".x."), ("x", "."), ("", "...")] {
        let said = judge(target, neutral);
        is(&said, insufficient, "sni.unsteady", "below_floor");
    }
}

#[test]
fn a_name_that_fails_for_controls_too_is_down_and_not_filtered() {
    let judge = |target, neutral, elsewhere: Option<&str>| {
        let mut connected = step(
            "connect",
            None,
            json!({ "presented": "target", "round": 0 }),
        );
        connected.subject = Some("192.0.2.1:443".to_owned());
        let seen = json!({ "server_name": "a.example", "failure": elsewhere });
        let answer = json!({ "tls_handshake": { "192.0.2.1:443": seen } });
        let control = step("control", None, json!({ "answer": answer.to_string() }));
        sni::judge(&[handshakes(target, neutral), vec![connected, control]].concat())
    };
    let reset = Some("connection_reset");
    for neutral in ["...", "xxx", "!!!"] {
        is(&judge("xxx", neutral, reset), State::Down, "sni.down", "");
    }
    is(&judge("...", "...", reset), State::Ok, "sni.passes", "");
    let said = judge("xxx", "...", None);
    is(&said, State::LikelyBlocked, "sni.filtered", "tls.reset.sni");
    assert_eq!(said.overall.rules[1].rule, "sni.elsewhere");
    let refused = judge("!!!", "...", None);
    is(&refused, State::Insufficient, "sni.refused", "below_floor");
    let unsteady = judge("x.x", "...", reset);
    is(
        &unsteady,
        State::Insufficient,
        "sni.unsteady",
        "below_floor",
    );
}

/// A pair of transfers per entry: kilobytes within a second under the target's name and the neutral
/// one.
fn transfers(pairs: &[(i64, i64)]) -> Vec<Observation> {
    let one = |name: &str, round: usize, kilobytes: i64| {
        let detail = json!({
            "presented": name, "round": round, "status": 200, "body_bytes": kilobytes * 1_000,
        });
        step("http_request", None, detail)
    };
    let pairs = pairs.iter().enumerate();
    pairs
        .flat_map(|(round, (target, neutral))| {
            [
                one("target", round, *target),
                one("neutral", round, *neutral),
            ]
        })
        .collect()
}

#[test]
fn a_name_is_throttled_only_where_the_whole_interval_is_slow() {
    let judge = |pairs: &[(i64, i64)]| throttling::judge(&transfers(pairs));
    let slow = judge(&[(60, 200); 9]);
    is(&slow, State::Impaired, "throttling.slower", "throttle");
    assert_eq!(slow.effect.unwrap()["median_ppm"], 300_000);
    is(&judge(&[(200, 200); 9]), State::Ok, "throttling.alike", "");
    is(&judge(&[(200, 100); 9]), State::Ok, "throttling.alike", "");
    let mut once_fast = [(60, 200); 7];
    once_fast[3] = (200, 200);
    for (pairs, rule) in [
        (&once_fast[..], "throttling.unclear"),
        (&[(130, 200); 9][..], "throttling.unclear"),
        // The first pair is not counted.
        (&[(60, 200); 6][..], "throttling.too_few"),
        // So little comes in one round trip that it has no rate.
        (&[(10, 40); 9][..], "throttling.too_few"),
        (&[][..], "throttling.too_few"),
    ] {
        is(&judge(pairs), State::Insufficient, rule, "below_floor");
    }
}

/// Initials, one per letter and round: `.` answered, `-` silence; and the page over TCP, with or
/// without an offer of HTTP/3.
fn initials(target: &str, neutral: &str, offers: bool) -> Vec<Observation> {
    let of = |name: &str, letters: &str| -> Vec<Observation> {
        let one = |letter| {
            let failure = (letter == '-').then_some(Failure::GenericTimeout);
            step("quic_initial", failure, json!({ "presented": name }))
        };
        letters.chars().map(one).collect()
    };
    let names: &[&str] = if offers { &["Alt-Svc"] } else { &["server"] };
    let page = step("http_request", None, json!({ "header_names": names }));
    [vec![page], of("target", target), of("neutral", neutral)].concat()
}

/// Handshakes with the extension and without: `NAME ECH LETTERS` as [`handshakes`] has them.
fn hellos(kinds: &[(&str, &str, &str)]) -> Vec<Observation> {
    let of = |(name, ech, letters): &(&str, &str, &str)| {
        let mut seen = handshakes(letters, "");
        for one in &mut seen {
            one.subject = Some(name.to_string());
            let name = name.split(' ').next().unwrap();
            one.detail.insert("presented".to_owned(), json!(name));
            one.detail.insert("ech".to_owned(), json!(ech));
        }
        seen
    };
    kinds.iter().flat_map(of).collect()
}

#[test]
fn the_extension_is_filtered_only_where_the_server_alone_is_not_the_reason() {
    let insufficient = State::Insufficient;
    let judge = |plain, with, neutral, witnesses: &[(&str, &str)]| {
        let mut kinds = vec![
            ("target", "absent", plain),
            ("target", "grease", with),
            ("neutral", "grease", neutral),
        ];
        for (place, (without, with)) in ["witness 1", "witness 2"].iter().zip(witnesses) {
            kinds.extend([(*place, "absent", *without), (*place, "grease", *with)]);
        }
        ech::judge(&hellos(&kinds))
    };
    let filtered = |said: &Said| is(said, State::LikelyBlocked, "ech.filtered", "tls.ech");
    for neutral in ["...", "???", "!!!"] {
        filtered(&judge("...", "xxx", neutral, &[]));
        filtered(&judge("...", "---", neutral, &[]));
    }
    filtered(&judge("...", "xxx", "xxx", &[("..", "xx")]));
    filtered(&judge("...", "---", "---", &[("..", "--"), ("--", "--")]));
    is(
        &judge("...", "...", "xxx", &[]),
        State::Ok,
        "ech.passes",
        "",
    );
    for witnesses in [
        &[("..", "..")][..],
        &[("..", "xx"), ("..", "..")],
        &[("..", "--")],
    ] {
        let said = judge("...", "xxx", "xxx", witnesses);
        is(&said, insufficient, "ech.here", "below_floor");
    }
    for witnesses in [&[][..], &[("xx", "xx")], &[("..", "x.")], &[(".", "x")]] {
        let said = judge("...", "xxx", "xxx", witnesses);
        is(&said, insufficient, "ech.unwitnessed", "no_control");
    }
    for with in ["!!!", "???"] {
        let said = judge("...", with, "...", &[]);
        is(&said, insufficient, "ech.answered", "below_floor");
    }
    for plain in ["xxx", "---", "!!!", "???"] {
        let said = judge(plain, "xxx", "...", &[]);
        is(&said, insufficient, "ech.alike", "below_floor");
    }
    for (plain, with) in [("x..", "xxx"), ("...", "x.x"), (".", "x"), ("", "xxx")] {
        let said = judge(plain, with, "...", &[]);
        is(&said, insufficient, "ech.unsteady", "below_floor");
    }
}

#[test]
fn quic_is_filtered_by_name_or_dropped_only_where_something_says_that_it_would_answer() {
    let judge = |target, neutral, offers| quic::judge(&initials(target, neutral, offers));
    let (likely, insufficient) = (State::LikelyBlocked, State::Insufficient);
    is(
        &judge("---", "...", false),
        likely,
        "quic.filtered",
        "quic.sni",
    );
    is(
        &judge("---", "---", true),
        State::Impaired,
        "quic.dropped",
        "quic.dropped",
    );
    is(
        &judge("---", "---", false),
        insufficient,
        "quic.silent",
        "no_control",
    );
    is(&judge("...", "---", true), State::Ok, "quic.answered", "");
    for (target, neutral) in [("-.-", "..."), ("---", ".-."), ("-", "."), ("", "")] {
        let said = judge(target, neutral, true);
        is(&said, insufficient, "quic.unsteady", "below_floor");
    }
}

#[test]
fn silence_over_quic_is_held_against_what_controls_came_to_at_the_same_address() {
    let peer = "192.0.2.1:443";
    let judge = |target, neutral, offers, answers: &[Option<bool>]| {
        let mut seen = initials(target, neutral, offers);
        for one in &mut seen {
            one.subject = Some(peer.to_owned());
        }
        let controls = answers.iter().map(|answered| {
            let failure = (*answered == Some(false)).then_some("generic_timeout_error");
            let said = json!({ peer: { "status": failure.is_none(), "failure": failure } });
            let answer = answered.map_or(json!({}), |_| json!({ "quic_handshake": said }));
            step("control", None, json!({ "answer": answer.to_string() }))
        });
        quic::judge(&[seen, controls.collect()].concat())
    };
    let (yes, no, not_offered) = (Some(true), Some(false), None);
    let down = |said: &Said| is(said, State::Down, "quic.down", "");
    for (neutral, offers) in [("---", false), ("---", true), ("...", false)] {
        down(&judge("---", neutral, offers, &[no]));
        down(&judge("---", neutral, offers, &[no, not_offered]));
    }
    for answers in [&[yes][..], &[yes, no], &[yes, not_offered]] {
        let said = judge("---", "---", false, answers);
        is(&said, State::Impaired, "quic.dropped", "quic.dropped");
        assert_eq!(said.overall.rules[1].rule, "quic.elsewhere");
        let said = judge("---", "...", false, answers);
        is(&said, State::LikelyBlocked, "quic.filtered", "quic.sni");
    }
    let said = judge("---", "---", false, &[not_offered]);
    is(&said, State::Insufficient, "quic.silent", "no_control");
    is(
        &judge("...", "...", false, &[no]),
        State::Ok,
        "quic.answered",
        "",
    );
    let said = judge("-.-", "...", false, &[no]);
    is(&said, State::Insufficient, "quic.unsteady", "below_floor");
}

#[test]
fn whatever_speaks_against_a_visit_speaks_against_a_probe() {
    assert_eq!(invalid_by(&RunFacts::default()), None);
    let at = || Some("/observations/0".to_owned());
    let runs = [
        RunFacts {
            tunnelled: at(),
            ..RunFacts::default()
        },
        RunFacts {
            clock_off: at(),
            ..RunFacts::default()
        },
        RunFacts {
            never_left: at(),
            ..RunFacts::default()
        },
        RunFacts {
            portal: at(),
            ..RunFacts::default()
        },
        RunFacts {
            known_good_failed: at().into_iter().collect(),
            ..RunFacts::default()
        },
    ];
    for run in runs {
        let said = invalid_by(&run).unwrap();
        is(
            &said,
            State::Insufficient,
            "probe.invalid_run",
            "invalid_run",
        );
        assert_eq!(said.overall.rules[0].observations, ["/observations/0"]);
    }
}

#[test]
fn the_documentation_lists_every_rule() {
    let page = include_str!("../../../../docs/openness.md");
    for rule in RULES.iter().copied().flatten() {
        let row = format!("| `{}` | {} | {} |", rule.id, rule.version, rule.about);
        assert!(page.contains(&row), "docs/openness.md lacks\n{row}");
    }
    let ids: BTreeSet<&str> = RULES
        .iter()
        .copied()
        .flatten()
        .map(|rule| rule.id)
        .collect();
    assert_eq!(ids.len(), RULES.iter().copied().flatten().count());
}

fn any_step() -> impl Strategy<Value = Observation> {
    let operation = prop::sample::select(vec![
        "tls_handshake",
        "connect",
        "http_request",
        "quic_initial",
        "resolve",
        "service",
    ]);
    let failure = prop::sample::select(vec![
        None,
        Some(Failure::ConnectionReset),
        Some(Failure::GenericTimeout),
        Some(Failure::SslInvalidHostname),
    ]);
    let name = prop::sample::select(vec![
        json!("target"),
        json!("neutral"),
        json!("witness"),
        json!("x"),
        json!(7),
    ]);
    let ech = prop::sample::select(vec![json!("grease"), json!("absent"), json!(1)]);
    let number = prop::sample::select(vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(i64::MAX),
        json!([]),
    ]);
    (operation, failure, name, ech, number.clone(), number).prop_map(
        |(operation, failure, name, ech, round, bytes)| {
            let detail = json!({
                "presented": name, "ech": ech, "round": round, "body_bytes": bytes, "status": 200,
                "group": "a", "chain_sha256": ["aa"],
            });
            step(operation, failure, detail)
        },
    )
}

proptest! {
    #[test]
    fn anything_recorded_is_judged_and_evidence_is_named(steps in prop::collection::vec(any_step(), 0..30)) {
        for probe in PROBES {
            let said = (probe.judge)(&steps);
            for fired in &said.overall.rules {
                for pointer in &fired.observations {
                    let place = pointer.strip_prefix("/observations/").unwrap();
                    let index: usize = place.split('/').next().unwrap().parse().unwrap();
                    prop_assert!(index < steps.len());
                }
                prop_assert!(!said.overall.state.is_blocking() || !fired.observations.is_empty());
            }
        }
    }

    #[test]
    fn an_unrelated_step_changes_nothing(steps in prop::collection::vec(any_step(), 0..20)) {
        let mut more = steps.clone();
        more.push(step("known_good", None, json!({})));
        for probe in PROBES {
            prop_assert_eq!(words(&(probe.judge)(&steps)), words(&(probe.judge)(&more)));
        }
    }
}
