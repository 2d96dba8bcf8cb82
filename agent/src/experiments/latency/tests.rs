//! The latency experiment against loopback.
use super::*;
use crate::loopback::{measure, net, resolver, run_with, sample, steps, target};
use std::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonle_evidence::record::Outcome;

/// Whether the system permits an ICMP socket: as the step itself finds.
fn icmp_permitted() -> bool {
    EchoSocket::open(&net(), "127.0.0.1".parse().unwrap()).is_ok()
}

#[tokio::test]
async fn a_train_is_measured_by_the_packets_that_the_system_permits() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let recorded = measure(&Latency, net(), listener.local_addr().unwrap().to_string())
        .await
        .unwrap();
    let (packet, operation) = if icmp_permitted() {
        ("icmp", "icmp_echo")
    } else {
        ("tcp", "connect")
    };
    assert_eq!(recorded.observations.len(), 10);
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.operation == operation && seen.succeeded())
    );
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.detail.contains_key("probe"))
    );
    assert_eq!(
        sample(&recorded, &format!("latency.loss_ppm/{packet}/domestic")),
        Some(0)
    );
    for base in [
        "rtt_min_us",
        "rtt_median_us",
        "rtt_p95_us",
        "ipdv_mean_abs_us",
        "pdv_p95_us",
    ] {
        assert!(
            sample(&recorded, &format!("latency.{base}/{packet}/domestic")).is_some(),
            "{base}"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_round_trip() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let run = run_with(net());
    let train = connect_train(&run, closed).await;
    assert_eq!((train.sent(), train.answered()), (10, 10));
    let recorded = run.take();
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.failure == Some(Failure::ConnectionRefused))
    );
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.detail["probe"] == "tcp_connect")
    );
}

#[tokio::test]
async fn a_name_is_resolved_first() {
    let mut net = net();
    net.resolvers = vec![resolver(&["127.0.0.1"])];
    let recorded = measure(&Latency, net, "host.example").await.unwrap();
    let operations = steps(&recorded);
    assert_eq!(
        operations
            .iter()
            .filter(|(operation, _)| operation == "resolve")
            .count(),
        2
    );
    assert_eq!(recorded.observations.len(), 12);
}

#[tokio::test]
async fn a_name_without_address_claims_no_loss() {
    let mut net = net();
    net.resolvers = vec![resolver(&[])];
    let recorded = measure(&Latency, net, "host.example").await.unwrap();
    let nxdomain = Some("dns_nxdomain_error".to_owned());
    assert_eq!(steps(&recorded), vec![("resolve".to_owned(), nxdomain); 2]);
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn probes_that_never_left_the_device_are_no_train() {
    let run = run_with(net());
    let train = send(&run, 1, |_| async {
        let mut step = tonle_net::step::Step::start(&run.clock, "connect", "203.0.113.1:443");
        step.fact("sent", false);
        step.fail(Failure::NetworkUnreachable)
    })
    .await;
    assert_eq!(train.sent(), 0);
    assert_eq!(train.loss_ppm(), None);
    assert_eq!(run.take().observations.len(), 1, "the first says it all");
}

#[tokio::test]
async fn a_train_stops_at_the_byte_cap() {
    let run = Run::new(
        net(),
        1_000,
        1,
        CancellationToken::new(),
        std::sync::Arc::new(|_, _| {}),
    );
    let closed = "127.0.0.1:9".parse().unwrap();
    let train = connect_train(&run, closed).await;
    assert_eq!(train.sent(), 2);
    assert!(run.bytes_used() <= 1_000);
    assert_eq!(run.take().outcome, Some(Outcome::Capped));
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_it_saw() {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let progress: crate::experiments::run::Progress = std::sync::Arc::new(move |done, _| {
        if done == 2 {
            stop.cancel();
        }
    });
    let run = Run::new(net(), 100_000, 1, cancel, progress);
    Latency.run(&run, &target("127.0.0.1:9")).await.unwrap();
    let recorded = run.take();
    assert_eq!(recorded.outcome, Some(Outcome::Cancelled));
    assert!((2..10).contains(&recorded.observations.len()));
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_special_address_is_no_target() {
    let mut strict = net();
    strict.allow_loopback = false;
    for value in ["127.0.0.1", "192.168.1.1:80", "[fe80::1]:443"] {
        let refused = measure(&Latency, strict.clone(), value).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}

#[test]
fn targets_are_hosts_with_or_without_port_and_urls() {
    for (value, host, port) in [
        ("mptc.gov.kh", "mptc.gov.kh", 443),
        ("mptc.gov.kh:80", "mptc.gov.kh", 80),
        ("1.1.1.1", "1.1.1.1", 443),
        ("2606:4700::1111", "2606:4700::1111", 443),
        ("[2606:4700::1111]:53", "[2606:4700::1111]", 53),
        ("http://site.example/a", "site.example", 80),
    ] {
        assert_eq!(
            host_and_port(value).unwrap(),
            (host.to_owned(), port),
            "{value}"
        );
    }
    assert!(host_and_port("a host").is_err());
    assert!(host_and_port("").is_err());
}
