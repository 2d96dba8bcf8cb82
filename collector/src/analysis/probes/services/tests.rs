//! What controls change in the verdict on a service.
use super::super::tests::{is, step};
use super::*;
use proptest::prelude::*;
use serde_json::json;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::State;

/// Steps of parts: `PART OPERATION FAILURE`, with `reach` tls.
fn part(group: &str, operation: &str, failure: Option<Failure>) -> Observation {
    step(
        operation,
        failure,
        json!({ "group": group, "reach": "tls" }),
    )
}

#[test]
fn a_service_is_blocked_only_by_what_no_outage_looks_like() {
    let reached = || part("a", "tls_handshake", None);
    let with_another = |more: &[Observation]| judge(&[&[reached()], more].concat());
    let cut = || part("b", "tls_handshake", Some(Failure::ConnectionReset));
    let connected = || part("b", "connect", None);
    let silent = || part("b", "connect", Some(Failure::GenericTimeout));
    let forged = || part("b", "resolve", Some(Failure::DnsBogon));
    let (ok, likely, insufficient) = (State::Ok, State::LikelyBlocked, State::Insufficient);
    is(&with_another(&[]), ok, "services.reached", "");
    is(
        &with_another(&[connected(), cut(), connected(), cut()]),
        likely,
        "services.cut",
        "tls.reset.other",
    );
    is(
        &with_another(&[forged()]),
        likely,
        "services.forged",
        "dns.injection.bogon",
    );
    let unreached = [
        vec![connected(), cut()],
        vec![connected(), cut(), connected(), cut(), silent()],
        vec![silent(), silent()],
        vec![forged(), part("b", "resolve", None), silent()],
        vec![part("b", "resolve", Some(Failure::DnsNxdomain))],
    ];
    for steps in unreached {
        is(
            &with_another(&steps),
            insufficient,
            "services.unreached",
            "no_control",
        );
    }
    let said = with_another(&[silent(), reached(), part("b", "tls_handshake", None)]);
    is(&said, ok, "services.reached", "");
    assert_eq!(
        said.effect.unwrap(),
        json!({ "a": "reached", "b": "reached" })
    );
    is(&judge(&[]), insufficient, "services.nothing", "invalid_run");
}

const HOST: &str = "chat.example";
const PEER: &str = "192.0.2.1:443";

/// A step at the part's place.
fn at_place(operation: &str, reach: &str, failure: Option<Failure>) -> Observation {
    let detail = json!({
        "group": "chat", "reach": reach, "endpoint": format!("{HOST}:443"), "asns": [64_500],
    });
    let mut seen = step(operation, failure, detail);
    seen.subject = Some(PEER.to_owned());
    seen
}

fn silent() -> Observation {
    at_place("connect", "tcp", Some(Failure::GenericTimeout))
}

/// What a control says of a host.
fn control_about(host: &str, answer: &Value) -> Observation {
    let request = json!({ "http_request": format!("https://{host}/") });
    let detail = json!({ "request": request.to_string(), "answer": answer.to_string() });
    step("control", None, detail)
}

fn control(answer: &Value) -> Observation {
    control_about(HOST, answer)
}

/// A control whose connection came to this.
fn connects(failure: Option<&str>) -> Observation {
    let seen = json!({ "status": failure.is_none(), "failure": failure });
    control(&json!({ "tcp_connect": { PEER: seen } }))
}

/// A control that connected, and whose handshake came to this.
fn shakes(failure: Option<&str>) -> Observation {
    let seen = json!({ "status": failure.is_none(), "failure": failure });
    let connected = json!({ "status": true, "failure": null });
    control(&json!({ "tcp_connect": { PEER: connected }, "tls_handshake": { PEER: seen } }))
}

const TIMEOUT: Option<&str> = Some("generic_timeout_error");

#[test]
fn a_part_that_a_control_reaches_is_kept_off_by_how_it_fails_here_repeatedly() {
    let likely = State::LikelyBlocked;
    for (failure, why) in [
        (Failure::GenericTimeout, "tcp.timeout"),
        (Failure::ConnectionRefused, "tcp.refused"),
        (Failure::ConnectionReset, "tcp.reset"),
        (Failure::NetworkUnreachable, "ip.unreachable"),
    ] {
        let one = || at_place("connect", "tcp", Some(failure.clone()));
        let said = judge(&[one(), one(), connects(None), connects(TIMEOUT)]);
        is(&said, likely, "services.kept_off", why);
        let pointers = &said.overall.rules[0].observations;
        assert!(
            pointers.contains(&"/observations/2/detail/answer".to_owned()),
            "{pointers:?}"
        );
        assert_eq!(said.effect.unwrap()["chat"], "kept_off");
    }
    let lookup = || {
        let detail = json!({ "group": "chat", "reach": "tls", "endpoint": HOST });
        step("resolve", Some(Failure::DnsNxdomain), detail)
    };
    let said = judge(&[lookup(), lookup(), shakes(None)]);
    is(&said, likely, "services.kept_off", "dns.nxdomain");
}

#[test]
fn a_part_that_no_control_reaches_is_down() {
    let said = judge(&[
        silent(),
        silent(),
        connects(TIMEOUT),
        connects(Some("connect_error")),
    ]);
    is(&said, State::Down, "services.down", "");
    let cut = || at_place("tls_handshake", "tls", Some(Failure::ConnectionReset));
    let said = judge(&[cut(), cut(), shakes(Some("connection_reset"))]);
    is(&said, State::Down, "services.down", "");
    let said = judge(&[cut(), cut(), shakes(None)]);
    is(
        &said,
        State::LikelyBlocked,
        "services.cut",
        "tls.reset.other",
    );
}

#[test]
fn a_control_that_does_not_know_the_programs_roots_reaches_the_part_all_the_same() {
    let late = || at_place("tls_handshake", "tls", Some(Failure::GenericTimeout));
    let said = judge(&[late(), late(), shakes(Some("ssl_unknown_authority"))]);
    is(
        &said,
        State::LikelyBlocked,
        "services.kept_off",
        "tls.timeout",
    );
}

#[test]
fn what_failed_once_or_was_asked_of_no_control_is_not_judged() {
    let other = control_about(
        "other.example",
        &json!({ "tcp_connect": { PEER: { "status": true } } }),
    );
    let mut unanswered = connects(None);
    unanswered.failure = Some(Failure::GenericTimeout);
    for seen in [
        vec![silent(), connects(None)],
        vec![silent(), silent(), other],
        vec![silent(), silent(), unanswered],
        vec![silent(), silent(), control(&json!({}))],
    ] {
        is(
            &judge(&seen),
            State::Insufficient,
            "services.unreached",
            "no_control",
        );
    }
}

#[test]
fn a_connection_to_another_network_than_the_services_does_not_reach_it() {
    let connected = || at_place("connect", "tcp", None);
    let answer = |here: u64, found: u64| {
        control(&json!({
            "dns": { "failure": null, "addrs": ["192.0.2.9"] },
            "ip_info": { "192.0.2.1": { "asn": here }, "192.0.2.9": { "asn": found } },
        }))
    };
    let said = judge(&[connected(), answer(64_666, 64_500)]);
    let injected = "dns.injection.other";
    is(&said, State::LikelyBlocked, "services.elsewhere", injected);
    for (here, found) in [(64_500, 64_500), (64_666, 64_777), (0, 64_500), (64_666, 0)] {
        let said = judge(&[connected(), answer(here, found)]);
        is(&said, State::Ok, "services.reached", "");
    }
    let vouched = at_place("tls_handshake", "tls", None);
    let said = judge(&[vouched, answer(64_666, 64_500)]);
    is(&said, State::Ok, "services.reached", "");
}

#[test]
fn interference_with_one_part_outweighs_an_outage_of_another() {
    let mut gone = step(
        "connect",
        Some(Failure::GenericTimeout),
        json!({
            "group": "web", "reach": "tcp", "endpoint": "web.example:443",
        }),
    );
    gone.subject = Some("192.0.2.2:443".to_owned());
    let down = json!({ "tcp_connect": { "192.0.2.2:443": { "status": false } } });
    let down = control_about("web.example", &down);
    let said = judge(&[gone.clone(), gone, down, silent(), silent(), connects(None)]);
    is(
        &said,
        State::LikelyBlocked,
        "services.kept_off",
        "tcp.timeout",
    );
    assert_eq!(
        said.effect.unwrap(),
        json!({ "chat": "kept_off", "web": "down" })
    );
}

proptest! {
    #[test]
    fn any_answer_of_a_control_is_read(request in "\\PC{0,60}", answer in "\\PC{0,60}", host in "\\PC{0,20}") {
        let detail = json!({ "request": request, "answer": answer });
        let _ = judge(&[silent(), step("control", None, detail)]);
        let _ = judge(&[silent(), control_about(&host, &json!({ "dns": { "addrs": [host] } }))]);
    }
}
