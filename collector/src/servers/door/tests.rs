//! Which requests for a test are granted, for both protocols alike.
use super::*;
use crate::servers::ndt7::Ndt7;
use crate::servers::throughput1::Throughput1;
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode, Version};

/// A good request for a test of `P`.
fn request<P: Protocol>(uri: &str) -> Request<()> {
    Request::get(uri)
        .header("Connection", "keep-alive, Upgrade")
        .header("Upgrade", "WebSocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Protocol", P::SUBPROTOCOL)
        .body(())
        .unwrap()
}

fn status_of<P: Protocol>(request: &Request<()>) -> StatusCode {
    check::<P, ()>(request).map_or_else(|refusal| refusal.status(), |_| StatusCode::OK)
}

const NDT7: &str = "/ndt/v7/upload";
const THROUGHPUT1: &str = "/throughput/v1/upload?streams=2&mid=a&bytes=5";

fn answers<P: Protocol>(uri: &str) {
    let wanted = check::<P, ()>(&request::<P>(uri)).unwrap();
    assert_eq!(wanted.direction, Direction::Upload);
    let response = wanted.upgrade.response();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers();
    let accept = &headers["Sec-WebSocket-Accept"];
    assert_eq!(
        accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "RFC 6455, section 1.3"
    );
    assert_eq!(headers["Sec-WebSocket-Protocol"], P::SUBPROTOCOL);
    assert!(!headers.contains_key("Sec-WebSocket-Extensions"));
}

#[test]
fn a_good_request_gets_its_key_and_subprotocol_back() {
    answers::<Ndt7>(NDT7);
    answers::<Throughput1>(THROUGHPUT1);
}

#[test]
fn the_subprotocol_is_compared_as_a_whole() {
    for other in [
        "net.measurementlab.ndt.v7, chat",
        "net.measurementlab.NDT.v7",
        "net.measurementlab.throughput.v1",
        "chat",
    ] {
        let mut changed = request::<Ndt7>(NDT7);
        let value = HeaderValue::from_static(other);
        changed
            .headers_mut()
            .insert("sec-websocket-protocol", value);
        assert_eq!(status_of::<Ndt7>(&changed), 400, "{other}");
    }
    let mut twice = request::<Ndt7>(NDT7);
    let value = HeaderValue::from_static(Ndt7::SUBPROTOCOL);
    twice.headers_mut().append("sec-websocket-protocol", value);
    assert_eq!(status_of::<Ndt7>(&twice), 400);
}

#[test]
fn what_is_no_upgrade_is_refused_with_400_and_close() {
    for (name, value) in [
        ("connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("sec-websocket-version", "8"),
        ("sec-websocket-key", "short"),
    ] {
        let mut changed = request::<Throughput1>(THROUGHPUT1);
        let value = HeaderValue::from_static(value);
        changed.headers_mut().insert(name, value);
        let refusal = check::<Throughput1, ()>(&changed).unwrap_err();
        let response = refusal.response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(response.headers()["connection"], "close");
    }
    let mut post = request::<Ndt7>(NDT7);
    *post.method_mut() = Method::POST;
    assert_eq!(status_of::<Ndt7>(&post), 400);
    let mut old = request::<Ndt7>(NDT7);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(status_of::<Ndt7>(&old), 400);
}

#[test]
fn queries_and_paths_that_stock_servers_refuse_are_refused_with_their_status() {
    for (uri, status) in [
        ("/ndt/v7/download?early_exit=250", 200),
        ("/ndt/v7/download?early_exit=100", 400),
        ("/ndt/v7/upload?early_exit=100", 400),
        ("/ndt/v7/sideways", 404),
    ] {
        assert_eq!(status_of::<Ndt7>(&request::<Ndt7>(uri)), status, "{uri}");
    }
    for (query, status) in [
        ("download?streams=1&mid=a", 200),
        ("download?mid=a", 400),
        ("download?streams=1&mid=a&duration=x", 400),
        ("sideways?streams=1&mid=a", 404),
    ] {
        let uri = format!("/throughput/v1/{query}");
        let status_of = status_of::<Throughput1>(&request::<Throughput1>(&uri));
        assert_eq!(status_of, status, "{uri}");
    }
}

#[test]
fn there_is_room_for_every_stream_of_a_test_and_then_a_source_gets_429() {
    let config = ServersConfig {
        max_per_source: 1,
        ..ServersConfig::default()
    };
    let tokens = Arc::new(Tokens::new(&config));
    let door = TestDoor::new(Throughput1::new(), &config, tokens, Arc::default());
    let wanted = request::<Throughput1>("/throughput/v1/download?streams=4&mid=a");
    let peer = "192.0.2.1:5".parse().unwrap();
    let running: Vec<_> = (0..4).map(|_| door.grant(&wanted, peer).unwrap()).collect();
    let fifth = door.grant(&wanted, peer).unwrap_err();
    assert_eq!(fifth.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(running);
    assert!(door.grant(&wanted, peer).is_ok());
    let unnamed = request::<Throughput1>("/throughput/v1/download?streams=1");
    let refused = door.grant(&unnamed, peer).unwrap_err();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}
