//! The responsiveness client against a scripted peer, well-behaved and not.
use super::peer::{Manners, Peer, start};
use super::*;
use crate::experiments::Recorded;
use crate::loopback;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::settings::NetSettings;

/// Stages of at most a second and a half.
const SHORT: Responsiveness = Responsiveness {
    timing: Timing {
        interval_us: 300_000,
        stage_max: 5,
    },
};
const PLENTY: u64 = 1 << 32;

fn new_run(net: NetSettings, max_bytes: u64) -> Run {
    let cancel = CancellationToken::new();
    Run::new(net, max_bytes, 7, cancel, Arc::new(|_, _| {}))
}

async fn measure_at(peer: &Peer, scheme: &str, run: &Run) -> Recorded {
    let target = loopback::target(format!("{scheme}://{}/", peer.addr));
    SHORT.run(run, &target).await.unwrap();
    run.take()
}

async fn measure(manners: Manners) -> Recorded {
    let peer = start(manners, None).await;
    measure_at(&peer, "ws", &new_run(loopback::net(), PLENTY)).await
}

/// Both directions, or the one that was tried.
fn directions(recorded: &Recorded) -> Vec<&Observation> {
    let all = recorded.observations.iter();
    all.filter(|one| one.operation == "responsiveness")
        .collect()
}

fn configuration(recorded: &Recorded) -> &Observation {
    let mut all = recorded.observations.iter();
    all.find(|one| one.operation == "configuration").unwrap()
}

fn has(recorded: &Recorded, base: &str) -> bool {
    let mut names = recorded.samples.iter().map(|(name, _)| name);
    names.any(|name| name.starts_with(&format!("responsiveness.{base}/")))
}

/// Surroundings that trust a new certificate of 127.0.0.1, and its server's side.
fn with_tls(alpn: &[&[u8]]) -> (NetSettings, Arc<rustls::ServerConfig>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let net = NetSettings {
        roots: Arc::new(roots),
        ..loopback::net()
    };
    (net, Arc::new(config))
}

#[tokio::test]
async fn over_http2_probes_share_the_connections_of_the_load() {
    let (net, tls) = with_tls(&[b"h2", b"http/1.1"]);
    let peer = start(Manners::Good, Some(tls)).await;
    let recorded = measure_at(&peer, "wss", &new_run(net, PLENTY)).await;
    for direction in directions(&recorded) {
        assert_eq!(direction.failure, None);
        assert_eq!(direction.detail["protocol"], "h2");
        assert_eq!(direction.detail["own_probe"], "request");
        assert_eq!(direction.detail["interval_us"], 300_000);
        assert!(direction.detail["tls_us"].as_i64().unwrap() > 0);
        assert!(direction.detail["loaded_histogram"].as_array().is_some());
    }
    assert_eq!(directions(&recorded).len(), 2);
    for base in [
        "download_rpm",
        "upload_rpm",
        "download_tls_us",
        "upload_loaded_us",
    ] {
        assert!(has(&recorded, base), "{base} in {:?}", recorded.samples);
    }
    assert!(peer.shared_probes.load(Ordering::Relaxed) > 2);
    let ids = recorded.samples.iter().map(|(name, _)| name);
    assert!(ids.into_iter().all(|name| name.contains("/h2_1s/")));
}

#[tokio::test]
async fn over_http1_with_tls_the_kernel_tells_the_round_trip() {
    let (net, tls) = with_tls(&[b"http/1.1"]);
    let peer = start(Manners::Good, Some(tls)).await;
    let recorded = measure_at(&peer, "wss", &new_run(net, PLENTY)).await;
    for direction in directions(&recorded) {
        assert_eq!(direction.failure, None);
        assert_eq!(direction.detail["protocol"], "h1");
        assert_eq!(direction.detail["own_probe"], "kernel");
    }
    assert!(has(&recorded, "upload_tls_us"), "{:?}", recorded.samples);
}

#[tokio::test]
async fn without_tls_the_score_has_no_handshake_and_no_zero_in_its_place() {
    let recorded = measure(Manners::Good).await;
    for direction in directions(&recorded) {
        assert_eq!(direction.failure, None);
        assert_eq!(direction.detail["protocol"], "plain");
        assert!(!direction.detail.contains_key("tls_us"));
        let [tcp_us, http_us] = ["tcp_us", "http_us"].map(|name| direction.detail[name].as_i64());
        let sum_us = tcp_us.unwrap() + http_us.unwrap();
        let foreign_rpm = direction.detail["foreign_rpm"].as_i64().unwrap();
        let expected = 120_000_000 / sum_us;
        assert!(
            (foreign_rpm - expected).abs() <= 1,
            "{foreign_rpm}, {sum_us} µs"
        );
    }
    assert!(has(&recorded, "download_http_us"), "{:?}", recorded.samples);
    assert!(!has(&recorded, "download_tls_us"));
}

#[tokio::test]
async fn probes_use_at_most_a_twentieth_of_the_load() {
    let recorded = measure(Manners::Good).await;
    for direction in directions(&recorded) {
        let of = |name: &str| direction.detail[name].as_u64().unwrap();
        // A certificate is not there to be longer than expected.
        assert!(of("probe_bytes") * 20 <= of("load_bytes"));
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_ends_it_with_its_failure() {
    for (manners, failure) in [
        (Manners::Redirects, Failure::HttpUnexpectedRedirectUrl),
        (Manners::IsFull, Failure::HttpUnexpectedStatusCode),
        (Manners::IsVoid, Failure::JsonParse),
        (Manners::TellsWithoutEnd, Failure::HttpRequestFailed),
    ] {
        let recorded = measure(manners).await;
        assert_eq!(configuration(&recorded).failure, Some(failure));
        assert!(directions(&recorded).is_empty() && recorded.samples.is_empty());
    }
}

#[test]
fn a_server_on_the_internet_may_not_lead_into_the_volunteers_network() {
    let may = |told_by: &str| {
        let net = server::net_elsewhere(loopback::net(), told_by.parse().unwrap());
        net.may_contact("192.168.1.1".parse().unwrap())
    };
    assert!(!may("203.189.128.10"));
    assert!(may("192.168.1.9"), "a server of that network itself may");
}

#[tokio::test]
async fn a_load_that_is_redirected_or_ends_has_its_failure_and_no_score() {
    for (manners, failure) in [
        (Manners::RedirectsLoad, Failure::HttpUnexpectedRedirectUrl),
        (Manners::EndsEarly, Failure::Eof),
    ] {
        let recorded = measure(manners).await;
        let first = directions(&recorded)[0];
        assert_eq!(first.failure, Some(failure));
        assert_eq!(first.detail["ended_by"], "broken");
        assert!(recorded.samples.is_empty());
    }
}

#[tokio::test]
async fn a_server_that_stalls_has_no_score() {
    let recorded = measure(Manners::Stalls).await;
    assert!(recorded.samples.is_empty(), "{:?}", recorded.samples);
}

#[tokio::test]
async fn probes_that_are_not_one_byte_are_lost_and_not_read_on() {
    let recorded = measure(Manners::BloatsProbes).await;
    let lost = &directions(&recorded)[0].detail["lost_probes"];
    assert!(lost["http_request_failed"].as_u64() > Some(0), "{lost}");
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn no_run_uses_more_than_its_bytes_and_what_cannot_suffice_is_not_spent() {
    let peer = start(Manners::Good, None).await;
    let run = new_run(loopback::net(), 2_000_000);
    let recorded = measure_at(&peer, "ws", &run).await;
    assert!(run.bytes_used() <= 2_000_000, "{}", run.bytes_used());
    assert_eq!(recorded.outcome, Some(Outcome::Capped));
    assert_eq!(directions(&recorded)[0].detail["ended_by"], "bytes_cap");
    let few = new_run(loopback::net(), 1_000);
    let target = loopback::target(format!("ws://{}/", peer.addr));
    assert!(SHORT.run(&few, &target).await.is_err());
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_it_saw() {
    let peer = start(Manners::Good, None).await;
    let mut run = new_run(loopback::net(), PLENTY);
    let cancel = run.cancel.clone();
    run.progress = Arc::new(move |_, _| cancel.cancel());
    let recorded = measure_at(&peer, "ws", &run).await;
    assert_eq!(recorded.outcome, Some(Outcome::Cancelled));
    assert_eq!(directions(&recorded)[0].detail["ended_by"], "cancelled");
    assert!(recorded.samples.is_empty());
}

#[test]
fn a_target_is_a_server_or_its_configuration() {
    for (value, url) in [
        (
            "ws://a.example:8081/",
            "http://a.example:8081/.well-known/nq",
        ),
        ("wss://a.example/", "https://a.example/.well-known/nq"),
        (
            "https://a.example:4043/config",
            "https://a.example:4043/config",
        ),
    ] {
        let read = server::configuration_url(value).unwrap();
        assert_eq!(read.as_str(), url);
    }
    for bad in ["ftp://a.example/", "a.example", "https:///x y"] {
        assert!(server::configuration_url(bad).is_err(), "{bad}");
    }
}
