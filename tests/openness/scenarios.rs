//! Every situation with the agent's real program and real controls: OONI's result keys where its suite
//! has them, and our own verdict.
use crate::Check;
use crate::situations::{self, Situation};
use crate::table::{self, KEYS, Row};
use crate::world::{Judged, World};
use lab::scenario::model::Scenario;
use libtest_mimic::Failed;
use serde_json::Value;
use tonle_agent::evidence::envelope::Envelope;

pub(crate) fn checks() -> Vec<Check> {
    let checks = situations::all().map(|situation| {
        let name = format!("situations::{}", situation.name());
        (name, Box::new(move || check(&situation)) as Box<_>)
    });
    checks.collect()
}

fn check(situation: &Situation) -> Result<(), Failed> {
    let seen = see(situation, situation.read()?)?;
    if seen.wrong.is_empty() {
        return Ok(());
    }
    let packets = seen.world.keep_packets(situation.name())?;
    Err(format!(
        "{}\npackets: {}\nrecord: {:#}\nverdicts: {:#}",
        seen.wrong.join("\n"),
        packets.display(),
        seen.judged.observations,
        seen.judged.said
    )
    .into())
}

/// A situation as it was seen.
pub(crate) struct Seen {
    pub(crate) world: World,
    pub(crate) judged: Judged,
    /// What came out otherwise than it should, each with both values.
    pub(crate) wrong: Vec<String>,
}

/// Starts the scenario and visits the page.
pub(crate) fn see(situation: &Situation, scenario: Scenario) -> Result<Seen, Failed> {
    let world = World::start_with(scenario, situation.agent())?.with_clock(situation.clock());
    let judged = visit(&world, situation)?;
    let mut wrong = Vec::new();
    if let Some(row) = table::row_of(situation.name()) {
        wrong.extend(differences(&row, &judged));
    }
    let state = judged.state();
    if !situation.did.fits(state) {
        wrong.push(format!(
            "{state} is no verdict on: {}",
            situation.did.label()
        ));
    }
    let ours = (state, judged.why());
    if situation.spoils_the_run() && ours != ("insufficient", "invalid_run") {
        wrong.push(format!("{ours:?} of a run that says nothing"));
    }
    Ok(Seen {
        world,
        judged,
        wrong,
    })
}

/// The visit of a situation. Only Android's C library tells every failure of a name as one; ours does
/// so of a name without addresses, and there the failure is renamed as the agent names it on Android.
pub(crate) fn visit(world: &World, situation: &Situation) -> Result<Judged, Failed> {
    if situation.name() != "dnsBlockingAndroidDNSCacheNoData" {
        return world.visit(situation.url);
    }
    world.visit_as(situation.url, |record| {
        let envelope = Envelope::from_line(record.as_bytes())?;
        let mut public: Value = serde_json::from_slice(&envelope.record.public)?;
        let steps = public["observations"].as_array_mut().into_iter().flatten();
        for step in steps.filter(|step| step["detail"]["engine"] == "getaddrinfo") {
            if step["failure"] == "dns_no_answer" {
                step["failure"] = "android_dns_cache_no_data".into();
            }
        }
        Ok(public.to_string())
    })
}

/// The keys of a row, and its verdict of ours, that came out otherwise.
fn differences(row: &Row, judged: &Judged) -> Vec<String> {
    let said = |key: &str| &judged.said["ooni"][key];
    let pairs = KEYS.iter().zip(&row.keys);
    let mut wrong: Vec<String> = pairs
        .filter(|(key, expected)| !equal(said(key), expected))
        .map(|(key, expected)| format!("{key}: {} came out, {expected} expected", said(key)))
        .collect();
    let ours = (judged.state(), judged.why());
    if ours != (row.state, row.why) {
        wrong.push(format!(
            "our verdict: {ours:?} came out, {:?} expected",
            (row.state, row.why)
        ));
    }
    wrong
}

/// Numbers are equal whether or not they are written with a fraction.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < 1e-12,
        _ => one == other,
    }
}
