//! The rules one by one: what fires them, and the innocent neighbours that do not.
mod notes;
mod properties;

use super::*;
use crate::analysis::probes::tests::step;
use serde_json::json;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::State;

const TRUE: &str = "203.0.113.9";
const FALSE: &str = "198.51.100.80";

/// A sinkhole that is known.
const SINKHOLE: &str = "36.37.242.94";

/// The verdict on these steps.
fn judge(observations: &[Observation]) -> Said {
    super::judge(observations, &|address| address == SINKHOLE)
}

/// What a server answers to a question, in every round: an address, or a failure by its name.
fn answers(asked: &str, which: i64, question: &str, said: &str) -> Vec<Observation> {
    (0..3)
        .map(|round| once(asked, which, question, (round, said)))
        .collect()
}

fn once(asked: &str, which: i64, question: &str, (round, said): (i64, &str)) -> Observation {
    let resolver = match asked {
        "configured" => format!("203.0.113.{which}"),
        "silent" => format!("203.0.113.20{which}"),
        _ => format!("9.9.9.{which}"),
    };
    let mut detail = json!({
        "asked": asked, "which": which, "question": question, "round": round,
        "query_type": "A", "resolver": resolver,
    });
    let is_address = said.parse::<std::net::IpAddr>().is_ok();
    if is_address {
        detail["addresses"] = json!([said]);
        detail["rcode"] = json!(0);
    }
    if matches!(
        said,
        "dns_nxdomain_error" | "dns_servfail_error" | "dns_no_answer"
    ) {
        detail["rcode"] = json!(3);
    }
    let failure = (!is_address).then(|| Failure::from_name(said));
    step("resolve", failure, detail)
}

/// A handshake with an address: under its certificate, or with this failure.
fn shows(address: &str, failure: Option<Failure>) -> Observation {
    let detail = json!({ "asked": "answered", "which": 0, "question": "target", "round": 0 });
    let mut seen = step("tls_handshake", failure, detail);
    seen.subject = Some(format!("{address}:443"));
    seen
}

fn proofs() -> Vec<Observation> {
    vec![
        shows(TRUE, None),
        shows(FALSE, Some(Failure::SslUnknownAuthority)),
    ]
}

/// The device's resolver and two public ones say this of the target.
fn line(own: &str, first: &str, second: &str) -> Vec<Observation> {
    [
        answers("configured", 0, "target", own),
        answers("public", 0, "target", first),
        answers("public", 1, "target", second),
        proofs(),
    ]
    .concat()
}

fn with(mut line: Vec<Observation>, more: &[Vec<Observation>]) -> Vec<Observation> {
    line.extend(more.iter().flatten().cloned());
    line
}

/// State, rules without their family, and mechanism or reason.
fn words(observations: &[Observation]) -> (State, Vec<String>, String) {
    let verdict = judge(observations).overall;
    let rules = verdict.rules.iter().map(|fired| {
        let id = fired.rule.strip_prefix("dns_integrity.");
        id.expect("rules of one family").to_owned()
    });
    let why = verdict.mechanism.map(|one| one.to_string());
    let why = why.or(verdict.reason.map(|one| one.to_string()));
    (verdict.state, rules.collect(), why.unwrap_or_default())
}

fn is(observations: &[Observation], state: State, rules: &[&str], why: &str) {
    let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
    assert_eq!(words(observations), (state, rules, why.to_owned()));
}

const OK: State = State::Ok;
const LIKELY: State = State::LikelyBlocked;
const NOTHING: State = State::Insufficient;

#[test]
fn a_certified_answer_of_the_devices_resolver_is_fine() {
    is(&line(TRUE, TRUE, TRUE), OK, &["certificate"], "");
    is(&[], NOTHING, &["unproved"], "no_control");
}

#[test]
fn false_addresses_and_denials_count_where_they_come_each_time_and_another_is_certified() {
    let forged = "dns.injection.other";
    is(&line(FALSE, TRUE, TRUE), LIKELY, &["forged"], forged);
    let denied = line("dns_nxdomain_error", TRUE, TRUE);
    is(&denied, LIKELY, &["denied"], "dns.nxdomain");
    let flapping = [
        vec![
            once("configured", 0, "target", (0, "dns_nxdomain_error")),
            once("configured", 0, "target", (1, "dns_no_answer")),
        ],
        answers("public", 0, "target", TRUE),
        proofs(),
    ];
    is(&flapping.concat(), LIKELY, &["denied"], "dns.nxdomain");
    let mut bogon = line("10.10.10.1", TRUE, TRUE);
    for seen in &mut bogon[..3] {
        seen.failure = Some(Failure::DnsBogon);
    }
    is(&bogon, State::Blocked, &["forged"], "dns.injection.bogon");
}

#[test]
fn a_known_sinkhole_needs_no_look_and_is_an_artefact() {
    let known = line(SINKHOLE, TRUE, TRUE);
    is(
        &known,
        State::Blocked,
        &["forged"],
        "dns.injection.blockpage",
    );
    let mut certified = known.clone();
    certified.push(shows(SINKHOLE, None));
    is(&certified, OK, &["certificate"], "");
}

#[test]
fn silence_and_server_failure_are_no_denial() {
    for said in ["generic_timeout_error", "dns_servfail_error"] {
        is(
            &line(said, TRUE, TRUE),
            NOTHING,
            &["unclear"],
            "below_floor",
        );
    }
}

#[test]
fn one_false_answer_among_others_is_chance() {
    let once_false = [
        vec![
            once("configured", 0, "target", (0, FALSE)),
            once("configured", 0, "target", (1, TRUE)),
        ],
        proofs(),
    ];
    is(&once_false.concat(), OK, &["certificate"], "");
    let single = [
        vec![once("configured", 0, "target", (0, FALSE))],
        answers("public", 0, "target", TRUE),
        proofs(),
    ];
    is(&single.concat(), NOTHING, &["unclear"], "below_floor");
}

#[test]
fn an_address_beside_the_true_one_that_does_not_answer_is_no_forgery() {
    let near = "203.0.113.77";
    let mut observations = line(near, TRUE, TRUE);
    observations.push(shows(near, Some(Failure::GenericTimeout)));
    is(&observations, NOTHING, &["unclear"], "below_floor");
    let far = "192.0.2.80";
    let mut observations = line(far, TRUE, TRUE);
    observations.push(shows(far, Some(Failure::GenericTimeout)));
    is(&observations, LIKELY, &["forged"], "dns.injection.other");
}

#[test]
fn an_address_that_is_given_in_private_too_is_the_sites_though_it_does_not_answer() {
    let far = "192.0.2.80";
    let silent = shows(far, Some(Failure::GenericTimeout));
    let in_private = answers("doh", 0, "target", far);
    let observations = with(line(far, TRUE, TRUE), &[vec![silent], in_private]);
    is(&observations, NOTHING, &["unclear"], "below_floor");
}

#[test]
fn a_router_that_asks_one_public_resolver_has_that_ones_policy() {
    let from = |asked: &str, which: i64| {
        let detail = json!({
            "asked": asked, "which": which, "question": "identity", "round": 0,
            "addresses": ["9.9.9.0"],
        });
        vec![step("resolver_identity", None, detail)]
    };
    let denied = line("dns_nxdomain_error", "dns_nxdomain_error", TRUE);
    let hands_on = with(denied, &[from("configured", 0), from("public", 0)]);
    let rules = ["unclear", "public_differs"];
    is(&hands_on, NOTHING, &rules, "below_floor");
    // Two of them at once are somebody who answers for both.
    let rules = ["denied", "proxied", "public_differs"];
    is(
        &with(hands_on, &[from("public", 1)]),
        LIKELY,
        &rules,
        "dns.nxdomain",
    );
}

#[test]
fn without_any_certified_address_nothing_is_known() {
    let mut observations = line(FALSE, TRUE, "dns_nxdomain_error");
    observations.retain(|seen| seen.operation == "resolve");
    observations.push(shows(TRUE, Some(Failure::ConnectionReset)));
    is(&observations, NOTHING, &["unproved"], "no_control");
}

#[test]
fn an_answer_where_no_resolver_is_is_an_injection_only_by_name() {
    let silent = |target, neutral| {
        [
            answers("silent", 0, "target", target),
            answers("silent", 0, "neutral", neutral),
        ]
        .concat()
    };
    let none = "generic_timeout_error";
    let fine = || line(TRUE, TRUE, TRUE);
    let judged = |target, neutral| with(fine(), &[silent(target, neutral)]);
    is(
        &judged(FALSE, none),
        LIKELY,
        &["injected"],
        "dns.injection.other",
    );
    is(
        &judged("dns_nxdomain_error", none),
        LIKELY,
        &["injected"],
        "dns.nxdomain",
    );
    is(&judged(none, none), OK, &["certificate"], "");
    is(
        &judged(none, "connection_refused"),
        OK,
        &["certificate"],
        "",
    );
    is(
        &judged("dns_servfail_error", none),
        OK,
        &["certificate"],
        "",
    );
    // A truth that somebody else tells is not held against him.
    is(&judged(TRUE, none), OK, &["certificate"], "");
    is(
        &judged(TRUE, "192.0.2.1"),
        OK,
        &["certificate", "proxied"],
        "",
    );
    let unsent = vec![once("silent", 0, "target", (0, FALSE)); 1];
    is(&with(fine(), &[unsent]), OK, &["certificate"], "");
}

#[test]
fn a_race_is_two_answers_of_which_one_proves_itself() {
    let raced = |first: &str, late: &str, rounds: i64| -> Vec<Observation> {
        let one = |round| {
            let mut seen = once("public", 0, "target", (round, first));
            seen.detail.insert("late_rcode".to_owned(), json!([0]));
            seen.detail
                .insert("late_addresses".to_owned(), json!([late]));
            seen
        };
        let public = (0..rounds).map(one).collect();
        [answers("configured", 0, "target", TRUE), public, proofs()].concat()
    };
    let why = "dns.injection.other";
    assert_eq!(words(&raced(FALSE, TRUE, 3)).1[0], "raced");
    assert_eq!(words(&raced(FALSE, TRUE, 3)).2, why);
    is(&raced(TRUE, FALSE, 3), LIKELY, &["raced"], why);
    is(&raced(TRUE, TRUE, 3), OK, &["certificate"], "");
    is(&raced(TRUE, FALSE, 1), OK, &["certificate"], "");
}

#[test]
fn a_public_resolver_is_held_against_itself_over_tls_and_else_against_nobody() {
    let both_false = || line(TRUE, FALSE, FALSE);
    is(
        &both_false(),
        NOTHING,
        &["elsewhere", "public_differs"],
        "below_floor",
    );
    is(
        &line(TRUE, FALSE, TRUE),
        OK,
        &["certificate", "public_differs"],
        "",
    );
    let over_tls = answers("dot", 0, "target", TRUE);
    let rules = ["tampered", "public_differs"];
    is(
        &with(both_false(), &[over_tls]),
        LIKELY,
        &rules,
        "dns.injection.other",
    );
    // The same resolver says the same over TLS: it is its own policy.
    let same = answers("dot", 0, "target", FALSE);
    is(
        &with(line(TRUE, FALSE, TRUE), &[same]),
        OK,
        &["certificate", "public_differs"],
        "",
    );
}

#[test]
fn a_proxy_that_lies_answers_for_the_network() {
    let proxy = [
        answers("silent", 0, "neutral", "192.0.2.1"),
        answers("silent", 0, "target", FALSE),
        answers("doh", 0, "target", TRUE),
    ];
    let mut lying = with(line(FALSE, FALSE, FALSE), &proxy);
    for seen in &mut lying {
        if seen.detail["asked"] == json!("configured") {
            seen.detail.insert("known_public".to_owned(), json!(true));
        }
    }
    let rules = ["forged", "proxied", "public_differs"];
    is(&lying, LIKELY, &rules, "dns.injection.other");
}
