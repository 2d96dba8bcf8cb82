//! What the reader of OONI measurements takes, and what it refuses.
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(value: &Value) -> Measurement {
    Measurement::parse(value.to_string().as_bytes()).unwrap()
}

fn keys(value: &Value) -> TestKeys {
    read(&json!({ "test_keys": value })).test_keys.unwrap()
}

#[test]
fn null_absent_and_wrong_type_are_the_same() {
    for odd in [Value::Null, json!(7), json!("x"), json!([[]]), json!({})] {
        let measurement = read(&json!({ "test_keys": {
            "queries": odd, "control": { "tcp_connect": odd, "dns": odd }, "x_dns_whoami": odd,
        }}));
        let keys = measurement.test_keys.unwrap();
        let empty = |queries: &[Query]| queries.iter().all(|query| *query == Query::default());
        assert!(empty(&keys.queries), "{odd}");
        let control = keys.control.unwrap();
        assert!(control.tcp_connect.is_empty(), "{odd}");
        let dns = control.dns.unwrap_or_default();
        assert_eq!(dns, ControlDns::default(), "{odd}");
    }
    assert_eq!(read(&json!({})), Measurement::default());
}

#[test]
fn the_place_of_an_entry_is_that_in_the_file() {
    let keys = keys(&json!({ "queries": [null, 5, { "hostname": "example.org" }] }));
    assert_eq!(keys.queries.len(), 3);
    assert_eq!(keys.queries[2].hostname.as_deref(), Some("example.org"));
}

#[test]
fn a_failure_that_is_false_is_none() {
    let keys = keys(&json!({ "tcp_connect": [
        { "ip": "1.1.1.1", "port": 80, "status": { "failure": false, "success": true } },
    ]}));
    let status = keys.tcp_connect[0].status.as_ref().unwrap();
    assert_eq!(
        (status.failure.as_ref(), status.success),
        (None, Some(true))
    );
}

#[test]
fn bodies_and_headers_may_be_base64() {
    let keys = keys(&json!({ "requests": [{ "response": {
        "body": { "format": "base64", "data": "AAEC/w==" },
        "headers": { "Server": "first" },
        "headers_list": [["Server", "a"], ["X-Odd", { "format": "base64", "data": "aGk=" }], 3, ["x"]],
    }}, { "response": { "body": { "format": "base64", "data": "%" }, "headers": { "A": "b" } }}]}));
    let response = keys.requests[0].response.as_ref().unwrap();
    assert_eq!(response.body.bytes(), Some(&[0, 1, 2, 255][..]));
    let lines = [("Server", "a"), ("X-Odd", "hi")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(response.headers(), lines);
    let second = keys.requests[1].response.as_ref().unwrap();
    assert_eq!(second.body.bytes(), None);
    assert_eq!(second.headers().len(), 1);
}

#[test]
fn tags_say_depth_and_purpose() {
    let query = |tags: Value| {
        keys(&json!({ "queries": [{ "tags": tags }] }))
            .queries
            .remove(0)
    };
    let tagged = query(json!(["classic", "depth=3", "fetch_body=false"]));
    assert_eq!(
        (tagged.depth(), tagged.fetches_body()),
        (Some(3), Some(false))
    );
    let bare = query(json!(["depth=x", 4]));
    assert_eq!((bare.depth(), bare.fetches_body()), (None, None));
}

#[test]
fn the_start_is_read_as_utc() {
    let measurement = read(&json!({ "measurement_start_time": "2026-11-10 05:00:00" }));
    assert_eq!(measurement.start_s(), Some(1_794_286_800));
    assert_eq!(
        read(&json!({ "measurement_start_time": "soon" })).start_s(),
        None
    );
}

#[test]
fn what_has_no_end_is_refused() {
    let many = vec![json!({}); EVENTS_MAX + 1];
    let text = json!({ "test_keys": { "queries": many } }).to_string();
    let error = Measurement::parse(text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("more than 10000"), "{error}");
    let large = vec![b' '; MEASUREMENT_MAX_BYTES + 1];
    assert_eq!(
        Measurement::parse(&large),
        Err(BadMeasurement::TooLarge(
            MEASUREMENT_MAX_BYTES + 1,
            MEASUREMENT_MAX_BYTES
        ))
    );
    for no_object in ["[]", "[{}]", "null", "7", "{} {}", "{", ""] {
        assert!(
            Measurement::parse(no_object.as_bytes()).is_err(),
            "{no_object}"
        );
    }
    assert!(Measurement::parse(b"{\"input\":1,\"input\":2}").is_err());
}

#[test]
fn what_is_passed_over_may_be_nested_as_deep_as_it_likes() {
    for key in ["x", "input", "test_keys"] {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        let text = format!("{{\"{key}\":{deep}}}");
        assert_eq!(
            Measurement::parse(text.as_bytes()),
            Ok(Measurement::default())
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_=0-9.:]{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("test_keys".to_owned()),
        Just("queries".to_owned()),
        Just("answers".to_owned()),
        Just("control".to_owned()),
        Just("tcp_connect".to_owned()),
        Just("requests".to_owned()),
        Just("response".to_owned()),
        Just("body".to_owned()),
        Just("headers_list".to_owned()),
        Just("tags".to_owned()),
        Just("peer_certificates".to_owned()),
        "[a-z]{1,4}",
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_read(value in any_json()) {
        let wrapped = json!({ "test_keys": value });
        prop_assert!(Measurement::parse(wrapped.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Measurement::parse(&bytes);
    }
}
