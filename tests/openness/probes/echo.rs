//! Requests to the collector's echo in the lab: a proxy that alters them, boxes that mind a name in them,
//! and the twin in which nobody does.
use super::bench::Bench;
use crate::Check;
use libtest_mimic::Failed;

/// A proxy on the way to the collector's measurement servers that hands requests on by their `Host`, and
/// answers what it cannot read.
const PROXY: &str = r#"
[[host]]
name = "box"
addresses = ["203.189.131.18"]
up = { delay_ms = 10 }
down = { delay_ms = 10 }

[[service]]
host = "box"
kind = "proxy"
http_port = 8081
headers = { via = "1.1 box" }

[[middlebox]]
action = "divert"
to = "203.189.131.18"
port = 8081
"#;
/// The proxy takes every name for the collector: as those do that go on to where the client went.
const EVERY_NAME: &str = r#"
[[service]]
host = "box"
kind = "dns"
[[name]]
name = "blocked.test"
addresses = ["203.189.128.10"]
on = "box"

[[name]]
name = "example.com"
addresses = ["203.189.128.10"]
on = "box"
"#;
const RESET: &str = r#"
[[middlebox]]
action = "keyword"
keyword = "blocked.test"
port = 8081
does = { reset = "both" }
"#;
const DROP: &str = r#"
[[middlebox]]
action = "keyword"
keyword = "blocked.test"
port = 8081
does = "drop"
"#;
const PAGE: &str = r#"
[[middlebox]]
action = "keyword"
keyword = "blocked.test"
port = 8081
does = { block_page = "<h1>Not here</h1>" }
"#;

/// What this is called, what is added to the clean line, state, mechanism or reason, and the rules that
/// spoke, the deciding one first.
type Expected = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static [&'static str],
);

const EXPECTED: &[Expected] = &[
    ("nobody", &[], "ok", "", &["clean"]),
    (
        "a_reset",
        &[RESET],
        "likely_blocked",
        "http.reset",
        &["host_filtered"],
    ),
    (
        "a_drop",
        &[DROP],
        "likely_blocked",
        "http.timeout",
        &["host_filtered"],
    ),
    (
        "a_page",
        &[PAGE],
        "likely_blocked",
        "http.other",
        &["host_filtered"],
    ),
    (
        "a_proxy",
        &[PROXY, EVERY_NAME],
        "ok",
        "",
        &["headers_altered", "request_line_answered"],
    ),
    (
        "a_proxy_by_host",
        &[PROXY],
        "insufficient",
        "below_floor",
        &["host_alike", "headers_altered", "request_line_answered"],
    ),
    (
        "a_proxy_and_a_reset",
        &[RESET, PROXY, EVERY_NAME],
        "likely_blocked",
        "http.reset",
        &["host_filtered", "headers_altered", "request_line_answered"],
    ),
];

pub(crate) fn checks() -> Vec<Check> {
    let checks = EXPECTED.iter().map(|expected| {
        let (called, _, state, ..) = expected;
        let name = format!("interference_says_of_{called}_that_it_is_{state}");
        let check = move || is_judged(expected);
        (name, Box::new(check) as Box<_>)
    });
    checks.collect()
}

fn is_judged((_, more, state, why, rules): &Expected) -> Result<(), Failed> {
    let bench = Bench::start("clean", &more.concat())?;
    let said = bench.judged("interference", "http://blocked.test/")?;
    let overall = &said["tonle"]["overall"];
    let word = |key: &str| overall[key].as_str().unwrap_or_default().to_owned();
    let given = word("mechanism") + &word("reason");
    let fired = overall["rules"].as_array().into_iter().flatten();
    let fired: Vec<&str> = fired
        .filter_map(|one| one["rule"].as_str()?.strip_prefix("interference."))
        .collect();
    if word("state") != *state || given != *why || fired != *rules {
        return Err(format!("not {state} {why} by {rules:?}: {said:#}").into());
    }
    super::names_its_evidence(overall)
}
