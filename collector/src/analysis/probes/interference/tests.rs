//! Verdicts on exchanges with the echo: every rule, its innocent neighbours, and what always holds.
use super::super::tests::step;
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::{State, Verdict};

/// Letters of what comes of an exchange: `.` the same, `~` altered, `?` something else, `x` cut off, `-`
/// silence, `b` a busy echo, `c` no connection.
const LETTERS: &str = ".~?x-bc";

fn exchanges(labels: &Value, letters: &str) -> Vec<Observation> {
    let one = |(round, letter): (usize, char)| {
        let (operation, failure, more) = match letter {
            '.' => ("echo", None, json!({"echoed": true, "altered": false})),
            '~' => ("echo", None, json!({"echoed": true, "altered": true})),
            '?' => ("echo", None, json!({"echoed": false, "status": 403})),
            'x' => ("echo", Some(Failure::ConnectionReset), json!({})),
            '-' => ("echo", Some(Failure::GenericTimeout), json!({})),
            'b' => ("echo", None, json!({"busy": true})),
            _ => ("connect", Some(Failure::GenericTimeout), json!({})),
        };
        let mut seen = step(operation, failure, labels.clone());
        seen.detail.insert("round".to_owned(), round.into());
        let more: tonle_evidence::observation::Detail = serde_json::from_value(more).unwrap();
        seen.detail.extend(more);
        seen
    };
    letters.chars().enumerate().map(one).collect()
}

fn record(headers: &str, target: &str, neutral: &str, line: &str) -> Vec<Observation> {
    let host = |presented: &str| json!({"kind": "host", "presented": presented});
    [
        exchanges(&json!({"kind": "headers"}), headers),
        exchanges(&host("target"), target),
        exchanges(&host("neutral"), neutral),
        exchanges(&json!({"kind": "line", "invalid": "method"}), line),
        exchanges(&json!({"kind": "line", "invalid": "version"}), ".."),
    ]
    .concat()
}

fn verdict(headers: &str, target: &str, neutral: &str, line: &str) -> Verdict {
    judge(&record(headers, target, neutral, line)).overall
}

/// State, rules without their common beginning, and mechanism or reason.
fn words(verdict: &Verdict) -> (State, Vec<&str>, String) {
    let rules = verdict.rules.iter();
    let rules = rules.map(|fired| fired.rule.trim_start_matches("interference."));
    let mechanism = verdict.mechanism.map(|one| one.to_string());
    let reason = verdict.reason.map(|one| one.to_string());
    let why = mechanism.or(reason).unwrap_or_default();
    (verdict.state, rules.collect(), why)
}

#[test]
fn every_line_has_its_rule_and_a_proxy_is_never_a_block() {
    let (ok, likely, insufficient) = (State::Ok, State::LikelyBlocked, State::Insufficient);
    let proxied = ["headers_altered", "request_line_answered"];
    for (record, expected) in [
        (("..", "...", "...", ".."), (ok, &["clean"][..], "")),
        (("~~", "...", "...", ".."), (ok, &proxied[..1], "")),
        (("..", "...", "...", "??"), (ok, &proxied[1..], "")),
        (("~~", "~~~", "~~~", "??"), (ok, &proxied[..], "")),
        // Once is chance.
        (("~.", "...", "...", "?."), (ok, &["clean"][..], "")),
        // A line that is cut off or lost answers nothing.
        (("..", "...", "...", "xx"), (ok, &["clean"][..], "")),
        (
            ("..", "xxx", "...", ".."),
            (likely, &["host_filtered"][..], "http.reset"),
        ),
        (
            ("..", "---", "...", ".."),
            (likely, &["host_filtered"][..], "http.timeout"),
        ),
        (
            ("..", "???", "...", ".."),
            (likely, &["host_filtered"][..], "http.other"),
        ),
        (
            ("~~", "xxx", "~~~", ".."),
            (
                likely,
                &["host_filtered", "headers_altered"][..],
                "http.reset",
            ),
        ),
        (
            ("..", "xxx", "xxx", ".."),
            (insufficient, &["host_alike"][..], "below_floor"),
        ),
        (
            ("..", "xx.", "...", ".."),
            (insufficient, &["unsteady"][..], "below_floor"),
        ),
        (
            ("..", "xxx", "..x", ".."),
            (insufficient, &["unsteady"][..], "below_floor"),
        ),
        (
            ("..", "x", "...", ".."),
            (insufficient, &["unsteady"][..], "below_floor"),
        ),
        // A busy echo and a connection that fails say nothing of the name.
        (
            ("..", "bbb", "...", ".."),
            (insufficient, &["host_alike"][..], "below_floor"),
        ),
        (
            ("..", "ccc", "...", ".."),
            (insufficient, &["host_alike"][..], "below_floor"),
        ),
        (
            ("??", "???", "...", "??"),
            (insufficient, &["no_echo"][..], "no_control"),
        ),
        (
            ("", "xxx", "...", ""),
            (insufficient, &["no_echo"][..], "no_control"),
        ),
    ] {
        let (headers, target, neutral, line) = record;
        let verdict = verdict(headers, target, neutral, line);
        let (state, rules, why) = expected;
        assert_eq!(
            words(&verdict),
            (state, rules.to_vec(), why.to_owned()),
            "{record:?}"
        );
    }
}

#[test]
fn the_evidence_of_a_filter_is_what_was_sent_under_names() {
    let verdict = verdict("..", "xxx", "...", "..");
    let expected: Vec<_> = (2..8)
        .map(|index| format!("/observations/{index}"))
        .collect();
    assert_eq!(verdict.rules[0].observations, expected);
}

fn letters(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letter = prop::sample::select(LETTERS.chars().collect::<Vec<_>>());
    prop::collection::vec(letter, count).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn only_a_name_that_never_arrives_beside_one_that_always_does_is_blocked(
        headers in letters(0..3), target in letters(0..4), neutral in letters(0..4), line in letters(0..3),
    ) {
        let verdict = verdict(&headers, &target, &neutral, &line);
        let arrives = |letter: char| letter == '.' || letter == '~';
        if verdict.state == State::LikelyBlocked {
            prop_assert!(target.len() >= 2 && !target.contains(arrives));
            prop_assert!(neutral.len() >= 2 && neutral.chars().all(arrives));
            prop_assert!(headers.contains(arrives));
        }
        if verdict.state == State::Ok {
            prop_assert!(target.chars().all(arrives));
        }
    }
}
