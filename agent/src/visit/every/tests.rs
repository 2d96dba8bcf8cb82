//! Every way to a page, in a world on loopback: resolvers that disagree, controls, several servers.
use crate::experiments::web_connectivity::WebConnectivity;
use crate::experiments::{Experiment, Recorded};
use crate::loopback::{doh, net, page, redirect, resolver, run_with, sample, target, web};
use crate::openness::{Control, Openness};
use crate::visit::page::{Page, Visitor};
use crate::visit::{Breadth, Manner};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tonle_evidence::observation::Observation;
use tonle_evidence::pass::Pass;
use tonle_evidence::record::Outcome;
use tonle_net::dns::Patience;
use tonle_net::settings::NetSettings;
use url::Url;

const MANNER: Manner = Manner {
    breadth: Breadth::Every,
    patience: Patience::FIRST_ANSWER,
    body_max_bytes: 1_000,
    keeps_bodies: false,
};

async fn visited(system: &[&str], openness: &Openness, url: &str) -> Recorded {
    let net = NetSettings {
        resolvers: vec![resolver(system)],
        ..net()
    };
    let run = run_with(net).compared_with(openness.clone());
    WebConnectivity.run(&run, &target(url)).await.unwrap();
    assert!(run.bytes_used() <= run.max_bytes);
    run.take()
}

fn of<'a>(recorded: &'a Recorded, operation: &str) -> Vec<&'a Observation> {
    let seen = recorded.observations.iter();
    seen.filter(|seen| seen.operation == operation).collect()
}

/// Values of a key of every observation of an operation, sorted.
fn values(recorded: &Recorded, operation: &str, key: &str) -> Vec<Value> {
    let seen = of(recorded, operation).into_iter();
    let mut values: Vec<Value> = seen
        .filter_map(|seen| seen.detail.get(key).cloned())
        .collect();
    values.sort_by_key(ToString::to_string);
    values
}

fn controlled_by(urls: &[String]) -> Openness {
    let control = |url: &String| Control {
        url: url.parse().unwrap(),
        may_be_near: true,
        knows_agents: false,
    };
    Openness {
        controls: urls.iter().map(control).collect(),
        ..Openness::default()
    }
}

/// A control that answers by this, and what it was asked.
fn control(answer: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let server = web(move |request| {
        heard.lock().unwrap().push(request.to_owned());
        page(&answer)
    });
    (format!("http://{server}/control"), asked)
}

fn site() -> SocketAddr {
    web(|_| page("<title>Site</title>"))
}

#[tokio::test]
async fn everybody_is_asked_and_every_address_is_tried_under_its_label() {
    let server = site();
    let openness = Openness {
        resolvers: vec![resolver(&["127.66.0.1"])],
        doh: vec![doh(&["127.66.0.2"])],
        ..Openness::default()
    };
    let url = format!("http://site.example:{}/", server.port());
    let recorded = visited(&["127.0.0.1"], &openness, &url).await;
    assert_eq!(
        values(&recorded, "resolve", "engine"),
        [
            json!("doh"),
            json!("doh"),
            json!("system"),
            json!("system"),
            json!("udp"),
            json!("udp")
        ]
    );
    assert_eq!(
        values(&recorded, "resolve", "transaction"),
        [10_001, 10_001, 20_001, 20_001, 30_001, 30_001].map(Value::from)
    );
    let mut connects: Vec<_> = of(&recorded, "connect")
        .iter()
        .map(|seen| {
            let detail = &seen.detail;
            assert_eq!(detail["fetch_body"], true);
            assert_eq!(detail["depth"], 0);
            (
                detail["origin"].as_str().unwrap().to_owned(),
                detail["classic"].as_bool().unwrap(),
                seen.failure.is_none(),
            )
        })
        .collect();
    connects.sort();
    assert_eq!(
        connects,
        [
            ("doh".to_owned(), false, false),
            ("getaddrinfo".to_owned(), true, true),
            ("udp".to_owned(), false, false),
        ]
    );
    let connected = of(&recorded, "connect").into_iter();
    let won = connected
        .clone()
        .find(|seen| seen.failure.is_none())
        .unwrap();
    let [request] = of(&recorded, "http_request")[..] else {
        panic!("{recorded:?}");
    };
    assert_eq!(request.detail["transaction"], won.detail["transaction"]);
    assert_eq!(sample(&recorded, "web.nonaccess_ppm/domestic"), Some(0));
}

#[tokio::test]
async fn where_the_system_denies_the_name_another_resolvers_address_fetches_the_page() {
    let server = site();
    let openness = Openness {
        resolvers: vec![resolver(&["127.0.0.1"])],
        ..Openness::default()
    };
    let url = format!("http://site.example:{}/", server.port());
    let recorded = visited(&[], &openness, &url).await;
    assert_eq!(values(&recorded, "connect", "origin"), ["udp"]);
    assert_eq!(values(&recorded, "connect", "classic"), [false]);
    assert_eq!(values(&recorded, "http_request", "status"), [200]);
    assert!(sample(&recorded, "web.setup_us/domestic") > Some(0));
}

#[tokio::test]
async fn every_control_is_asked_and_an_address_that_only_one_knows_is_measured_too() {
    let server = site();
    let answer = json!({ "dns": { "failure": null, "addrs": ["127.0.0.1", "no address"] } });
    let (first, asked) = control(answer.to_string());
    let (second, _) = control("{}".to_owned());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let third = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let openness = controlled_by(&[first, second, third]);
    let url = format!("http://site.example:{}/", server.port());
    let recorded = visited(&["127.66.0.1"], &openness, &url).await;

    let request = asked.lock().unwrap().concat();
    assert!(
        request.starts_with("POST /control HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/json"),
        "{request}"
    );
    let controls = of(&recorded, "control");
    assert_eq!(controls.len(), 3);
    let answered = |seen: &&&Observation| seen.failure.is_none();
    assert_eq!(controls.iter().filter(answered).count(), 2);
    let failed = controls.iter().find(|seen| seen.failure.is_some()).unwrap();
    assert_eq!(
        failed.failure.as_ref().unwrap().name(),
        "connection_refused"
    );
    assert_eq!(failed.detail["failed_at"], "connect");
    let sent: Value = serde_json::from_str(failed.detail["request"].as_str().unwrap()).unwrap();
    assert_eq!(sent["http_request"], url.as_str());
    let peer = format!("127.66.0.1:{}", server.port());
    assert_eq!(sent["tcp_connect"], json!([peer]));
    assert!(sent["http_request_headers"]["User-Agent"][0].is_string());

    assert_eq!(
        values(&recorded, "connect", "origin"),
        ["control", "getaddrinfo"]
    );
    assert_eq!(values(&recorded, "http_request", "status"), [200]);
}

#[tokio::test]
async fn only_a_control_of_the_collector_is_shown_who_asks() {
    let server = site();
    let (own, asked_own) = control("{}".to_owned());
    let (foreign, asked_foreign) = control("{}".to_owned());
    let mut openness = controlled_by(&[own, foreign]);
    openness.controls[0].knows_agents = true;
    let files = crate::files::simulated::SimulatedFiles::default();
    let identity = crate::identity::Identity::load_or_create(&files).unwrap();
    openness.identity = Some(identity.clone());
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = visited(&[], &openness, &url).await;

    let request = asked_own.lock().unwrap().concat();
    let shown = request
        .lines()
        .find_map(|line| line.strip_prefix("tonle-pass: "));
    let pass = Pass::read(shown.unwrap()).unwrap();
    assert_eq!(pass.key, identity.public());
    let sent = of(&recorded, "control")[0].detail["request"].clone();
    let now_s = tonle_net::clock::wall_us() / 1_000_000;
    assert!(pass.is_good(sent.as_str().unwrap().as_bytes(), now_s));
    assert!(
        !asked_foreign
            .lock()
            .unwrap()
            .concat()
            .contains("tonle-pass")
    );
    let public = identity.public().to_string();
    assert!(!format!("{recorded:?}").contains(&public));
}

#[tokio::test]
async fn a_control_whose_answer_cannot_be_kept_is_a_failed_observation() {
    let server = site();
    let (long, _) = control(format!("{{\"x\":\"{}\"}}", "x".repeat(70_000)));
    let (html, _) = control("<html>".to_owned());
    let busy = web(|_| "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned());
    let openness = controlled_by(&[long, html, format!("http://{busy}/")]);
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = visited(&[], &openness, &url).await;
    let mut failures: Vec<_> = of(&recorded, "control")
        .iter()
        .map(|seen| seen.failure.as_ref().unwrap().name().to_owned())
        .collect();
    failures.sort();
    assert_eq!(
        failures,
        [
            "http_request_failed",
            "http_request_failed",
            "json_parse_error"
        ]
    );
    assert_eq!(values(&recorded, "control", "status"), [200, 200, 503]);
}

#[tokio::test]
async fn an_address_that_nobody_asked_about_is_taken_out_of_a_controls_answer() {
    let server = site();
    let answer = json!({
        "dns": { "addrs": ["203.0.113.9"] },
        "http_request": { "title": "your address is 36.37.1.2" },
    });
    let (url, _) = control(answer.to_string());
    let page = format!("http://127.0.0.1:{}/", server.port());
    let recorded = visited(&[], &controlled_by(&[url]), &page).await;
    let [seen] = of(&recorded, "control")[..] else {
        panic!("{recorded:?}");
    };
    let kept = seen.detail["answer"].as_str().unwrap();
    assert!(
        kept.contains("203.0.113.9") && !kept.contains("36.37.1.2"),
        "{kept}"
    );
    assert_eq!(seen.detail["scrubbed"], true);
    assert!(serde_json::from_str::<Value>(kept).is_ok());
}

#[tokio::test]
async fn helpers_are_asked_no_more_often_than_they_should_be() {
    let server = site();
    let openness = Openness {
        resolvers: vec![resolver(&["127.0.0.1"])],
        doh: vec![doh(&["127.0.0.1"])],
        whoami: Some("whoami.example".to_owned()),
        ..Openness::default()
    };
    let url = format!("http://site.example:{}/", server.port());
    let first = visited(&["127.0.0.1"], &openness, &url).await;
    let again = visited(&["127.0.0.1"], &openness, &url).await;
    let doh = |recorded: &Recorded| {
        let engines = values(recorded, "resolve", "engine");
        engines.iter().filter(|engine| **engine == "doh").count()
    };
    assert_eq!((doh(&first), doh(&again)), (2, 0));
    assert_eq!(
        values(&first, "resolver_identity", "remembered"),
        [false; 0]
    );
    assert_eq!(
        values(&again, "resolver_identity", "remembered"),
        [true, true]
    );
    let asked = values(&again, "resolver_identity", "resolver");
    assert_eq!(asked[1], "system");
    assert_eq!(
        values(&again, "resolver_identity", "addresses"),
        [json!(["loopback"]), json!(["loopback"])]
    );
}

#[tokio::test]
async fn a_name_of_the_home_is_asked_of_nobody_else() {
    let openness = Openness {
        resolvers: vec![resolver(&["127.0.0.1"])],
        doh: vec![doh(&["127.0.0.1"])],
        whoami: Some("whoami.example".to_owned()),
        ..Openness::default()
    };
    let url = format!("http://printer.lan:{}/", site().port());
    let recorded = visited(&["127.0.0.1"], &openness, &url).await;
    assert_eq!(values(&recorded, "resolve", "engine"), ["system", "system"]);
    assert!(of(&recorded, "resolver_identity").is_empty());
}

#[tokio::test]
async fn a_name_in_another_script_is_sent_in_its_ascii_form() {
    let hosts = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&hosts);
    let server = web(move |request| {
        let host = request.lines().find(|line| line.starts_with("Host: "));
        heard.lock().unwrap().push(host.unwrap().to_owned());
        page("yes")
    });
    let url = format!("http://яндекс.рф:{}/", server.port());
    let recorded = visited(&["127.0.0.1"], &Openness::default(), &url).await;
    let ascii = "xn--d1acpjx3f.xn--p1ai";
    assert_eq!(recorded.observations[0].subject.as_deref(), Some(ascii));
    let host = format!("Host: {ascii}:{}", server.port());
    assert_eq!(*hosts.lock().unwrap(), [host]);
}

#[tokio::test]
async fn each_redirect_is_one_deeper_and_says_where_it_came_from() {
    let referers = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&referers);
    let server = web(move |request| {
        let referer = request
            .lines()
            .find_map(|line| line.strip_prefix("Referer: "));
        heard
            .lock()
            .unwrap()
            .push(referer.unwrap_or_default().to_owned());
        if request.starts_with("GET /there ") {
            page("there")
        } else {
            redirect("/there")
        }
    });
    let url = format!("http://127.0.0.1:{}/here", server.port());
    let recorded = visited(&[], &Openness::default(), &url).await;
    assert_eq!(values(&recorded, "http_request", "depth"), [0, 1]);
    assert_eq!(
        values(&recorded, "connect", "transaction"),
        [40_001, 40_002]
    );
    assert_eq!(*referers.lock().unwrap(), [String::new(), url]);
}

#[tokio::test]
async fn a_303_is_noted_and_not_followed() {
    let server = web(|_| redirect("/there").replace("302 Found", "303 See Other"));
    let url = format!("http://127.0.0.1:{}/", server.port());
    let recorded = visited(&[], &Openness::default(), &url).await;
    assert_eq!(values(&recorded, "http_request", "status"), [303]);
    assert_eq!(values(&recorded, "http_request", "depth"), [0]);
}

#[tokio::test]
async fn a_run_without_bytes_for_a_page_says_so_and_claims_nothing() {
    let server = site();
    let url = format!("http://127.0.0.1:{}/", server.port());
    for max_bytes in [1_000, 100_000] {
        let mut run = run_with(net());
        run.max_bytes = max_bytes;
        WebConnectivity.run(&run, &target(&url)).await.unwrap();
        assert!(run.bytes_used() <= max_bytes);
        let recorded = run.take();
        assert!(of(&recorded, "connect").is_empty());
        assert_eq!(values(&recorded, "cap", "of"), ["bytes"]);
        assert_eq!(recorded.outcome, Some(Outcome::Capped));
        assert!(recorded.samples.is_empty());
    }
}

#[tokio::test]
async fn what_a_limit_leaves_out_is_recorded() {
    let addresses: Vec<String> = (1..=40).map(|last| format!("127.66.0.{last}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let openness = Openness::default();
    let recorded = visited(&addresses, &openness, "http://site.example:9/").await;
    assert_eq!(of(&recorded, "connect").len(), super::ENDPOINTS_MAX);
    assert_eq!(values(&recorded, "cap", "left_out"), [8]);
    assert_eq!(
        sample(&recorded, "web.nonaccess_ppm/domestic"),
        Some(1_000_000)
    );
}

#[tokio::test]
async fn a_redirect_into_the_home_network_is_not_followed_outside_of_laboratories() {
    let to = Url::parse("http://192.168.1.1/admin?user=me").unwrap();
    let from = Page::new(Url::parse("http://site.example/").unwrap());
    for is_laboratory in [false, true] {
        let run = run_with(NetSettings {
            allow_loopback: is_laboratory,
            ..net()
        });
        let visitor = Visitor::new(&run, MANNER);
        let refusal = visitor.refusal(&from, &to);
        assert_eq!(refusal.is_none(), is_laboratory);
        let Some(refusal) = refusal else { continue };
        assert_eq!(refusal.failure.as_ref().unwrap().name(), "dns_bogon_error");
        let written = "http://lan/admin?[scrubbed]";
        assert_eq!(refusal.subject.as_deref(), Some(written));
    }
}

/// A server that speaks HTTP/2 alone, and the roots that its certificate leads to.
async fn web_h2(name: &str) -> (SocketAddr, Arc<rustls::RootCertStore>) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            let answer = |request: hyper::Request<hyper::body::Incoming>| async move {
                let text = format!("<title>{:?} {}</title>", request.version(), request.uri());
                let body = http_body_util::Full::new(hyper::body::Bytes::from(text));
                Ok::<_, std::convert::Infallible>(hyper::Response::new(body))
            };
            let executor = hyper_util::rt::TokioExecutor::new();
            let service = hyper::service::service_fn(answer);
            let io = hyper_util::rt::TokioIo::new(stream);
            let serving = hyper::server::conn::http2::Builder::new(executor);
            tokio::spawn(serving.serve_connection(io, service));
        }
    });
    (own, Arc::new(roots))
}

#[tokio::test]
async fn a_page_is_fetched_over_http2_where_the_server_speaks_it() {
    let (server, roots) = web_h2("site.example").await;
    let net = NetSettings {
        resolvers: vec![resolver(&["127.0.0.1"])],
        roots,
        ..net()
    };
    let run = run_with(net);
    let url = format!("https://site.example:{}/a?b", server.port());
    WebConnectivity.run(&run, &target(&url)).await.unwrap();
    let recorded = run.take();
    assert_eq!(values(&recorded, "tls_handshake", "alpn"), ["h2"]);
    let title = format!("HTTP/2.0 {url}");
    assert_eq!(values(&recorded, "http_request", "title"), [title]);
}
