//! Probes in the lab: the agent's real program on a line that meddles and on its clean twin, and the
//! verdict of the collector's real program on the record.
pub(crate) mod bench;
mod echo;
mod localise;
mod resolvers;

use crate::Check;
use bench::Bench;
use libtest_mimic::Failed;
use serde_json::Value;

/// Where Telegram's programs connect.
const TELEGRAM: &str = r#"
[[host]]
name = "telegram"
addresses = ["149.154.175.50", "149.154.167.51", "149.154.175.100", "149.154.167.91", "149.154.171.5", "95.161.76.100"]
names = ["web.telegram.org"]

[[service]]
host = "telegram"
kind = "https"

[[service]]
host = "telegram"
kind = "http"
"#;
const TELEGRAM_BLOCKED: &str = r#"
[[middlebox]]
action = "sni"
names = ["telegram.org"]
does = { reset = "both" }
"#;
/// On the server's own line, so that the control meets it as well.
const DOWN: &str = r#"
[[middlebox]]
on = "blocked"
action = "sni"
names = ["blocked.test"]
does = { reset = "both" }
"#;
pub(crate) fn checks() -> Vec<Check> {
    let expected = [
        (
            "blocked-sni-reset",
            "sni",
            "likely_blocked",
            "tls.reset.sni",
        ),
        ("blocked-sni-drop", "sni", "likely_blocked", "tls.timeout"),
        ("clean", "sni", "ok", ""),
        ("clean", "sni", "down", ""),
        ("openness/ech-reset", "ech", "likely_blocked", "tls.ech"),
        ("openness/ech-dropped", "ech", "likely_blocked", "tls.ech"),
        (
            "openness/ech-dropped-by-name",
            "ech",
            "likely_blocked",
            "tls.ech",
        ),
        ("openness/ech-clean", "ech", "ok", ""),
        (
            "openness/ech-intolerant",
            "ech",
            "insufficient",
            "below_floor",
        ),
        ("blocked-sni-reset", "ech", "insufficient", "below_floor"),
        ("throttled-sni", "throttling", "impaired", "throttle"),
        ("clean", "throttling", "ok", ""),
        ("clean", "services", "likely_blocked", "tls.reset.other"),
        ("clean", "services", "ok", ""),
        (
            "openness/quic-dropped-to-all",
            "quic",
            "impaired",
            "quic.dropped",
        ),
        (
            "openness/quic-dropped-by-name",
            "quic",
            "likely_blocked",
            "quic.sni",
        ),
        ("openness/quic-clean", "quic", "ok", ""),
        // A name that is cut off has no rate: that is the other probe's to say.
        (
            "blocked-sni-reset",
            "throttling",
            "insufficient",
            "below_floor",
        ),
    ];
    let checks = expected.map(|(scenario, experiment, state, why)| {
        let name = format!("{experiment}_says_of_{scenario}_that_it_is_{state}");
        let check = move || is_judged(scenario, experiment, (state, why));
        (name, Box::new(check) as Box<_>)
    });
    checks
        .into_iter()
        .chain(resolvers::checks())
        .chain(echo::checks())
        .chain(localise::checks())
        .collect()
}

fn is_judged(scenario: &str, experiment: &str, (state, why): (&str, &str)) -> Result<(), Failed> {
    let target = match experiment {
        "throttling" => "https://blocked.test/large",
        "services" => "telegram",
        _ => "blocked.test",
    };
    let more = match (experiment, state) {
        ("services", "likely_blocked") => format!("{TELEGRAM}{TELEGRAM_BLOCKED}"),
        ("services", _) => TELEGRAM.to_owned(),
        ("sni", "down") => DOWN.to_owned(),
        _ => String::new(),
    };
    let bench = Bench::start(scenario, &more)?;
    let said = bench.judged(experiment, target)?;
    let overall = &said["tonle"]["overall"];
    let word = |key: &str| overall[key].as_str().unwrap_or_default().to_owned();
    let given = word("mechanism") + &word("reason");
    if word("state") != state || given != why {
        return Err(format!("not {state} {why}: {said:#}").into());
    }
    if experiment == "sni" && state == "likely_blocked" {
        names_the_control(overall)?;
    }
    names_its_evidence(overall)
}

/// The control server of the same scenario reaches what the line does not.
fn names_the_control(overall: &Value) -> Result<(), Failed> {
    let rules = overall["rules"].as_array();
    let mut rules = rules.into_iter().flatten();
    if rules.any(|fired| fired["rule"] == "sni.elsewhere") {
        return Ok(());
    }
    Err(format!("no control: {overall:#}").into())
}

fn names_its_evidence(overall: &Value) -> Result<(), Failed> {
    let fired = &overall["rules"][0]["observations"];
    let is_named = fired
        .as_array()
        .is_some_and(|pointers| !pointers.is_empty());
    if is_named || overall["state"] == "insufficient" {
        return Ok(());
    }
    Err(format!("no evidence: {overall:#}").into())
}
