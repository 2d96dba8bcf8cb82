//! The JSON between probes and helpers, as stock programs write it.
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// As miniooni 3.30 asks.
const REQUEST: &str = r#"{"http_request":"https://site.example/","http_request_headers":{"Accept":["*/*"],"Accept-Language":["en-US;q=0.8"],"User-Agent":["Mozilla/5.0"]},"tcp_connect":["198.51.100.7:443","[2001:db8::7]:443"],"x_quic_enabled":false}"#;
/// As oohelperd 3.30 answers.
const ANSWER: &str = r#"{"tcp_connect":{"198.51.100.7:443":{"status":true,"failure":null}},"tls_handshake":{"198.51.100.7:443":{"server_name":"site.example","status":false,"failure":"ssl_unknown_authority"}},"quic_handshake":{},"http_request":{"body_length":-1,"discovered_h3_endpoint":"","failure":"unknown_error","title":"","headers":{},"status_code":-1},"http3_request":null,"dns":{"failure":null,"addrs":["198.51.100.7"]},"ip_info":{"198.51.100.7":{"asn":64500,"flags":3}}}"#;

#[test]
fn what_stock_programs_write_is_written_back_byte_for_byte() {
    let request = ControlRequest::parse(REQUEST.as_bytes()).unwrap();
    assert_eq!(request.http_request_headers["Accept"], ["*/*"]);
    assert_eq!(serde_json::to_string(&request).unwrap(), REQUEST);
    let answer = ControlResponse::parse(ANSWER.as_bytes()).unwrap();
    assert_eq!(answer.ip_info["198.51.100.7"].flags, Some(3));
    assert_eq!(serde_json::to_string(&answer).unwrap(), ANSWER);
}

#[test]
fn what_is_no_request_is_refused() {
    let long = vec![b' '; CONTROL_REQUEST_MAX_BYTES + 1];
    for bytes in [&long[..], b"", b"[]", b"7", b"{", b"{} x"] {
        assert!(ControlRequest::parse(bytes).is_err());
        assert!(ControlResponse::parse(bytes).is_err());
    }
}

#[test]
fn odd_values_of_a_request_count_as_absent() {
    for odd in [Value::Null, json!(7), json!([[]]), json!({ "a": 1 })] {
        let text = json!({
            "http_request": odd, "http_request_headers": odd,
            "tcp_connect": odd, "x_quic_enabled": odd,
        });
        let request = ControlRequest::parse(text.to_string().as_bytes()).unwrap();
        assert_eq!(request.http_request, None, "{odd}");
        assert!(request.tcp_connect.is_empty(), "{odd}");
    }
    let mixed = json!({ "http_request_headers": { "Accept": [1, "a", null], "User-Agent": "b" } });
    let request = ControlRequest::parse(mixed.to_string().as_bytes()).unwrap();
    assert_eq!(request.http_request_headers["Accept"], ["a"]);
    assert!(request.http_request_headers["User-Agent"].is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ControlRequest::parse(&bytes);
        let _ = ControlResponse::parse(&bytes);
    }

    #[test]
    fn whatever_is_asked_reads_back(
        page in "\\PC{0,60}",
        headers in proptest::collection::btree_map("[A-Za-z-]{1,20}", proptest::collection::vec("\\PC{0,20}", 0..3), 0..4),
        endpoints in proptest::collection::vec("\\PC{0,30}", 0..8),
    ) {
        let request = ControlRequest {
            http_request: Some(page),
            http_request_headers: headers,
            tcp_connect: endpoints,
            x_quic_enabled: Some(false),
        };
        let json = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(ControlRequest::parse(&json).unwrap(), request);
    }
}
