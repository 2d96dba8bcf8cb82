//! The protocol, field by field.
use crate::support::*;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tonle_collector::servers::ControlConfig;
use tonle_wire::ooni::CONTROL_ANSWER_MAX_BYTES;

#[tokio::test]
async fn the_answer_has_every_field_of_a_stock_helper() {
    let (resolver, _) = resolver(&[&[[127, 0, 0, 1]]]).await;
    let site = site("127.0.0.1", |_| {
        page(
            "Server: s\r\nX-Two-Words: a\r\nX-Two-Words: b\r\nAlt-Svc: h3=\":443\"; ma=60\r\n",
            "<title>A page</title>",
        )
    })
    .await;
    let control = Fixture::start(config(&["127.0.0.0/24"], Some(resolver))).await;
    let port = site.port;
    let url = format!("http://site.test:{port}/a?b=c#d");
    let probes = [
        "127.0.0.2:80",
        "10.0.0.1:80",
        "8.8.8.8",
        "site.test:80",
        "[::1]:1",
    ];
    let answer = control.ask(&url, &probes).await;
    let expected = json!({
        "tcp_connect": {
            format!("127.0.0.1:{port}"): { "status": true, "failure": null },
            format!("127.0.0.2:{port}"): { "status": false, "failure": "connection_refused_error" },
        },
        "tls_handshake": {},
        "quic_handshake": {},
        "http_request": {
            "body_length": 21, "discovered_h3_endpoint": "site.test:443", "failure": null,
            "title": "A page", "status_code": 200,
            "headers": {
                "Content-Length": "21", "Server": "s", "X-Two-Words": "a",
                "Alt-Svc": "h3=\":443\"; ma=60",
            },
        },
        "http3_request": null,
        "dns": { "failure": null, "addrs": ["127.0.0.1"] },
        "ip_info": {
            "127.0.0.1": { "asn": 64500, "flags": 2 },
            "127.0.0.2": { "asn": 64500, "flags": 1 },
            "10.0.0.1": { "asn": 0, "flags": 5 },
            "::1": { "asn": 0, "flags": 5 },
        },
    });
    assert_eq!(answer, expected);
    let requests = site.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    for line in [
        &format!("host: site.test:{port}"),
        "accept: text/plain",
        "accept-language: km",
        "user-agent: a probe",
        "accept-encoding: identity",
    ] {
        assert!(
            request.contains(&format!("\r\n{line}\r\n")),
            "{line} in {request}"
        );
    }
    assert!(!request.contains("not=sent"), "{request}");
    assert_eq!(control.counters.answered.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_name_that_is_not_there_and_a_port_that_is_closed_have_their_names() {
    let (resolver, _) = resolver(&[&[]]).await;
    let control = Fixture::start(config(&["127.0.0.1"], Some(resolver))).await;
    let answer = control.ask("http://gone.test:81/", &["127.0.0.1:1"]).await;
    assert_eq!(
        answer["dns"],
        json!({ "failure": "dns_name_error", "addrs": [] })
    );
    assert_eq!(answer["http_request"], no_page("dns_lookup_error"));
    assert_eq!(
        answer["tcp_connect"]["127.0.0.1:81"]["failure"],
        "connection_refused_error"
    );
    let closed = control.ask("http://127.0.0.1:81/", &[]).await;
    assert_eq!(
        closed["dns"],
        json!({ "failure": null, "addrs": ["127.0.0.1"] })
    );
    assert_eq!(closed["http_request"], no_page("connection_refused_error"));
}

fn no_page(failure: &str) -> Value {
    json!({
        "body_length": -1, "discovered_h3_endpoint": "", "failure": failure, "title": "",
        "headers": {}, "status_code": -1,
    })
}

#[tokio::test]
async fn quic_is_tried_where_it_is_asked_for_and_at_the_port_of_https_alone() {
    let (resolver, _) = resolver(&[&[[127, 0, 0, 1]]]).await;
    let control = Fixture::start(config(&["127.0.0.0/24"], Some(resolver))).await;
    let asked = |url: &str, quic: bool| {
        let mut question: Value = serde_json::from_str(&question(url, &["10.0.0.1:443"])).unwrap();
        question["x_quic_enabled"] = json!(quic);
        question.to_string()
    };
    for (url, quic, tried) in [
        ("http://site.test/", true, &["127.0.0.1:443"][..]),
        ("http://site.test/", false, &[]),
        ("https://site.test:1/", true, &[]),
    ] {
        let (_, body) = control.post(&asked(url, quic)).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        let told = answer["quic_handshake"].as_object().unwrap();
        assert_eq!(told.keys().collect::<Vec<_>>(), tried, "{url} {quic}");
        for seen in told.values() {
            assert_eq!(seen["server_name"], "site.test");
            assert_eq!(seen["status"], false);
            assert_eq!(seen["failure"], "connection_refused");
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_with_their_cookies_to_the_final_page() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let site = site("127.0.0.1", |request| {
        if request.contains("cookie: seen=1") {
            page("", "<TITLE>Welcome</TITLE>")
        } else {
            redirect("/welcome", "Set-Cookie: seen=1; Path=/\r\n")
        }
    })
    .await;
    let url = format!("http://127.0.0.1:{}/start", site.port);
    let answer = control.ask(&url, &[]).await;
    assert_eq!(answer["http_request"]["status_code"], 200);
    assert_eq!(answer["http_request"]["title"], "Welcome");
    let second = &site.requests()[1];
    assert!(
        second.contains(&format!("\r\nreferer: {url}\r\n")),
        "{second}"
    );
}

#[tokio::test]
async fn a_redirect_without_end_ends() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let site = site("127.0.0.1", |_| redirect("/again", "")).await;
    let answer = control
        .ask(&format!("http://127.0.0.1:{}/", site.port), &[])
        .await;
    assert_eq!(answer["http_request"], no_page("unknown_error"));
    assert_eq!(site.requests().len(), 11);
}

#[tokio::test]
async fn a_page_over_tls_is_had_under_roots_that_are_known_only() {
    let (resolver, _) = resolver(&[&[[127, 0, 0, 1]]]).await;
    let dir = tempfile::tempdir().unwrap();
    let roots = dir.path().join("roots.pem");
    let site = secure_site("site.test", &roots, |_| page("", "secure")).await;
    let url = format!("https://site.test:{}/", site.port);
    let strict = config(&["127.0.0.1"], Some(resolver));
    let known = Fixture::start(ControlConfig {
        extra_roots: Some(roots),
        ..strict.clone()
    })
    .await;
    let answer = known.ask(&url, &[]).await;
    assert_eq!(answer["http_request"]["body_length"], 6);
    let unknown = Fixture::start(strict).await;
    let answer = unknown.ask(&url, &[]).await;
    assert_eq!(answer["http_request"], no_page("unknown_error"));
}

#[tokio::test]
async fn a_page_that_breaks_off_has_its_status_and_a_failure() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let site = site("127.0.0.1", |_| {
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nbroken".to_vec()
    })
    .await;
    let answer = control
        .ask(&format!("http://127.0.0.1:{}/", site.port), &[])
        .await;
    let page = &answer["http_request"];
    assert_eq!(page["status_code"], 404);
    assert_eq!(page["body_length"], 6);
    assert_eq!(page["failure"], "unknown_error");
}

#[tokio::test]
async fn a_body_is_read_to_16_mib() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let site = site("127.0.0.1", |_| {
        let mut response = b"HTTP/1.1 200 OK\r\n\r\n<title>long</title>".to_vec();
        response.resize(17 << 20, b'x');
        response
    })
    .await;
    let answer = control
        .ask(&format!("http://127.0.0.1:{}/", site.port), &[])
        .await;
    assert_eq!(answer["http_request"]["body_length"], 1 << 24);
    assert_eq!(answer["http_request"]["title"], "long");
    assert_eq!(answer["http_request"]["failure"], Value::Null);
}

#[tokio::test]
async fn it_greets_and_refuses_what_is_no_request() {
    let control = Fixture::start(config(&[], None)).await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n");
    let (head, body) = control.raw(&get("/control")).await;
    assert_eq!(status_of(&head), 200);
    assert_eq!(body, r#"{"message":"Hello OONItarian!"}"#);
    assert_eq!(status_of(&control.raw(&get("/")).await.0), 404);
    let other = get("/control").replace("GET", "DELETE");
    assert_eq!(status_of(&control.raw(&other).await.0), 400);
    for bad in [
        "",
        "[]",
        "{",
        "{}",
        r#"{"http_request":"ftp://a/"}"#,
        r#"{"http_request":7}"#,
    ] {
        assert_eq!(status_of(&control.post(bad).await.0), 400, "{bad}");
    }
    let at_root = Fixture::start(ControlConfig {
        at_root: true,
        ..config(&[], None)
    })
    .await;
    assert_eq!(status_of(&at_root.raw(&get("/")).await.0), 200);
    let none = Fixture::start(ControlConfig {
        enabled: false,
        ..config(&[], None)
    })
    .await;
    assert_eq!(status_of(&none.raw(&get("/control")).await.0), 404);
}

#[tokio::test]
async fn no_site_makes_an_answer_longer_than_an_agent_reads() {
    let addresses: Vec<[u8; 4]> = (1..=40)
        .map(|n| [127, 0, 1, n])
        .chain([[127, 0, 0, 1]])
        .collect();
    let (resolver, _) = resolver(&[&addresses]).await;
    let control = Fixture::start(config(&["127.0.0.0/16"], Some(resolver))).await;
    let quotes = "\"".repeat(600);
    let headers: Vec<String> = (0..90).map(|n| format!("X-{n}: {quotes}\r\n")).collect();
    let headers = headers.concat();
    let page = move |request: &str| {
        if request.contains("GET /page") {
            return page(&headers, &format!("<title>{}</title>", "\u{1}".repeat(512)));
        }
        redirect("/page", "")
    };
    let site = site("127.0.1.1", page).await;
    let host = format!("{0}.{0}.{0}.test", "n".repeat(60));
    let url = format!("http://{host}:{}/", site.port);
    let (head, body) = control.post(&question(&url, &[])).await;
    assert_eq!(status_of(&head), 200);
    assert!(body.len() <= CONTROL_ANSWER_MAX_BYTES, "{}", body.len());
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["dns"]["addrs"].as_array().unwrap().len(), 32);
    assert_eq!(answer["http_request"]["status_code"], 200);
    assert_eq!(
        answer["http_request"]["headers"].as_object().unwrap().len(),
        91
    );
}
