//! The probe of resolvers in the lab: each way of meddling with names, and the twin in which nobody does.
use super::bench::Bench;
use crate::Check;
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// Scenario, state, mechanism or reason, and the rules that spoke, the deciding one first.
type Expected = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const EXPECTED: &[Expected] = &[
    ("honest", "ok", "", &["certificate"]),
    ("nxdomain", "ok", "", &["certificate", "nxdomain_hijacked"]),
    ("nodata", "ok", "", &["certificate", "nodata_replaced"]),
    (
        "injected",
        "likely_blocked",
        "dns.injection.other",
        &["injected", "public_differs"],
    ),
    (
        "injected-race",
        "likely_blocked",
        "dns.injection.other",
        &["injected", "public_differs"],
    ),
    (
        "raced",
        "likely_blocked",
        "dns.injection.other",
        &["raced", "public_differs"],
    ),
    (
        "tampered",
        "likely_blocked",
        "dns.injection.other",
        &["tampered", "public_differs"],
    ),
    ("proxy-honest", "ok", "", &["certificate", "proxied"]),
    (
        "proxy-lying",
        "likely_blocked",
        "dns.injection.other",
        &["tampered", "proxied", "public_differs"],
    ),
    (
        "forged",
        "likely_blocked",
        "dns.injection.other",
        &["forged"],
    ),
    (
        "sinkhole",
        "blocked",
        "dns.injection.blockpage",
        &["forged"],
    ),
    ("bogon", "blocked", "dns.injection.bogon", &["forged"]),
    ("denied", "likely_blocked", "dns.nxdomain", &["denied"]),
    ("servfail", "insufficient", "below_floor", &["unclear"]),
    ("dropped", "insufficient", "below_floor", &["unclear"]),
    ("dot-blocked", "ok", "", &["certificate", "dot_blocked"]),
    ("doh-blocked", "ok", "", &["certificate", "doh_blocked"]),
    (
        "unsigned",
        "ok",
        "",
        &["certificate", "dnssec_stripped", "not_validating"],
    ),
    ("unchecked", "ok", "", &["certificate", "not_validating"]),
    ("portal", "insufficient", "invalid_run", &[]),
];

pub(crate) fn checks() -> Vec<Check> {
    let checks = EXPECTED.iter().map(|expected| {
        let (scenario, state, ..) = expected;
        let name = format!("dns_integrity_says_of_{scenario}_that_it_is_{state}");
        let check = move || is_judged(expected);
        (name, Box::new(check) as Box<_>)
    });
    checks.collect()
}

fn is_judged((scenario, state, why, rules): &Expected) -> Result<(), Failed> {
    let bench = Bench::start(&format!("openness/resolvers-{scenario}"), "")?;
    let said = bench.judged("dns_integrity", "site.test")?;
    let overall = &said["tonle"]["overall"];
    let word = |key: &str| overall[key].as_str().unwrap_or_default().to_owned();
    let given = word("mechanism") + &word("reason");
    let fired = overall["rules"].as_array().into_iter().flatten();
    let fired: Vec<&str> = fired
        .filter_map(|one| one["rule"].as_str()?.strip_prefix("dns_integrity."))
        .collect();
    if word("state") != *state || given != *why || fired != *rules {
        return Err(format!("not {state} {why} by {rules:?}: {said:#}").into());
    }
    if *why != "invalid_run" {
        keys_by_resolver(&said["tonle"]["effect"])?;
    }
    super::names_its_evidence(overall)
}

/// The network of the device's resolver stands in the verdict, and no more of it than that.
fn keys_by_resolver(effect: &Value) -> Result<(), Failed> {
    if effect["resolver"] == json!(["203.189.130.0"]) {
        return Ok(());
    }
    Err(format!("another resolver than the operator's: {effect:#}").into())
}
