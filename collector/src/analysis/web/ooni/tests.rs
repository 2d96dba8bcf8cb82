//! The OONI layer on every situation, and one test for each rule that no situation exercises.
use super::{Comparison, OoniKeys, compare, keys};
use crate::analysis::web::Facts;
use crate::analysis::web::facts::{Control, ControlHttp, Response};
use crate::analysis::web::scenarios::{self, Build, Helper, Page, Via};
use serde_json::{Value, json};
use tonle_wire::ooni::Measurement;

const URL: &str = "https://www.example.com/";
const NAME: &str = "www.example.com";
const SITE: &str = "93.184.216.34";
const PEER: &str = "93.184.216.34:443";
const PAGE: Page = Page {
    status: 200,
    title: "Default Web Page",
    bytes: 1_533,
    headers: &["Alt-Svc", "Date"],
    truncated: false,
};

pub(crate) fn facts(json: &Value) -> Facts {
    Facts::from_ooni(&Measurement::parse(json.to_string().as_bytes()).unwrap())
}

fn keys_of(build: &Build) -> OoniKeys {
    keys(&facts(&build.json()))
}

/// Numbers are equal when their values are: the proportion is 0 and 0.0.
fn assert_keys(name: &str, found: &OoniKeys, expected: &[(&str, Value)]) {
    let found = serde_json::to_value(found).unwrap();
    for (key, expected) in expected {
        let same = match (&found[key], expected) {
            (Value::Number(found), Value::Number(expected)) => found.as_f64() == expected.as_f64(),
            (found, expected) => found == expected,
        };
        assert!(same, "{name}: {key} is {}, not {expected}", found[key]);
    }
}

#[test]
fn every_situation_gives_exactly_the_keys_of_ooni() {
    let rows = scenarios::expected();
    assert_eq!(rows.len(), scenarios::count());
    for row in rows {
        assert_eq!(row.keys.len(), 14);
        let found = keys_of(&scenarios::measurement(row.name));
        assert_keys(row.name, &found, &row.keys);
    }
}

#[test]
fn web_connectivity_0_4_gives_the_same_keys_and_no_flags() {
    for mut row in scenarios::expected() {
        if !row.holds_for_0_4 {
            continue;
        }
        let found = keys(&facts(&scenarios::measurement(row.name).json_0_4()));
        row.keys.retain(|(key, _)| !key.ends_with("_flags"));
        assert_keys(row.name, &found, &row.keys);
        assert_eq!(found.x_blocking_flags, None);
    }
}

#[test]
fn a_measurement_of_0_5_without_any_event_has_flags() {
    let empty = json!({ "test_version": "0.5.28", "test_keys": {} });
    assert_eq!(keys(&facts(&empty)).x_blocking_flags, Some(0));
}

/// A lookup by everybody that gives `address`, and the page there, with the site's control.
fn at(address: &str) -> Build {
    Build::new(URL)
        .resolves(0, NAME, &[address])
        .tcp(0, &format!("{address}:443"), None)
        .control(Helper::of_site())
}

fn with_networks(build: &Build, network: u32) -> Value {
    let mut json = build.json();
    for query in json["test_keys"]["queries"].as_array_mut().unwrap() {
        if query["answers"].is_array() {
            query["answers"][0]["asn"] = network.into();
        }
    }
    json
}

#[test]
fn an_address_of_the_controls_network_is_valid() {
    let other = at("93.184.216.99");
    let same = keys(&facts(&with_networks(&other, 15_133)));
    assert_eq!(
        (same.x_dns_flags, json!(same.dns_consistency)),
        (Some(0), json!("consistent"))
    );
    let foreign = keys(&facts(&with_networks(&other, 64_500)));
    assert_eq!(
        (foreign.x_dns_flags, json!(foreign.dns_consistency)),
        (Some(4), json!("inconsistent"))
    );
    let unknown = keys(&facts(&with_networks(&other, 0)));
    assert_eq!(unknown.x_dns_flags, Some(4));
}

#[test]
fn a_handshake_vouches_for_its_lookup_in_the_flags_and_not_in_the_classic_keys() {
    let build = Build::new(URL)
        .dns(0, Via::System, NAME, Ok(&["198.51.101.7"]))
        .tcp(0, "198.51.101.7:443", None)
        .tls(NAME, None)
        .get(URL, &PAGE)
        .control(Helper::of_site());
    let keys = keys_of(&build);
    assert_eq!(
        (keys.x_dns_flags, keys.x_blocking_flags),
        (Some(0), Some(32))
    );
    assert_eq!(json!(keys.dns_consistency), json!("inconsistent"));
}

#[test]
fn a_line_without_ipv6_is_no_interference() {
    let peer = "[2606:2800:220:1::1]:443";
    let build = |failure| {
        Build::new(URL)
            .resolves(0, NAME, &[SITE])
            .tcp(0, peer, Some(failure))
            .control(Helper::of_site().tcp(peer, None))
    };
    assert_eq!(
        keys_of(&build("network_unreachable")).x_blocking_flags,
        Some(0)
    );
    assert_eq!(
        keys_of(&build("host_unreachable")).x_blocking_flags,
        Some(0)
    );
    assert_eq!(
        keys_of(&build("connection_refused")).x_blocking_flags,
        Some(2)
    );
}

/// A response and a control's that have nothing in common but their status.
fn unlike() -> (Response, ControlHttp) {
    let response = Response {
        status: 200,
        body_bytes: 100,
        headers: vec![("server".into(), None), ("x-ours".into(), None)],
        title: "Something".into(),
        ..Response::default()
    };
    let control = ControlHttp {
        status: 200,
        body_bytes: 1_000,
        headers: vec!["server".into(), "x-theirs".into()],
        title: "Different".into(),
        ..ControlHttp::default()
    };
    (response, control)
}

fn compared(change: impl FnOnce(&mut Response, &mut ControlHttp)) -> Comparison {
    let (mut response, mut control) = unlike();
    change(&mut response, &mut control);
    let control = Control {
        http: Some(control),
        ..Control::default()
    };
    compare(&response, Some(&control))
}

#[test]
fn one_measure_beside_the_status_is_enough_for_the_same_page() {
    assert!(compared(|_, _| ()).differs());
    assert!(!compared(|ours, _| ours.headers.push(("x-theirs".into(), None))).differs());
    assert!(!compared(|ours, _| ours.title = "different".into()).differs());
    assert!(!compared(|ours, _| ours.body_bytes = 900).differs());
    let no_length = compared(|ours, _| (ours.status, ours.body_bytes) = (404, 1_000));
    assert!(no_length.differs());
}

#[test]
fn lengths_match_above_seven_tenths_only() {
    assert_eq!(
        compared(|ours, _| ours.body_bytes = 700).body_length_match,
        Some(false)
    );
    assert_eq!(
        compared(|ours, _| ours.body_bytes = 701).body_length_match,
        Some(true)
    );
    let truncated = compared(|ours, _| ours.truncated = true);
    assert_eq!(
        (truncated.body_length_match, truncated.body_proportion),
        (None, 0.0)
    );
    assert_eq!(
        compared(|ours, _| ours.body_bytes = 0).body_length_match,
        None
    );
    assert_eq!(
        compared(|_, control| control.body_bytes = -1).body_length_match,
        None
    );
}

#[test]
fn a_control_that_was_refused_says_nothing_of_another_status() {
    let status = |ours_status, theirs| {
        compared(|ours, control| (ours.status, control.status) = (ours_status, theirs))
    };
    assert_eq!(status(200, 403).status_code_match, None);
    assert!(status(200, 403).differs());
    assert_eq!(status(403, 403).status_code_match, Some(true));
    assert_eq!(status(403, 200).status_code_match, Some(false));
    assert_eq!(status(200, -1).headers_match, None);
}

#[test]
fn the_twenty_five_common_headers_say_nothing() {
    let common = super::diff::COMMON_HEADERS;
    assert_eq!(common.len(), 25);
    for name in common {
        let same = compared(|ours, control| {
            ours.headers = vec![(name.to_owned(), None)];
            control.headers = vec![name.to_owned()];
        });
        assert_eq!(same.headers_match, Some(false), "{name}");
    }
}

#[test]
fn words_of_a_title_count_from_five_bytes_on() {
    let titles = |ours: &str, theirs: &str| {
        compared(|response, control| {
            response.title = ours.to_owned();
            control.title = theirs.to_owned();
        })
        .title_match
    };
    assert_eq!(
        titles("Home page of Example", "Away from Example"),
        Some(true)
    );
    assert_eq!(titles("Welcome Example", "Example"), Some(false));
    assert_eq!(titles("EXAMPLE", "example"), Some(true));
    assert_eq!(titles("", ""), Some(true));
}

#[test]
fn connections_that_only_check_an_address_are_no_part_of_the_walk() {
    let build = Build::new(URL)
        .resolves(0, NAME, &[SITE])
        .check(0, PEER, Some("connection_reset"))
        .control(Helper::of_site());
    let keys = keys_of(&build);
    assert_eq!(json!(keys.blocking), Value::Null);
    assert_eq!(keys.x_blocking_flags, Some(2));
}

#[test]
fn addresses_that_only_the_control_found_are_no_part_of_the_walk() {
    let build = Build::new(URL)
        .dns(0, Via::System, NAME, Ok(&["93.184.216.35"]))
        .tcp(0, PEER, None)
        .tls(NAME, None)
        .get(URL, &PAGE)
        .control(Helper::of_site());
    let keys = keys_of(&build);
    assert_eq!(
        (json!(keys.blocking), keys.accessible),
        (json!("dns"), Some(false))
    );
    assert_eq!(keys.comparison, Comparison::default());
}

#[test]
fn the_deepest_page_and_success_are_asked_first() {
    let build = Build::new(URL)
        .resolves(0, NAME, &[SITE, "93.184.216.35"])
        .tcp(0, PEER, Some("connection_reset"))
        .tcp(0, "93.184.216.35:443", None)
        .tls(NAME, None)
        .get(URL, &PAGE)
        .control(Helper::of_site());
    assert_eq!(keys_of(&build).accessible, Some(true));
    let deeper = build
        .resolves(1, NAME, &[SITE])
        .tcp(1, PEER, None)
        .tls(NAME, None)
        .get_fails(URL, "eof_error");
    assert_eq!(json!(keys_of(&deeper).blocking), json!("http-failure"));
}

#[test]
fn a_controls_handshake_counts_for_its_own_server_name_only() {
    let build = |control_name| {
        let control = Helper::resolved(&[SITE])
            .tcp(PEER, None)
            .tls(PEER, control_name, None)
            .page(&PAGE);
        Build::new(URL)
            .resolves(0, NAME, &[SITE])
            .tcp(0, PEER, None)
            .tls(NAME, Some("connection_reset"))
            .control(control)
    };
    assert_eq!(keys_of(&build(NAME)).x_blocking_flags, Some(4));
    assert_eq!(keys_of(&build("other.example")).x_blocking_flags, Some(0));
}

#[test]
fn an_inconsistent_lookup_is_blamed_for_what_would_be_unknown_or_down() {
    let refused = |control: Helper| {
        let build = Build::new(URL)
            .dns(0, Via::System, NAME, Ok(&["198.51.101.7"]))
            .tcp(0, "198.51.101.7:443", Some("connection_refused"))
            .control(control.tcp("198.51.101.7:443", Some("connect_error")));
        keys_of(&build)
    };
    let down = refused(Helper::of_site());
    assert_eq!(
        (json!(down.blocking), down.accessible),
        (json!("dns"), Some(false))
    );
    let unmeasured = Build::new(URL)
        .dns(0, Via::System, NAME, Ok(&["198.51.101.7"]))
        .control(Helper::of_site());
    assert_eq!(json!(keys_of(&unmeasured).blocking), json!("dns"));
}

#[test]
fn answers_of_redirects_are_not_compared() {
    let build = Build::new(URL)
        .resolves(0, NAME, &[SITE])
        .dns(1, Via::System, NAME, Ok(&["198.51.101.7"]))
        .control(Helper::of_site());
    let keys = keys_of(&build);
    assert_eq!(
        (keys.x_dns_flags, json!(keys.dns_consistency)),
        (Some(0), json!("consistent"))
    );
}

#[test]
fn only_the_first_failure_of_a_transaction_counts() {
    let mut json = Build::new(URL)
        .dns(0, Via::Udp, NAME, Err("dns_nxdomain_error"))
        .control(Helper::of_site())
        .json();
    assert_eq!(keys(&facts(&json)).x_dns_flags, Some(2));
    json["test_keys"]["queries"]
        .as_array_mut()
        .unwrap()
        .reverse();
    json["test_keys"]["queries"][0]["failure"] = "dns_no_answer".into();
    assert_eq!(keys(&facts(&json)).x_dns_flags, Some(0));
}

#[test]
fn failures_of_doh_and_missing_ipv6_addresses_say_nothing() {
    let doh = Build::new(URL)
        .dns(0, Via::Doh, NAME, Err("connection_reset"))
        .control(Helper::of_site());
    assert_eq!(keys_of(&doh).x_blocking_flags, Some(0));
    let site = at(SITE).tls(NAME, None).get(URL, &PAGE);
    assert_eq!(keys_of(&site).x_dns_flags, Some(0));
}

#[test]
fn a_name_without_address_for_the_control_too_is_down_without_a_failure() {
    let build = Build::new(URL)
        .dns(0, Via::System, NAME, Err("dns_no_answer"))
        .control(Helper::resolved(&[]).no_page("unknown_error"));
    let keys = keys_of(&build);
    assert_eq!(
        (json!(keys.blocking), keys.accessible),
        (json!(false), Some(false))
    );
    assert_eq!(keys.http_experiment_failure, None);
    assert_eq!(keys.x_null_null_flags, Some(1));
}

#[test]
fn a_failed_lookup_without_any_control_counts_as_reached() {
    let build = Build::new(URL)
        .dns(0, Via::System, NAME, Err("dns_nxdomain_error"))
        .no_control("connection_reset");
    let keys = keys_of(&build);
    assert_eq!(
        (json!(keys.blocking), keys.accessible),
        (json!(false), Some(true))
    );
}

#[test]
fn a_handshake_without_a_connection_is_left_out() {
    let mut json = at(SITE).tls(NAME, Some("connection_reset")).json();
    json["test_keys"]["tcp_connect"] = json!([]);
    assert_eq!(keys(&facts(&json)).x_blocking_flags, Some(0));
}

#[test]
fn a_control_without_what_was_asked_of_it_is_none() {
    let mut json = at(SITE).tls(NAME, Some("connection_reset")).json();
    json["test_keys"]["x_control_request"] = Value::Null;
    let keys = keys(&facts(&json));
    assert_eq!((json!(keys.blocking), keys.accessible), (Value::Null, None));
}
