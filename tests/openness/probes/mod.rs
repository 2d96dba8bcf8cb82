//! Probes in the lab: the agent's real program on a line that meddles and on its clean twin, and the
//! verdict of the collector's real program on the record.
mod bench;

use crate::Check;
use bench::Bench;
use libtest_mimic::Failed;
use serde_json::Value;

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
        ("throttled-sni", "throttling", "impaired", "throttle"),
        ("clean", "throttling", "ok", ""),
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
    checks.into()
}

fn is_judged(scenario: &str, experiment: &str, (state, why): (&str, &str)) -> Result<(), Failed> {
    let bench = Bench::start(scenario)?;
    let target = match experiment {
        "throttling" => "https://blocked.test/large",
        _ => "blocked.test",
    };
    let said = bench.judged(experiment, target)?;
    let overall = &said["tonle"]["overall"];
    let word = |key: &str| overall[key].as_str().unwrap_or_default().to_owned();
    let given = word("mechanism") + &word("reason");
    if word("state") != state || given != why {
        return Err(format!("not {state} {why}: {said:#}").into());
    }
    names_its_evidence(overall)
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
