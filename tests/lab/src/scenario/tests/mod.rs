//! Tests of reading scenarios: what is accepted, and what is said of the rest.
mod documents;
mod includes;
mod keys;

use super::model::{FlowAction, Loss, Rule, Scenario, ServiceKind};
use proptest::prelude::*;

const SMALL: &str = r#"
description = "two hosts"
[[host]]
name = "client"
addresses = ["10.1.0.2"]
[[host]]
name = "server"
addresses = ["198.51.100.1"]
"#;

fn problems(text: &str) -> Vec<String> {
    match Scenario::parse(text, "x.toml") {
        Ok(_) => Vec::new(),
        Err(bad) => bad.to_string().lines().map(str::to_owned).collect(),
    }
}

/// The problems of the small scenario with more text behind it.
fn with(more: &str) -> Vec<String> {
    problems(&format!("{SMALL}{more}"))
}

#[test]
fn a_small_scenario_is_read() {
    let scenario = Scenario::parse(SMALL, "x.toml").unwrap();
    assert_eq!(scenario.hosts.len(), 2);
    assert_eq!(scenario.seed, 0);
}

#[test]
fn every_problem_is_told_at_once_with_file_line_key_and_remedy() {
    let text = r#"description = "many slips"
[[host]]
name = "client"
addresses = ["10.1.0.2"]
up = { rate_kbit = 0, delay_ms = -1.5 }
[host.down]
rate_kbits = 5
[[service]]
host = "client"
kind = "htp"
"#;
    assert_eq!(
        problems(text),
        [
            "x.toml:5: host[0].up.delay_ms: is -1.5: a number from 0 to 600000 is wanted",
            "x.toml:5: host[0].up.rate_kbit: is 0: a whole number from 1 to 100000000 is wanted",
            "x.toml:7: host[0].down.rate_kbits: unknown key; rate_kbit is probably meant (known: \
             delay_ms, delay_variation_ms, rate_kbit, queue_bytes, loss, reorder, duplicate, mtu, \
             mtu_silent)",
            "x.toml:10: service[0].kind: unknown kind; http is probably meant (known: dns, doh, \
             dot, http, https, quic, proxy, tcp, udp_echo, command)",
        ]
    );
}

#[test]
fn a_key_of_another_kind_of_service_is_unknown() {
    let found = with("[[service]]\nhost = \"server\"\nkind = \"dns\"\nbody = \"x\"\n");
    assert_eq!(
        found,
        [
            "x.toml:12: service[0].body: unknown key of dns; known: kind, host, port, delay_ms, dnssec, instead_of_nxdomain, instead_of_nodata, identity"
        ]
    );
    let found = with("[[middlebox]]\naction = \"dns_drop\"\nrace = true\n");
    assert!(
        found[0].contains("middlebox[0].race: unknown key of dns_drop"),
        "{found:?}"
    );
}

#[test]
fn what_is_missing_is_named_with_the_line_of_its_table() {
    let found = with("[[service]]\nkind = \"tcp\"\nport = 7\n");
    assert_eq!(
        found,
        [
            "x.toml:9: service[0].does: is missing: one of echo, discard, silent, reset is wanted",
            "x.toml:9: service[0].host: is missing: a text in quotes is wanted",
        ]
    );
}

#[test]
fn broken_toml_names_its_line() {
    let found = problems("description = \"x\"\nseed = = 3\n");
    assert!(found[0].starts_with("x.toml:2: "), "{found:?}");
}

#[test]
fn hosts_are_checked_against_each_other() {
    let text = r#"description = "x"
[[host]]
name = "klient"
addresses = ["10.1.0.2", "10.1.0.3"]
resolvers = ["8.8.8.8", "2001:db8::53"]
routers = [{ addresses = ["10.1.0.3"] }, { addresses = [] }]
[[host]]
name = "klient"
addresses = ["10.1.0.2", "127.0.0.1"]
names = ["a..b"]
"#;
    let found = problems(text).join("\n");
    for expected in [
        "x.toml:2: host: no host is called client",
        "x.toml:8: host[1].name: a second host called \"klient\"",
        "x.toml:9: host[1].addresses[0]: 10.1.0.2 is already an address of klient",
        "x.toml:9: host[1].addresses[1]: 127.0.0.1 is a loopback address",
        "x.toml:10: host[1].names[0]: \"a..b\" is not a name",
        "x.toml:5: host[0].resolvers[0]: 8.8.8.8 is no host's address",
        "x.toml:5: host[0].resolvers[1]: klient has no IPv6 address",
        "x.toml:6: host[0].routers[0].addresses[0]: 10.1.0.3 is already an address",
        "x.toml:6: host[0].routers[1].addresses: a router has one IPv4",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
}

#[test]
fn services_names_and_middleboxes_are_checked_against_the_hosts() {
    let found = with(
        r#"
[[service]]
host = "sever"
kind = "dns"
[[service]]
host = "server"
kind = "https"
page = [{ path = "x" }, { body = "ab", cut_after_bytes = 2, headers = { Content-Length = "3" } }]
[[service]]
host = "server"
kind = "doh"
[[name]]
name = "a.test"
addresses = ["192.0.2.1"]
failure = "servfail"
on = "server"
[[name]]
name = "b.test"
on = "client"
[[middlebox]]
on = "router"
action = "quic_drop"
[[middlebox]]
after_routers = 1
action = "endpoint"
addresses = []
does = "drop"
"#,
    )
    .join("\n");
    for expected in [
        "service[0].host: no host is called \"sever\"; server is probably meant",
        "service[2].port: TCP port 443 of server is already taken by service[1]",
        "service[1].page[0].path: begins with /",
        "service[1].page[1].cut_after_bytes: cuts nothing: the body has 2 bytes",
        "service[1].page[1].headers.Content-Length: is written by the service itself",
        "name[0]: only one of addresses, cname and failure",
        "name[1].on: client has no service of kind dns, doh or dot",
        "middlebox[0].on: no host is called \"router\"",
        "middlebox[1].after_routers: client has only 0 routers",
        "middlebox[1].addresses: is empty",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
}

#[test]
fn links_are_checked() {
    let text = SMALL.replace(
        "addresses = [\"198.51.100.1\"]",
        "addresses = [\"2001:db8::1\"]\nup = { mtu = 1000 }\n\
         down = { mtu_silent = true, queue_bytes = 100, loss = { packets = [] } }\n\
         change = [{ at_ms = 5 }]",
    );
    let found = problems(&text).join("\n");
    for expected in [
        "host[1].up.mtu: 1000 is too small for IPv6",
        "host[1].down.mtu_silent: has no meaning without mtu",
        "host[1].down.queue_bytes: has no meaning without rate_kbit",
        "host[1].down.queue_bytes: 100 is less than one packet",
        "host[1].down.loss.packets: is empty",
        "host[1].change[0]: changes nothing",
    ] {
        assert!(found.contains(expected), "{expected}\nnot in\n{found}");
    }
}

#[test]
fn tables_of_one_key_become_what_they_say() {
    let scenario = Scenario::parse(
        &format!(
            "{SMALL}down = {{ loss = {{ every = 20 }}, delay_ms = 20 }}\n[[middlebox]]\n\
             action = \"sni\"\nnames = [\"a.test\"]\ndoes = {{ throttle = {{ rate_kbit = 8 }} }}\n\
             [[service]]\nhost = \"server\"\nkind = \"command\"\ncommand = [\"x\"]\n"
        ),
        "x.toml",
    )
    .unwrap();
    assert_eq!(scenario.hosts[1].down.loss, Some(Loss::Every(20)));
    let Rule::Sni { does, .. } = &scenario.middleboxes[0].rule else {
        panic!("another rule");
    };
    let throttle = FlowAction::Throttle {
        rate_kbit: 8,
        burst_bytes: 0,
    };
    assert_eq!(*does, throttle);
    assert!(matches!(
        scenario.services[0].kind,
        ServiceKind::Command {
            ready_within_ms: 20_000,
            ..
        }
    ));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}") {
        let _ = Scenario::parse(&text, "x");
    }

    #[test]
    fn no_change_to_a_scenario_makes_reading_panic(
        at in any::<prop::sample::Index>(),
        put in prop_oneof!["\\PC{0,3}", "[\\[\\]{}=\".#0-9a-z\\n-]{0,6}"],
        cut in 0_usize..30,
    ) {
        let text = include_str!("../../../scenarios/everything.toml");
        let text = &text.replace("include =", "# include =");
        let begin = text.floor_char_boundary(at.index(text.len()));
        let end = text.ceil_char_boundary((begin + cut).min(text.len()));
        let changed = format!("{}{put}{}", &text[..begin], &text[end..]);
        if let Err(bad) = Scenario::parse(&changed, "x") {
            prop_assert!(!bad.problems().is_empty());
        }
    }

    #[test]
    fn numbers_of_any_size_are_answered(number in prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:?}")),
        Just("99999999999999999999999".to_owned()),
        Just("inf".to_owned()),
        Just("nan".to_owned()),
        Just("0xff".to_owned()),
        Just("1_000".to_owned()),
    ]) {
        for key in ["delay_ms", "rate_kbit", "queue_bytes", "mtu"] {
            let _ = Scenario::parse(&format!("{SMALL}up = {{ {key} = {number} }}"), "x");
        }
    }
}
