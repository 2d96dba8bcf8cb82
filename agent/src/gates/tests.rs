//! The checks around a run, against servers on loopback.
use super::*;
use crate::loopback::{net, page, redirect, run_with, web, web_tls};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tonle_evidence::failure::Failure;
use tonle_evidence::record::PathClass;

fn config(portal: &str) -> GatesConfig {
    GatesConfig {
        portal_check: Some(portal.to_owned()),
        known_good: Vec::new(),
    }
}

/// A run of one openness experiment that does nothing, with these checks around it.
async fn gated(gates: Arc<Gates>, net: tonle_net::settings::NetSettings) -> Vec<Observation> {
    let mut run = run_with(net);
    run.openness.gates = Some(gates);
    around(&run, std::future::ready(Ok(()))).await.unwrap();
    run.take().observations
}

fn empty() -> String {
    "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
}

#[tokio::test]
async fn a_run_has_a_look_at_the_portal_before_and_after_it() {
    let server = web(|_| empty());
    let gates = Gates::of(&config(&format!("http://{server}/generate_204")), None, &[]);
    let seen = gated(Arc::new(gates), net()).await;
    let whens: Vec<_> = seen.iter().map(|one| one.detail["when"].clone()).collect();
    assert_eq!(whens, ["before", "after"]);
    for one in &seen {
        assert_eq!(
            (one.operation.as_str(), &one.failure),
            (PORTAL_CHECK, &None)
        );
        assert_eq!(one.detail["status"], 204);
        assert!(is_check(one));
    }
}

#[tokio::test]
async fn what_a_portal_answers_is_kept_without_the_query_of_its_redirect() {
    let server = web(|_| redirect("http://portal.example/login?mac=aa:bb:cc:dd:ee:ff"));
    let gates = Gates::of(&config(&format!("http://{server}/generate_204")), None, &[]);
    let seen = gated(Arc::new(gates), net()).await;
    assert_eq!(seen[0].detail["status"], 302);
    let location = seen[0].detail["location"].as_str().unwrap();
    assert!(
        location.starts_with("http://portal.example/login"),
        "{location}"
    );
    assert!(!location.contains("aa:bb"), "{location}");
}

#[tokio::test]
async fn the_look_after_one_run_is_the_one_before_the_next() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let server = web(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        empty()
    });
    let gates = Gates::of(&config(&format!("http://{server}/generate_204")), None, &[]);
    let gates = Arc::new(gates);
    gated(Arc::clone(&gates), net()).await;
    let second = gated(gates, net()).await;
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert!(second[0].detail.contains_key("age_s") && !second[1].detail.contains_key("age_s"));
    assert!(second[0].t_start_us >= 0);
}

#[tokio::test]
async fn a_silent_collector_is_no_portal_and_not_asked_again_at_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let gates = Gates::of(
        &config(&format!("http://{address}/generate_204")),
        None,
        &[],
    );
    let seen = gated(Arc::new(gates), net()).await;
    for one in &seen {
        assert_eq!(one.failure, Some(Failure::ConnectionRefused));
        assert_eq!(one.detail["failed_at"], "connect");
        assert!(!one.detail.contains_key("status"));
    }
    assert!(seen[1].detail.contains_key("age_s"));
}

#[tokio::test]
async fn a_known_site_must_hold_its_own_certificate() {
    let (address, roots) = web_tls("127.0.0.1", |_| page("never asked for"));
    let site = |address| vec![format!("https://{address}/")];
    let config = GatesConfig {
        portal_check: None,
        known_good: site(address),
    };
    let mut trusting = net();
    trusting.roots = roots;
    let good = gated(Arc::new(Gates::of(&config, None, &[])), trusting).await;
    assert_eq!((good.len(), &good[0].failure), (1, &None));
    assert_eq!(good[0].operation, KNOWN_GOOD);
    let bad = gated(Arc::new(Gates::of(&config, None, &[])), net()).await;
    assert_eq!(bad[0].detail["failed_at"], "tls_handshake");
}

#[tokio::test]
async fn a_run_that_did_not_run_has_no_check_after_it() {
    let server = web(|_| empty());
    let gates = Gates::of(&config(&format!("http://{server}/generate_204")), None, &[]);
    let mut run = run_with(net());
    run.openness.gates = Some(Arc::new(gates));
    let refused = Err(CannotRun::Missing("a thing".to_owned()));
    assert!(around(&run, std::future::ready(refused)).await.is_err());
    assert_eq!(run.take().observations.len(), 1);
    assert!(run.observed().is_empty());
}

#[test]
fn the_page_is_the_servers_in_clear_and_none_on_this_machine() {
    let page = |server| portal_page(server).map(String::from);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        page("ws://m.example:8081/ndt7?x=1"),
        some("http://m.example:8081/generate_204")
    );
    assert_eq!(
        page("wss://m.example/"),
        some("http://m.example/generate_204")
    );
    assert_eq!(page("ws://127.0.0.1:8081"), None);
    assert_eq!(page("no url"), None);
}

#[test]
fn only_sites_under_tls_that_are_configured_or_marked_are_asked_and_few() {
    let target = |value: &str, category: &str| Target {
        value: value.to_owned(),
        category: Some(category.to_owned()),
        path_class: PathClass::Abroad,
    };
    let config = GatesConfig {
        portal_check: None,
        known_good: vec!["https://one.example/".to_owned()],
    };
    let listed = [
        target("https://news.example/", "NEWS"),
        target("http://clear.example/", "CTRL"),
        target("https://two.example/", "CTRL"),
        target("https://two.example/", "CTRL"),
        target("https://three.example/", "CTRL"),
        target("https://four.example/", "CTRL"),
    ];
    let gates = Gates::of(&config, None, &listed);
    let hosts: Vec<_> = gates.known_good.iter().filter_map(Url::host_str).collect();
    assert_eq!(hosts, ["one.example", "two.example", "three.example"]);
}
