//! Nobody is led to where only the control server gets: not by literals, names, redirects, endpoints,
//! or names that change their mind.
use crate::support::*;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tonle_collector::servers::ControlConfig;

/// A site that nobody may ask.
async fn trap(address: &str) -> Site {
    site(address, |_| page("", "the secret")).await
}

async fn assert_not_led(control: &Fixture, url: &str, trap: &Site) -> Value {
    let endpoint = format!("127.0.0.2:{}", trap.port);
    let answer = control.ask(url, &[&endpoint]).await;
    assert_eq!(trap.requests(), Vec::<String>::new(), "{url}");
    assert_eq!(answer["http_request"]["status_code"], -1, "{url}: {answer}");
    answer
}

#[tokio::test]
async fn no_spelling_of_an_inside_address_is_contacted() {
    let trap = trap("127.0.0.2").await;
    let control = Fixture::start(config(&[], None)).await;
    for host in [
        "127.0.0.2",
        "2130706434",
        "0x7f000002",
        "0177.0.0.2",
        "127.2",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "[64:ff9b::127.0.0.2]",
        "[2002:7f00:2::1]",
        "[::127.0.0.2]",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "10.0.0.1",
        "192.168.1.1",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let url = format!("http://{host}:{}/", trap.port);
        let answer = assert_not_led(&control, &url, &trap).await;
        assert_eq!(answer["tcp_connect"], json!({}), "{url}");
        assert_eq!(answer["http_request"]["failure"], "unknown_error", "{url}");
    }
    assert_eq!(control.counters.endpoints.load(Ordering::Relaxed), 0);
    assert_eq!(control.counters.pages.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_told_and_not_followed() {
    let trap = trap("127.0.0.2").await;
    let (resolver, _) = resolver(&[&[[127, 0, 0, 2], [192, 168, 1, 1]]]).await;
    let control = Fixture::start(config(&[], Some(resolver))).await;
    let url = format!("http://inside.test:{}/", trap.port);
    let answer = assert_not_led(&control, &url, &trap).await;
    assert_eq!(answer["dns"]["addrs"], json!(["127.0.0.2", "192.168.1.1"]));
    assert_eq!(answer["ip_info"]["127.0.0.2"]["flags"], 7);
    assert_eq!(answer["ip_info"]["192.168.1.1"]["flags"], 6);
}

#[tokio::test]
async fn a_redirect_leads_nobody_inside() {
    let trap = trap("127.0.0.2").await;
    let (resolver, _) = resolver(&[&[[127, 0, 0, 2]]]).await;
    let control = Fixture::start(config(&["127.0.0.1"], Some(resolver))).await;
    for host in [
        "127.0.0.2",
        "0x7f000002",
        "[::ffff:127.0.0.2]",
        "inside.test",
    ] {
        let to = format!("http://{host}:{}/", trap.port);
        let site = site("127.0.0.1", move |_| redirect(&to, "")).await;
        let url = format!("http://127.0.0.1:{}/", site.port);
        assert_not_led(&control, &url, &trap).await;
        assert_eq!(site.requests().len(), 1, "{host}");
    }
    for to in [
        "file:///etc/passwd",
        "gopher://127.0.0.2/",
        "http://127.0.0.1:25/",
    ] {
        let site = site("127.0.0.1", move |_| redirect(to, "")).await;
        let url = format!("http://127.0.0.1:{}/", site.port);
        assert_not_led(&control, &url, &trap).await;
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once_and_connected_where_it_was_checked() {
    let trap = trap("127.0.0.2").await;
    let (resolver, asked) = resolver(&[&[[127, 0, 0, 1]], &[[127, 0, 0, 2]]]).await;
    let control = Fixture::start(config(&["127.0.0.1"], Some(resolver))).await;
    let site = site("127.0.0.1", |request| {
        if request.contains("GET /again") {
            page("", "still here")
        } else {
            redirect("/again", "")
        }
    })
    .await;
    let url = format!("http://site.test:{}/", site.port);
    let answer = control.ask(&url, &[]).await;
    assert_eq!(answer["http_request"]["body_length"], 10);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // The next request asks again, and is not led inside.
    let url = format!("http://site.test:{}/", trap.port);
    assert_not_led(&control, &url, &trap).await;
}

#[tokio::test]
async fn the_ports_of_a_probes_endpoints_are_never_contacted() {
    let trap = trap("127.0.0.1").await;
    let site = site("127.0.0.1", |_| page("", "x")).await;
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    let endpoint = format!("127.0.0.1:{}", trap.port);
    let url = format!("http://127.0.0.1:{}/", site.port);
    let answer = control.ask(&url, &[&endpoint]).await;
    let told: Vec<&String> = answer["tcp_connect"].as_object().unwrap().keys().collect();
    assert_eq!(told, [&format!("127.0.0.1:{}", site.port)]);
    assert_eq!(control.counters.endpoints.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_port_of_the_web_is_not_contacted() {
    let control = Fixture::start(config(&["127.0.0.1"], None)).await;
    for port in [22, 25, 53, 6667] {
        let answer = control.ask(&format!("http://127.0.0.1:{port}/"), &[]).await;
        assert_eq!(answer["tcp_connect"], json!({}), "{port}");
        assert_eq!(answer["http_request"]["status_code"], -1, "{port}");
    }
    assert_eq!(control.counters.endpoints.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_the_operator_denies_is_not_contacted_though_it_may_be_reached() {
    let trap = trap("127.0.0.2").await;
    let control = Fixture::start(ControlConfig {
        deny_networks: vec!["127.0.0.2/31".to_owned()],
        ..config(&["127.0.0.0/8"], None)
    })
    .await;
    let url = format!("http://127.0.0.2:{}/", trap.port);
    assert_not_led(&control, &url, &trap).await;
}
