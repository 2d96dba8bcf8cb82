//! The experiment against resolvers on loopback that tell the truth, lie, or are not there.
use super::servers::Server;
use super::*;
use crate::loopback::{doh, net, resolver, run_of, run_with, target};
use crate::openness::{Openness, Trials};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::settings::NetSettings;

fn openness() -> Openness {
    Openness {
        neutral_name: "neutral.example".to_owned(),
        whoami: Some("whoami.example".to_owned()),
        trials: Trials {
            no_data: Some("empty.example".to_owned()),
            signed: Some("signed.example".to_owned()),
            bogus: Some("bogus.example".to_owned()),
            ..Trials::default()
        },
        ..Openness::default()
    }
}

fn with_resolver(address: SocketAddr) -> NetSettings {
    NetSettings {
        resolvers: vec![address],
        ..net()
    }
}

fn word<'a>(seen: &'a Observation, key: &str) -> &'a str {
    seen.detail.get(key).and_then(Value::as_str).unwrap_or("")
}

fn of<'a>(seen: &'a [Observation], question: &str) -> Vec<&'a Observation> {
    seen.iter()
        .filter(|one| word(one, "question") == question)
        .collect()
}

async fn measured(run: &Run) -> Vec<Observation> {
    measure(run, &target("site.example:1")).await.unwrap();
    assert!(run.bytes_used() <= run.max_bytes);
    run.take().observations
}

#[tokio::test]
async fn every_question_is_put_in_every_round_and_says_what_it_is() {
    let run = run_with(with_resolver(resolver(&["127.0.0.1"]))).compared_with(openness());
    let seen = measured(&run).await;
    let rounds = ROUNDS as usize;
    for (question, count) in [
        ("neutral", rounds),
        ("absent", rounds),
        ("no_data", rounds),
        ("signed", rounds),
        ("bogus", rounds),
        ("identity", 1),
        ("server", 3),
    ] {
        assert_eq!(of(&seen, question).len(), count, "{question}");
    }
    let asked = |one: &&&Observation| word(one, "asked") == "configured";
    assert_eq!(of(&seen, "target").iter().filter(asked).count(), 2 * rounds);
    let absent = of(&seen, "absent")[0].subject.clone().unwrap();
    assert!(absent.ends_with(".neutral.example"));
    let identity = of(&seen, "identity")[0];
    assert_eq!(identity.operation, "resolver_identity");
    assert_eq!(word(identity, "resolver"), "loopback_resolver");
    let connects = seen.iter().filter(|one| one.operation == "connect");
    assert_eq!(connects.count(), 2, "a refused address is tried twice");
}

#[tokio::test]
async fn who_answers_where_no_resolver_is_asked_is_seen() {
    let meddler = resolver(&["203.0.113.9"]);
    let mut openness = openness();
    openness.trials.silent = vec!["127.0.0.9".parse().unwrap()];
    let run = run_with(with_resolver(meddler)).compared_with(openness);
    let names = Names::of(&run, &target("site.example")).unwrap();
    let trial = Trial {
        run: &run,
        names,
        left_bytes: AtomicU64::new(u64::MAX),
        texts: Mutex::default(),
    };
    let found = silent::find(&trial, &servers::of(&run)).await;
    assert_eq!(found.len(), 1);
    let at_meddler = Server {
        address: meddler,
        ..found[0]
    };
    let answered = silent::ask_all(&trial, &[at_meddler], 0).await;
    assert_eq!(answered, ["203.0.113.9".parse::<IpAddr>().unwrap()]);
    let seen = run.take().observations;
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|one| word(one, "asked") == "silent"));
}

#[tokio::test]
async fn no_address_of_the_home_network_is_asked_whoever_names_it() {
    let strict = NetSettings {
        allow_loopback: false,
        ..with_resolver(resolver(&["192.168.1.1"]))
    };
    let mut openness = openness();
    openness.trials.silent = vec!["192.168.1.9".parse().unwrap(), "127.0.0.9".parse().unwrap()];
    openness.own_servers = vec!["http://10.0.0.1/".parse().unwrap()];
    let run = run_with(strict).compared_with(openness);
    let seen = measured(&run).await;
    assert!(seen.iter().all(|one| word(one, "asked") == "configured"));
    let lies = of(&seen, "target");
    assert!(
        lies.iter()
            .any(|one| one.failure == Some(Failure::DnsBogon))
    );
}

#[tokio::test]
async fn a_server_of_ours_counts_only_where_it_proves_its_name() {
    let mut openness = openness();
    openness.own_servers = vec![
        "https://collector.example:1/".parse().unwrap(),
        "http://collector.example/".parse().unwrap(),
    ];
    let run = run_with(with_resolver(resolver(&["127.0.0.1"]))).compared_with(openness);
    let seen = measured(&run).await;
    let tried = of(&seen, "own_server");
    assert!(tried.iter().any(|one| one.operation == "connect"));
    assert!(tried.iter().all(|one| one.operation != "server_identity"));
    let silent = seen.iter().filter(|one| word(one, "asked") == "silent");
    assert!(
        silent
            .into_iter()
            .all(|one| word(one, "question") == "own_server")
    );
}

#[tokio::test]
async fn encrypted_ways_are_tried_twice_where_they_are_closed_and_once_where_they_are_open() {
    let mut openness = openness();
    openness.doh = vec![doh(&["127.0.0.1"])];
    openness.trials.dot = vec![("127.0.0.1".parse().unwrap(), "dns.example".to_owned())];
    let run = run_with(with_resolver(resolver(&["127.0.0.1"]))).compared_with(openness);
    let seen = measured(&run).await;
    let by = |way: &str| {
        let targets = of(&seen, "target").into_iter();
        targets.filter(|one| word(one, "asked") == way).count()
    };
    assert_eq!(by("doh"), 2);
    assert_eq!(by("dot"), 4);
}

#[tokio::test]
async fn a_run_keeps_to_its_bytes_and_says_so() {
    let net = with_resolver(resolver(&["127.0.0.1"]));
    let run = run_of(net, 5_000).compared_with(openness());
    assert!(!measured(&run).await.is_empty());
    let run = run_of(with_resolver(resolver(&["127.0.0.1"])), 5_000).compared_with(openness());
    measure(&run, &target("site.example")).await.unwrap();
    assert_eq!(run.take().outcome, Some(Outcome::Capped));
}

#[tokio::test]
async fn without_a_resolver_or_a_neutral_name_nothing_is_sent() {
    for (run, _) in [
        (run_with(net()).compared_with(openness()), "resolver"),
        (run_with(with_resolver(resolver(&[]))), "neutral"),
    ] {
        let refused = measure(&run, &target("site.example")).await;
        assert!(matches!(refused, Err(CannotRun::Missing(_))));
        assert!(run.take().observations.is_empty());
    }
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_it_saw() {
    let run = run_with(with_resolver(resolver(&["127.0.0.1"]))).compared_with(openness());
    run.cancel.cancel();
    DnsIntegrity
        .run(&run, &target("site.example"))
        .await
        .unwrap();
    assert_eq!(run.take().outcome, Some(Outcome::Cancelled));
}
