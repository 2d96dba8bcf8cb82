//! Properties of the Tonle layer: what a verdict does not depend on.
use super::tests::{in_words, judged, layers};
use super::verdict;
use crate::analysis::web::fingerprints::tests::shipped;
use crate::analysis::web::ooni::tests::facts;
use crate::analysis::web::scenarios;
use proptest::prelude::*;
use serde_json::{Value, json};
use tonle_evidence::verdict::PageVerdict;

/// What of a verdict must not depend on where observations stand.
fn essence(verdict: &PageVerdict) -> Vec<(String, String, Vec<String>)> {
    let all = layers(verdict).into_iter().chain([&verdict.overall]);
    all.map(|one| {
        let (state, why) = in_words(one);
        (
            state,
            why,
            one.rules.iter().map(|fired| fired.rule.clone()).collect(),
        )
    })
    .collect()
}

fn shuffled(list: &mut Value, seed: u64) {
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let mut state = seed;
    for place in (1..list.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        list.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_observations_does_not_matter(row in 0..34_usize, seed in any::<u64>()) {
        let name = scenarios::expected()[row].name;
        let mut json = scenarios::measurement(name).json();
        let before = verdict(&facts(&json), &shipped());
        for list in ["queries", "tcp_connect", "tls_handshakes", "requests"] {
            shuffled(&mut json["test_keys"][list], seed);
        }
        let after = verdict(&facts(&json), &shipped());
        prop_assert_eq!(essence(&before), essence(&after), "{}", name);
    }

    #[test]
    fn an_observation_of_something_else_changes_nothing(row in 0..34_usize) {
        let name = scenarios::expected()[row].name;
        let build = scenarios::measurement(name);
        let before = judged(&build);
        let mut with = build.json();
        let keys = &mut with["test_keys"];
        keys["queries"].as_array_mut().unwrap().push(json!({
            "engine": "getaddrinfo", "hostname": "other.example", "query_type": "ANY",
            "failure": "dns_nxdomain_error", "tags": ["depth=0"], "transaction_id": 99,
        }));
        keys["tls_handshakes"].as_array_mut().unwrap().push(json!({
            "network": "udp", "address": "192.88.99.1:443", "server_name": "other.example",
            "failure": "connection_reset", "tags": ["depth=0"], "transaction_id": 98,
        }));
        let after = verdict(&facts(&with), &shipped());
        prop_assert_eq!(essence(&before), essence(&after), "{}", name);
    }
}
