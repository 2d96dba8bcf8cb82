//! The `web_connectivity` experiment against web servers and resolvers on loopback.
use super::*;
use crate::experiments::Recorded;
use crate::loopback::{
    measure, net, page, redirect, resolver, run_with, sample, steps, target, web, web_tls,
};
use tonle_net::settings::NetSettings;

const SETUP: &str = "web.setup_us/domestic";
const NONACCESS: &str = "web.nonaccess_ppm/domestic";

fn resolving_to(addresses: &[&str]) -> NetSettings {
    NetSettings {
        resolvers: vec![resolver(addresses)],
        ..net()
    }
}

/// The steps after resolving.
fn after_resolving(recorded: &Recorded) -> Vec<(String, Option<String>)> {
    let mut steps = steps(recorded);
    steps.retain(|(operation, _)| operation != "resolve");
    steps
}

fn ok(operation: &str) -> (String, Option<String>) {
    (operation.to_owned(), None)
}

fn failed(operation: &str, failure: &str) -> (String, Option<String>) {
    (operation.to_owned(), Some(failure.to_owned()))
}

#[tokio::test]
async fn a_page_is_reached_in_separate_timed_steps() {
    let server = web(|_| page("<title>Ministry</title>"));
    let url = format!("http://site.example:{}/", server.port());
    let recorded = measure(&WebConnectivity, resolving_to(&["127.0.0.1"]), url)
        .await
        .unwrap();
    assert_eq!(
        after_resolving(&recorded),
        [ok("connect"), ok("http_request")]
    );
    assert_eq!(recorded.observations[3].detail["title"], "Ministry");
    assert_eq!(recorded.bodies, [(3, b"<title>Ministry</title>".to_vec())]);
    assert_eq!(sample(&recorded, NONACCESS), Some(0));
    let last_us = recorded.observations.last().unwrap().t_end_us;
    let setup_us = sample(&recorded, SETUP).unwrap();
    // The half second of listening for late DNS answers is no part of it.
    assert!(
        setup_us > 0 && setup_us < last_us - 400_000,
        "{setup_us} of {last_us}"
    );
}

#[tokio::test]
async fn a_page_over_tls_has_a_handshake_step() {
    let (server, roots) = web_tls("site.example", |_| page("secure"));
    let mut net = resolving_to(&["127.0.0.1"]);
    net.roots = roots;
    let url = format!("https://site.example:{}/", server.port());
    let recorded = measure(&WebConnectivity, net, url).await.unwrap();
    assert_eq!(
        after_resolving(&recorded),
        [ok("connect"), ok("tls_handshake"), ok("http_request")]
    );
    assert_eq!(sample(&recorded, NONACCESS), Some(0));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_no_access() {
    let (server, roots) = web_tls("other.example", |_| page("secure"));
    let mut net = resolving_to(&["127.0.0.1"]);
    net.roots = roots;
    let url = format!("https://site.example:{}/", server.port());
    let recorded = measure(&WebConnectivity, net, url).await.unwrap();
    let handshake = failed("tls_handshake", "ssl_invalid_hostname");
    assert_eq!(after_resolving(&recorded), [ok("connect"), handshake]);
    assert_eq!(sample(&recorded, NONACCESS), Some(1_000_000));
    assert_eq!(sample(&recorded, SETUP), None);
}

#[tokio::test]
async fn every_address_is_tried_and_one_of_them_fetches_the_page() {
    let server = web(|_| page("here"));
    let url = format!("http://site.example:{}/", server.port());
    let net = resolving_to(&["127.66.0.1", "127.0.0.1", "127.66.0.2"]);
    let recorded = measure(&WebConnectivity, net, url).await.unwrap();
    let mut steps = after_resolving(&recorded);
    steps.sort();
    let refused = failed("connect", "connection_refused");
    assert_eq!(
        steps,
        [ok("connect"), refused.clone(), refused, ok("http_request")]
    );
    assert!(sample(&recorded, SETUP) > Some(0));
}

#[tokio::test]
async fn redirects_are_followed_step_by_step_with_their_cookies() {
    let server = web(|request| {
        if request.contains("Cookie: seen=1") {
            page("welcome")
        } else {
            redirect("/").replace("Location", "Set-Cookie: seen=1; Path=/\r\nLocation")
        }
    });
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = measure(&WebConnectivity, net(), url).await.unwrap();
    let one = [ok("connect"), ok("http_request")];
    assert_eq!(steps(&recorded), [one.clone(), one].concat());
    assert_eq!(recorded.observations[1].detail["status"], 302);
    assert_eq!(recorded.observations[3].detail["status"], 200);
    assert_eq!(sample(&recorded, NONACCESS), Some(0));
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let server = web(|request| {
        redirect(if request.contains("GET /a ") {
            "/b"
        } else {
            "/a"
        })
    });
    let url = format!("http://127.0.0.1:{}/a", server.port());
    let recorded = measure(&WebConnectivity, net(), url).await.unwrap();
    let last = failed(
        "redirect",
        "unknown_failure: stopped after too many redirects",
    );
    assert_eq!(steps(&recorded).last(), Some(&last));
    assert_eq!(sample(&recorded, NONACCESS), Some(1_000_000));
}

#[tokio::test]
async fn the_eleventh_redirect_is_not_followed() {
    let server = web(|request| redirect(&format!("{}x", request.split(' ').nth(1).unwrap())));
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = measure(&WebConnectivity, net(), url).await.unwrap();
    let requests = steps(&recorded)
        .iter()
        .filter(|(operation, _)| operation == "http_request")
        .count();
    assert_eq!(requests, 11);
    let last = failed(
        "redirect",
        "unknown_failure: stopped after too many redirects",
    );
    assert_eq!(steps(&recorded).last(), Some(&last));
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_noted() {
    let plain = web(|_| page("plain"));
    let there = format!("http://127.0.0.1:{}/", plain.port());
    let (server, roots) = web_tls("site.example", move |_| redirect(&there));
    let mut net = resolving_to(&["127.0.0.1"]);
    net.roots = roots;
    let url = format!("https://site.example:{}/", server.port());
    let recorded = measure(&WebConnectivity, net, url).await.unwrap();
    let downgrades = recorded
        .observations
        .iter()
        .filter(|seen| seen.detail.contains_key("downgrade"));
    assert_eq!(downgrades.count(), 1);
    assert_eq!(sample(&recorded, NONACCESS), Some(0));
}

#[tokio::test]
async fn an_answer_into_the_home_network_is_not_followed() {
    let server = web(|_| panic!("was contacted"));
    let mut strict = resolving_to(&["127.0.0.1", "192.168.1.1"]);
    strict.allow_loopback = false;
    let url = format!("http://site.example:{}/", server.port());
    let recorded = measure(&WebConnectivity, strict, url).await.unwrap();
    let operations = steps(&recorded);
    assert!(operations.contains(&failed("resolve", "dns_bogon_error")));
    assert!(
        operations
            .iter()
            .all(|(operation, _)| operation == "resolve")
    );
    assert_eq!(sample(&recorded, NONACCESS), Some(1_000_000));
}

#[tokio::test]
async fn a_device_without_resolver_claims_nothing_of_access() {
    let recorded = measure(&WebConnectivity, net(), "http://site.example/")
        .await
        .unwrap();
    assert_eq!(
        steps(&recorded),
        [failed("resolve", "dns_temporary_failure")]
    );
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_page_that_breaks_off_before_its_content_is_no_access() {
    let server = web(|_| "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".to_owned());
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = measure(&WebConnectivity, net(), url).await.unwrap();
    assert_eq!(
        steps(&recorded).last(),
        Some(&failed("http_request", "eof_error"))
    );
    assert_eq!(sample(&recorded, NONACCESS), Some(1_000_000));
}

#[tokio::test]
async fn a_run_stays_within_its_bytes() {
    let server = web(|_| page(&"x".repeat(600_000)));
    let mut run = run_with(net());
    run.max_bytes = 200_000;
    let url = target(format!("http://127.0.0.1:{}/", server.port()));
    WebConnectivity.run(&run, &url).await.unwrap();
    assert!(run.bytes_used() <= run.max_bytes, "{}", run.bytes_used());
    let recorded = run.take();
    assert_eq!(recorded.observations[1].detail["body_truncated"], true);
    assert_eq!(sample(&recorded, NONACCESS), Some(0));
}

#[tokio::test]
async fn what_is_no_web_address_is_no_target() {
    for value in ["site.example", "ftp://site.example/", "http://"] {
        let refused = measure(&WebConnectivity, net(), value).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}
