//! The device's addresses, its name and its secrets are planted wherever a far side can put them, in every form
//! that the tests know; then every byte that agent and collector wrote or said is looked through.
//!
//! What was planted must have been received: each plant has a mark beside it that the record has to hold.
mod needles;
mod scan;
mod world;

use crate::Check;
use crate::probes::bench::COLLECTOR_LOG;
use libtest_mimic::Failed;
use needles::Needle;
use scan::{Allowed, Scan};
use serde_json::Value;
use std::fmt::Write as _;
use world::{DEVICE_NAME, LOCATE, MAC, Planted, TOKENS, TYPED, device, halves, secrets};

/// What is measured, and the marks that its records must hold.
const MEASURED: &[(&str, &str, &[&str])] = &[
    (
        "web_connectivity",
        "http://planted.test/body",
        &["planted-body"],
    ),
    (
        "web_connectivity",
        "http://planted.test/headers",
        &["x-planted"],
    ),
    (
        "web_connectivity",
        "http://planted.test/away",
        &["planted-away"],
    ),
    (
        "web_connectivity",
        "https://planted.test/",
        &["planted-certificate"],
    ),
    (
        "web_connectivity",
        "http://cname.planted.test/body",
        &["planted-alias", "planted-body"],
    ),
    (
        "web_connectivity",
        "http://self.planted.test/",
        &["self.planted.test"],
    ),
    // Nothing is planted here: exports withhold what holds an address at all.
    ("web_connectivity", "https://open.test/", &["open.test"]),
    (
        "web_page",
        "https://planted.test/",
        &["planted-certificate"],
    ),
    ("dns", "cname.planted.test", &["cname.planted.test"]),
    ("dns", "self.planted.test", &["self.planted.test"]),
    (
        "dns_integrity",
        "planted.test",
        &["planted-certificate", "\"says\""],
    ),
    ("dns_integrity", "self.planted.test", &["self.planted.test"]),
    ("interference", "planted.test", &["echo"]),
    ("sni", "planted.test", &["planted-certificate"]),
    ("latency", "planted.test", &["planted.test"]),
    ("path", "planted.test", &["planted.test"]),
    ("stamp", "", &["stamp"]),
    ("throughput", LOCATE, &["planted-machine", "ndt/v7"]),
    ("throughput", TYPED, &["ndt/v7"]),
];

/// The same behind a portal.
const BEHIND_A_PORTAL: &[(&str, &str, &[&str])] = &[(
    "web_connectivity",
    "https://open.test/",
    &["planted-portal"],
)];

/// What may stand where it does.
const ALLOWED: &[Allowed] = &[Allowed {
    file: "/agent/identity.key",
    what: "the agent's secret key",
    reason: "its own file, which only the agent reads",
}];

pub(crate) fn checks() -> Vec<Check> {
    let check = |name: &str, check: fn() -> Result<(), Failed>| -> Check {
        (format!("planted::{name}"), Box::new(check))
    };
    vec![
        check("nothing_of_the_volunteers_is_written_or_said", || {
            let planted = Planted::start()?;
            let mut said = measured(&planted, MEASURED)?;
            said.extend(planted.uploaded()?);
            let halves = halves(&planted)?;
            if halves.len() < 2 * MEASURED.len() {
                return Err(format!("the journal holds {} halves only", halves.len()).into());
            }
            nothing_is_written(&planted, &said, &halves)
        }),
        check("nothing_that_a_portal_knows_is_written", || {
            let planted = Planted::behind_a_portal()?;
            let said = measured(&planted, BEHIND_A_PORTAL)?;
            nothing_is_written(&planted, &said, &[])
        }),
    ]
}

/// Measures each; what the agent said.
fn measured(
    planted: &Planted,
    wanted: &[(&str, &str, &[&str])],
) -> Result<Vec<(String, String)>, Failed> {
    let mut said = Vec::new();
    for (experiment, target, marks) in wanted {
        let round = planted.measure(experiment, target)?;
        let kept = planted.last_record()?;
        received(experiment, target, marks, &round, &kept)?;
        said.push((format!("measure {experiment}"), round));
        said.push((format!("the record of {experiment}"), kept));
    }
    Ok(said)
}

fn nothing_is_written(
    planted: &Planted,
    said: &[(String, String)],
    halves: &[(String, Vec<u8>)],
) -> Result<(), Failed> {
    let mut needles: Vec<Needle> = device().into_iter().flat_map(needles::of_address).collect();
    needles.extend(needles::of_name(DEVICE_NAME));
    for token in TOKENS {
        needles.extend(needles::of_text("a server's token", token.as_bytes()));
    }
    needles.extend(secrets(planted)?);
    needles.extend(needles::of_text("a hardware address", MAC.as_bytes()));
    let mut scan = Scan::new(&needles, ALLOWED)?;
    for (name, text) in said {
        scan.text(name, text.as_bytes());
    }
    for (name, bytes) in halves {
        scan.text(name, bytes);
    }
    let log = std::fs::read(planted.home().join(COLLECTOR_LOG))?;
    if log.is_empty() {
        return Err("the collector logs nothing: there is nothing to look through".into());
    }
    scan.text(COLLECTOR_LOG, &log);
    for folder in ["agent", "collector"] {
        scan.folder(&planted.home().join(folder))?;
    }
    let unneeded = ALLOWED
        .iter()
        .filter(|one| !scan.needed.contains(one.reason));
    let unneeded: Vec<&str> = unneeded.map(|one| one.reason).collect();
    match (scan.found().as_str(), unneeded.as_slice()) {
        ("", []) => Ok(()),
        ("", unneeded) => Err(format!("allowed and not there: {unneeded:?}").into()),
        (found, _) => Err(format!("in {} bytes:\n{found}", scan.bytes).into()),
    }
}

/// What was planted came through: a test of what was never sent would prove nothing.
fn received(
    experiment: &str,
    target: &str,
    marks: &[&str],
    round: &str,
    kept: &str,
) -> Result<(), Failed> {
    let read: Value = serde_json::from_str(round)?;
    let observations = &read["records"][0]["observations"];
    let mut missing = String::new();
    for mark in marks.iter().filter(|mark| !kept.contains(*mark)) {
        let _ = write!(missing, " {mark}");
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("{experiment} {target} did not receive{missing}: {observations:#}").into())
}
