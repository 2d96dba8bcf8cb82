//! What holds whatever is recorded.
use super::*;
use proptest::prelude::*;

fn any_step() -> impl Strategy<Value = Observation> {
    let asked = prop::sample::select(vec!["configured", "public", "silent", "dot", "doh", "x"]);
    let question = prop::sample::select(vec![
        "target", "neutral", "absent", "no_data", "signed", "bogus", "server",
    ]);
    let said = prop::sample::select(vec![
        TRUE,
        FALSE,
        "dns_nxdomain_error",
        "dns_servfail_error",
        "generic_timeout_error",
    ]);
    let late = prop::sample::select(vec![json!([]), json!([TRUE]), json!([7]), json!("x")]);
    (asked, 0..2_i64, question, 0..3_i64, said, late).prop_map(
        |(asked, which, question, round, said, late)| {
            let mut seen = once(asked, which, question, (round, said));
            seen.detail.insert("late_addresses".to_owned(), late);
            seen.detail
                .insert("late_rcode".to_owned(), json!([0, 3, -1]));
            seen
        },
    )
}

fn any_proof() -> impl Strategy<Value = Observation> {
    let failure = prop::sample::select(vec![None, Some(Failure::GenericTimeout)]);
    let address = prop::sample::select(vec![TRUE, FALSE, "no address"]);
    (address, failure).prop_map(|(address, failure)| shows(address, failure))
}

proptest! {
    #[test]
    fn whatever_is_recorded_is_judged_and_interference_names_its_evidence(
        steps in prop::collection::vec(prop_oneof![any_step(), any_proof()], 0..60),
    ) {
        let verdict = judge(&steps).overall;
        for fired in &verdict.rules {
            for pointer in &fired.observations {
                let index: usize = pointer.strip_prefix("/observations/").unwrap().parse().unwrap();
                prop_assert!(index < steps.len());
            }
        }
        prop_assert!(!verdict.state.is_blocking() || !verdict.rules[0].observations.is_empty());
    }

    #[test]
    fn the_order_of_steps_changes_no_state(
        steps in prop::collection::vec(prop_oneof![any_step(), any_proof()], 0..40),
    ) {
        let mut reversed = steps.clone();
        reversed.reverse();
        let (state, rules, _) = words(&steps);
        prop_assert_eq!((state, rules), { let (state, rules, _) = words(&reversed); (state, rules) });
    }
}

/// Addresses that all hold the certificate: a content network that answers everybody differently.
const OF_THE_SITE: [&str; 4] = [TRUE, "192.0.2.5", "198.18.0.5", "100.64.0.5"];
/// One more of the site's, which does not answer.
const UNREACHED: &str = "192.0.2.200";

/// What happens to questions of every kind on a line where nobody meddles.
fn innocent_answer() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        5 => prop::sample::select(OF_THE_SITE.to_vec()),
        1 => Just(UNREACHED),
        1 => Just("dns_servfail_error"),
        1 => Just("generic_timeout_error"),
    ]
}

/// Three rounds of one server.
fn innocent(asked: &'static str, which: i64) -> impl Strategy<Value = Vec<Observation>> {
    prop::collection::vec(innocent_answer(), 3).prop_map(move |said| {
        let rounds = said.into_iter().zip(0..);
        rounds
            .map(|(said, round)| once(asked, which, "target", (round, said)))
            .collect()
    })
}

/// A line without interference: lost and failed questions, a site with many addresses of which one is
/// down, public resolvers that filter by a policy of their own, a proxy that tells the truth, silence
/// where no resolver is.
fn innocent_line() -> impl Strategy<Value = Vec<Observation>> {
    let servers = (
        innocent("configured", 0),
        innocent("public", 0),
        innocent("public", 1),
        innocent("dot", 0),
        innocent("doh", 0),
    );
    let filters = prop::sample::select(vec!["", FALSE, "dns_nxdomain_error"]);
    let silent = prop::sample::select(vec!["generic_timeout_error", TRUE]);
    (servers, filters, silent, any::<bool>()).prop_map(|(servers, filters, silent, is_down)| {
        let (configured, first, second, dot, doh) = servers;
        let first = match filters {
            "" => first,
            policy => answers("public", 0, "target", policy),
        };
        // A policy is the same over TLS.
        let dot = match filters {
            "" => dot,
            policy => answers("dot", 0, "target", policy),
        };
        let at_silent = [
            answers("silent", 0, "target", silent),
            answers("silent", 0, "neutral", silent),
        ];
        // A proxy answers for everybody alike: then there is no policy of others.
        let first = if silent == TRUE {
            second.clone()
        } else {
            first
        };
        let mut all = [configured, first, second, dot, doh, at_silent.concat()].concat();
        all.extend(answers("doh", 1, "target", UNREACHED));
        let proofs = OF_THE_SITE.map(|address| {
            let failure = is_down.then_some(Failure::GenericTimeout);
            shows(address, failure)
        });
        all.extend(proofs);
        all.push(shows(UNREACHED, Some(Failure::GenericTimeout)));
        all.push(shows(FALSE, Some(Failure::SslUnknownAuthority)));
        all
    })
}

/// A line on which questions for the target are answered by a forgery, wherever they go; of three
/// rounds one is lost.
fn guilty_line() -> impl Strategy<Value = Vec<Observation>> {
    let said = prop::sample::select(vec![FALSE, "dns_nxdomain_error", "dns_no_answer"]);
    (said, 0..3_i64).prop_map(|(said, lost)| {
        let forged = |asked: &str, which: i64| -> Vec<Observation> {
            let said = |round| {
                if round == lost {
                    "generic_timeout_error"
                } else {
                    said
                }
            };
            let rounds = 0..3;
            rounds
                .map(|round| once(asked, which, "target", (round, said(round))))
                .collect()
        };
        [
            forged("configured", 0),
            forged("public", 0),
            forged("silent", 0),
            answers("silent", 0, "neutral", "generic_timeout_error"),
            answers("dot", 0, "target", TRUE),
            proofs(),
        ]
        .concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_line_without_interference_is_called_blocked(steps in innocent_line()) {
        let verdict = judge(&steps).overall;
        prop_assert!(!verdict.state.is_blocking(), "{verdict:#?}");
    }

    #[test]
    fn a_forgery_is_found_though_a_round_is_lost(steps in guilty_line()) {
        prop_assert_eq!(words(&steps).0, State::LikelyBlocked);
        let without_silent = steps.iter().filter(|seen| seen.detail["asked"] != json!("silent"));
        let without_silent: Vec<Observation> = without_silent.cloned().collect();
        prop_assert_eq!(words(&without_silent).0, State::LikelyBlocked);
    }
}
