//! The `path` experiment against loopback, and what it writes of a hop.
use super::*;
use crate::loopback::{measure, net, resolver, steps};

const ROUTER: [u8; 4] = [1, 1, 1, 1];

fn hop(ttl: u8, answers: &[([u8; 4], i64)]) -> Hop {
    let answer = |(from, rtt_us): &([u8; 4], i64)| Answer {
        from: (*from).into(),
        rtt_us: *rtt_us,
        by_kernel: true,
        verdict: Verdict::TtlEnd,
    };
    Hop {
        ttl,
        sent_us: 7,
        probes: 3,
        answers: answers.iter().map(answer).collect(),
    }
}

fn written(hop: &Hop) -> tonle_evidence::observation::Observation {
    let run = crate::loopback::run_with(net());
    record_hop(&run, Method::Udp, hop, &mut Veil::new(Vec::new()));
    run.take().observations.remove(0)
}

#[tokio::test]
async fn the_first_hop_is_hidden_even_when_it_is_the_target() {
    let mut net = net();
    net.resolvers = vec![resolver(&["127.0.0.1"])];
    let recorded = measure(&Path, net, "host.example").await.unwrap();
    let (hop, path) = (&recorded.observations[2], &recorded.observations[3]);
    assert_eq!(hop.operation, "trace_hop");
    assert_eq!(hop.subject, None);
    assert_eq!(hop.detail.len(), 3, "{hop:?}");
    assert_eq!(hop.detail["hidden"], true);
    assert_eq!((path.operation.as_str(), &path.failure), ("path", &None));
    assert_eq!(path.detail["end"], "reached");
    assert_eq!(path.detail["hops"], 1);
    assert_eq!(recorded.observations.len(), 4, "one method was enough");
    assert!(recorded.samples.is_empty());
}

#[test]
fn a_hidden_hop_tells_its_ttl_and_no_time() {
    let seen = written(&hop(2, &[([192, 168, 1, 1], 900)]));
    assert_eq!((seen.t_start_us, seen.t_end_us), (7, 7));
    assert_eq!((seen.subject, seen.failure), (None, None));
    let keys: Vec<&str> = seen.detail.keys().map(String::as_str).collect();
    assert_eq!(keys, ["hidden", "method", "ttl"]);
}

#[test]
fn a_router_is_written_with_its_round_trips_and_those_beside_it() {
    let seen = written(&hop(
        5,
        &[(ROUTER, 900), ([8, 8, 8, 8], 950), (ROUTER, 901)],
    ));
    assert_eq!(seen.subject.as_deref(), Some("1.1.1.1"));
    assert_eq!(seen.detail["rtts_us"], serde_json::json!([900, 950, 901]));
    assert_eq!(seen.detail["others"], serde_json::json!(["8.8.8.8"]));
    assert_eq!(seen.duration_us(), 950);
    let mixed = written(&hop(5, &[([10, 0, 0, 1], 1), (ROUTER, 900)]));
    assert_eq!(mixed.detail["rtts_us"], serde_json::json!([900]));
    assert!(!format!("{mixed:?}").contains("10.0.0.1"));
}

#[test]
fn a_silent_hop_is_a_timeout() {
    let seen = written(&hop(5, &[]));
    assert_eq!(seen.failure, Some(Failure::GenericTimeout));
    assert_eq!(seen.detail["probes"], 3);
}

#[tokio::test]
async fn a_url_and_a_special_address_are_no_targets() {
    let mut strict = net();
    strict.allow_loopback = false;
    for value in ["https://site.example/", "", "127.0.0.1", "192.168.1.1"] {
        let refused = measure(&Path, strict.clone(), value).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}

#[tokio::test]
async fn a_name_without_address_ends_with_what_the_resolver_said() {
    let mut net = net();
    net.resolvers = vec![resolver(&[])];
    let recorded = measure(&Path, net, "host.example").await.unwrap();
    let nxdomain = Some("dns_nxdomain_error".to_owned());
    assert_eq!(steps(&recorded), vec![("resolve".to_owned(), nxdomain); 2]);
}
