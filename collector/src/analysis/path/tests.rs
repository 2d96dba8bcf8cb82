//! One test per rule of a way's class and exit.
use super::way::Router;
use super::{Atlas, Class, Exit, Leaves, Registered, Sightings, Verdict, Way, exit, judge};
use crate::analysis::exchanges::Exchanges;
use crate::testing::{NOON_US, ground, opened};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{PathClass, Public};

/// Networks of the tests: the operator's own, another of the country by its registration, one that
/// is registered elsewhere, and nobody's.
const OWN: &str = "36.37.0.1";
const OWN_TOO: &str = "36.37.9.1";
const HOME: &str = "203.189.0.1";
const EXCHANGE: &str = "103.7.144.5";
const FOREIGN: &str = "62.1.2.3";
const FOREIGN_TOO: &str = "62.9.9.9";
const UNMAPPED: &str = "11.2.3.4";
const ACCESS: u32 = 38_623;

fn lookup(address: IpAddr) -> Registered {
    let known = |asn, country: &str| Registered {
        asn: Some(asn),
        country: Some(country.to_owned()),
    };
    match address.to_string().split('.').next() {
        Some("36") => known(ACCESS, "KH"),
        Some("203") => known(64_500, "KH"),
        Some("62") => known(64_510, "SG"),
        _ => Registered::default(),
    }
}

fn with_atlas<T>(question: impl FnOnce(&Atlas<'_>) -> T) -> T {
    let exchanges = include_str!("../../../../configs/countries/kh/exchanges.toml");
    let (ground, exchanges) = (ground(), Exchanges::parse(exchanges).unwrap());
    question(&Atlas {
        country: &ground.country,
        exchanges: &exchanges,
        lookup: &lookup,
    })
}

/// A way that reached its target by these routers, each with its round trip, microseconds.
fn way(routers: &[(&str, i64)]) -> Way {
    let router = |(ttl, (address, rtt_us)): (i64, &(&str, i64))| Router {
        ttl,
        address: address.parse().unwrap(),
        rtt_us: *rtt_us,
    };
    Way {
        declared: PathClass::Domestic,
        target: "site.example".into(),
        reached: true,
        routers: (2..).zip(routers).map(router).collect(),
        step: None,
    }
}

fn judged(way: &Way) -> Verdict {
    with_atlas(|atlas| judge(way, &[ACCESS], atlas))
}

fn class_of(routers: &[(&str, i64)]) -> (Class, &'static str) {
    let verdict = judged(&way(routers));
    (verdict.class, verdict.rule)
}

#[test]
fn a_foreign_router_that_is_far_makes_a_way_abroad() {
    let leaving = [(OWN, 5_000), (FOREIGN, 35_000)];
    assert_eq!(class_of(&leaving), (Class::Abroad, "P1"));
    let and_back = [(OWN, 5_000), (FOREIGN, 35_000), (HOME, 70_000)];
    assert_eq!(class_of(&and_back), (Class::Abroad, "P1"));
    let nothing_before = [(FOREIGN, 35_000)];
    assert_eq!(class_of(&nothing_before), (Class::Abroad, "P1"));
}

#[test]
fn a_foreign_networks_router_in_the_next_street_is_not_abroad() {
    let near = [(OWN, 5_000), (FOREIGN, 6_500)];
    assert_eq!(class_of(&near), (Class::Unknown, "P2"));
    // It answers late at leisure: what stands behind it shows that it is near.
    let at_leisure = [(OWN, 5_000), (FOREIGN, 90_000), (FOREIGN_TOO, 7_000)];
    assert_eq!(class_of(&at_leisure), (Class::Unknown, "P2"));
}

#[test]
fn within_the_country_the_networks_on_the_way_decide() {
    assert_eq!(
        class_of(&[(OWN, 5_000), (OWN_TOO, 6_000)]),
        (Class::OnNet, "P7")
    );
    assert_eq!(
        class_of(&[(OWN, 5_000), (HOME, 6_000)]),
        (Class::Domestic, "P8")
    );
    let crossing = [(OWN, 5_000), (EXCHANGE, 5_500), (HOME, 6_000)];
    assert_eq!(class_of(&crossing), (Class::ExchangePoint, "P6"));
    assert_eq!(judged(&way(&crossing)).exchanges, ["cnx"]);
    let passed_over = judged(&way(&[(OWN, 5_000), (UNMAPPED, 5_500), (HOME, 6_000)]));
    assert_eq!(
        (passed_over.class, passed_over.unmapped),
        (Class::Domestic, 1)
    );
}

#[test]
fn what_was_not_heard_is_not_known() {
    assert_eq!(class_of(&[]), (Class::Unknown, "P3"));
    assert_eq!(class_of(&[(UNMAPPED, 5_000)]), (Class::Unknown, "P4"));
    let cut_short = Way {
        reached: false,
        ..way(&[(OWN, 5_000), (HOME, 6_000)])
    };
    assert_eq!(judged(&cut_short).reason, Some("not_reached"));
    let cut_short_abroad = Way {
        reached: false,
        ..way(&[(OWN, 5_000), (FOREIGN, 60_000)])
    };
    assert_eq!(judged(&cut_short_abroad).class, Class::Abroad);
}

#[test]
fn a_class_that_says_the_opposite_of_the_targets_list_is_marked() {
    let abroad = way(&[(OWN, 5_000), (FOREIGN, 35_000)]);
    assert!(judged(&abroad).contradicts_declared);
    let declared_abroad = Way {
        declared: PathClass::Abroad,
        ..abroad
    };
    assert!(!judged(&declared_abroad).contradicts_declared);
    let at_home = Way {
        declared: PathClass::Abroad,
        ..way(&[(OWN, 5_000), (HOME, 6_000)])
    };
    assert!(judged(&at_home).contradicts_declared);
    let unknown = Way {
        declared: PathClass::Abroad,
        ..way(&[])
    };
    assert!(!judged(&unknown).contradicts_declared);
}

#[test]
fn a_way_leaves_between_the_last_router_here_and_the_first_abroad() {
    let exit = |way: &Way| with_atlas(|atlas| exit::of(way, &[ACCESS], atlas));
    let (rule, found) = exit(&way(&[
        (OWN, 5_000),
        (HOME, 6_000),
        (FOREIGN, 35_000),
        (FOREIGN_TOO, 36_000),
    ]))
    .unwrap();
    assert_eq!(rule, "G1");
    assert_eq!(
        (found.before.as_str(), found.after.as_str()),
        ("203.189.0.0/24", "62.1.2.0/24")
    );
    let hidden = exit(&way(&[(FOREIGN, 35_000)])).unwrap().1;
    assert_eq!(hidden.before, "hidden");
    assert_eq!(exit(&way(&[(OWN, 5_000), (HOME, 60_000)])), None);
}

#[test]
fn without_a_table_the_devices_own_step_is_the_exit() {
    let stepped = Way {
        step: Some(super::way::Step {
            before: "11.2.3.0/24".into(),
            after: "11.9.9.0/24".into(),
        }),
        ..way(&[(UNMAPPED, 5_000), ("11.9.9.9", 40_000)])
    };
    let (rule, found) = with_atlas(|atlas| exit::of(&stepped, &[], atlas)).unwrap();
    assert_eq!((rule, found.after.as_str()), ("G2", "11.9.9.0/24"));
}

#[test]
fn the_usual_exit_is_the_one_of_most_agents_not_of_most_ways() {
    let exit = |after: &str| Exit {
        before: "hidden".into(),
        after: after.into(),
    };
    let mut seen = Sightings::default();
    assert_eq!(seen.usual(), None);
    seen.add(&exit("a"), "busy agent");
    assert_eq!(seen.compare(&exit("a")), Leaves::Only);
    seen.add(&exit("a"), "busy agent");
    seen.add(&exit("a"), "busy agent");
    seen.add(&exit("b"), "one");
    seen.add(&exit("b"), "two");
    assert_eq!(seen.usual(), Some((&exit("b"), 2)));
    assert_eq!(seen.compare(&exit("b")), Leaves::Usual);
    assert_eq!(seen.compare(&exit("a")), Leaves::Another);
    assert_eq!(seen.ways(), 5);
}

fn observed(operation: &str, subject: Option<&str>, detail: serde_json::Value) -> Observation {
    let detail: BTreeMap<String, serde_json::Value> = serde_json::from_value(detail).unwrap();
    Observation {
        t_start_us: 0,
        t_end_us: 1,
        operation: operation.into(),
        subject: subject.map(str::to_owned),
        failure: None,
        detail,
    }
}

fn record(observations: Vec<Observation>) -> Public {
    let mut public = opened(NOON_US, 1).public;
    public.method.id = "path".into();
    public.observations = observations;
    public
}

fn hop(method: &str, ttl: i64, router: &str) -> Observation {
    let detail = json!({"method": method, "ttl": ttl, "probes": 3, "rtts_us": [9, 7, 8]});
    observed("trace_hop", Some(router), detail)
}

#[test]
fn a_way_is_read_from_the_method_that_reached_the_target() {
    let silent = Observation {
        failure: Some(Failure::GenericTimeout),
        ..observed(
            "path",
            Some(HOME),
            json!({"method": "udp", "end": "silent"}),
        )
    };
    let hidden = observed(
        "trace_hop",
        None,
        json!({"method": "tcp", "ttl": 1, "hidden": true}),
    );
    let reached = json!({"method": "tcp", "end": "reached", "hops": 3,
        "gateway_before": "hidden", "gateway_after": "36.37.0.0/24", "gateway_step_us": 9});
    let way = Way::of(&record(vec![
        hop("udp", 2, OWN),
        hop("udp", 3, OWN_TOO),
        silent,
        hidden,
        hop("tcp", 3, HOME),
        hop("tcp", 2, OWN),
        observed("path", Some(HOME), reached),
    ]))
    .unwrap();
    assert!(way.reached);
    let seen: Vec<(i64, String, i64)> = way
        .routers
        .iter()
        .map(|router| (router.ttl, router.address.to_string(), router.rtt_us))
        .collect();
    assert_eq!(seen, [(2, OWN.to_owned(), 7), (3, HOME.to_owned(), 7)]);
    assert_eq!(way.step.unwrap().before, "hidden");
}

#[test]
fn a_record_of_another_experiment_has_no_way() {
    assert_eq!(Way::of(&opened(NOON_US, 1).public), None);
    assert_eq!(Way::of(&record(Vec::new())), None);
}

proptest! {
    #[test]
    fn no_way_makes_it_panic_and_a_verdict_always_has_its_rule(
        routers in proptest::collection::vec((0usize..7, -5i64..5_000_000), 0..30),
        reached: bool,
    ) {
        const ALL: [&str; 7] = [OWN, OWN_TOO, HOME, EXCHANGE, FOREIGN, FOREIGN_TOO, UNMAPPED];
        let routers: Vec<(&str, i64)> = routers.iter().map(|(at, rtt_us)| (ALL[*at], *rtt_us)).collect();
        let way = Way { reached, ..way(&routers) };
        let verdict = judged(&way);
        prop_assert_eq!(verdict.class == Class::Unknown, verdict.reason.is_some());
        let exit = with_atlas(|atlas| exit::of(&way, &[ACCESS], atlas));
        prop_assert_eq!(verdict.class == Class::Abroad, exit.is_some());
    }

    #[test]
    fn no_detail_of_a_hop_makes_reading_panic(
        key in "method|ttl|rtts_us|end|gateway_before",
        value in prop_oneof![Just(json!(null)), Just(json!([])), Just(json!({})), any::<i64>().prop_map(|n| json!(n)), ".*".prop_map(|t| json!(t)), Just(json!([null, "x", {}]))],
        subject in prop_oneof![Just(None), ".*".prop_map(Some)],
    ) {
        let mut detail = json!({"method": "udp", "ttl": 2, "rtts_us": [1], "end": "reached"});
        detail[key] = value;
        let way = Way::of(&record(vec![
            observed("trace_hop", subject.as_deref(), detail.clone()),
            observed("path", subject.as_deref(), detail),
        ]));
        if let Some(way) = way {
            judged(&way);
        }
    }
}
