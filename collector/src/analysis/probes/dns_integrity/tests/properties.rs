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

    #[test]
    fn truth_alone_is_never_held_against_anybody(
        said in prop::collection::vec(prop::sample::select(vec![
            TRUE, "dns_servfail_error", "generic_timeout_error", "connection_refused",
        ]), 6..30),
    ) {
        let asked = ["configured", "public", "silent", "dot", "doh"];
        let steps = said.iter().zip(0..).map(|(said, round)| {
            let way = asked[usize::try_from(round).unwrap() % asked.len()];
            once(way, 0, "target", (round, said))
        });
        let steps: Vec<Observation> = steps.chain(proofs()).collect();
        prop_assert!(!judge(&steps).overall.state.is_blocking());
    }
}
