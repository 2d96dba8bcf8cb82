//! The dns experiment against resolvers on loopback.
use super::*;
use crate::loopback::{measure, net, resolver, sample};

#[tokio::test]
async fn every_resolver_is_asked_for_both_families() {
    let mut net = net();
    net.resolvers = vec![
        resolver(&["203.0.113.1"]),
        resolver(&["203.0.113.1", "2606:4700::1"]),
    ];
    let recorded = measure(&Dns, net, "site.example").await.unwrap();
    assert_eq!(recorded.observations.len(), 4);
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.detail["resolver"] == "loopback_resolver")
    );
    // The first has no IPv6 address for the name, which is an answer.
    assert_eq!(sample(&recorded, "dns.failure_ppm/configured"), Some(0));
    assert!(sample(&recorded, "dns.resolution_us/configured").is_some());
    assert_eq!(sample(&recorded, "dns.failure_ppm/public"), None);
}

#[tokio::test]
async fn public_resolvers_are_counted_apart() {
    let mut net = net();
    net.resolvers = vec![resolver(&["203.0.113.1"])];
    // Nobody listens on port 53 of this loopback address.
    net.public_resolvers = vec!["127.77.77.77".parse().unwrap()];
    let recorded = measure(&Dns, net, "site.example").await.unwrap();
    assert_eq!(sample(&recorded, "dns.failure_ppm/configured"), Some(0));
    assert_eq!(sample(&recorded, "dns.failure_ppm/public"), Some(1_000_000));
    assert_eq!(sample(&recorded, "dns.resolution_us/public"), None);
}

#[tokio::test]
async fn a_denied_name_is_a_failure_by_its_name() {
    let mut net = net();
    net.resolvers = vec![resolver(&[])];
    let recorded = measure(&Dns, net, "site.example").await.unwrap();
    assert_eq!(
        sample(&recorded, "dns.failure_ppm/configured"),
        Some(1_000_000)
    );
    assert!(
        recorded
            .observations
            .iter()
            .all(|seen| seen.failure == Some(Failure::DnsNxdomain))
    );
}

#[tokio::test]
async fn what_is_no_name_is_no_target() {
    let mut net = net();
    net.resolvers = vec![resolver(&[])];
    for value in ["1.1.1.1", "a..b", &"x".repeat(64)] {
        let refused = measure(&Dns, net.clone(), value).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}

#[tokio::test]
async fn without_any_resolver_it_does_not_run() {
    let refused = measure(&Dns, net(), "site.example").await;
    assert!(matches!(refused, Err(CannotRun::Missing(_))));
}
