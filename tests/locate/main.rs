//! Locate in the lab: the agent's real program asks a service over HTTPS for servers of ndt7, is
//! refused by the first and measures with the second. Nothing of it is contacted without consent.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

mod world;

use serde_json::Value;
use world::{World, said};

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (&missing, required) {
        say(&format!("LAB SKIPPED: servers that Locate names ({why})"));
    }
    let is_ignored = missing.is_some() && !required;
    let trial = Trial::test(
        "the_next_server_is_measured_with_once_the_volunteer_agreed",
        || match missing {
            Some(why) => Err(format!("LAB=require, but {why}").into()),
            None => check(),
        },
    );
    let trials = vec![trial.with_ignored_flag(is_ignored)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check() -> Result<(), Failed> {
    let world = World::start()?;
    let refused = world.agent(&["measure", "throughput", "--json"])?;
    must(!refused.status.success(), "it measured without consent")?;
    let round: Value = serde_json::from_slice(&refused.stdout)?;
    let reason = round["skipped"][0]["reason"].as_str().unwrap_or_default();
    must(reason.contains("M-Lab publishes"), reason)?;
    must(
        world.packets_to("locate") == 0,
        "the service was contacted without consent",
    )?;

    said(&world.agent(&["consent", "--accept-mlab", "m1"])?)?;
    let round = said(&world.agent(&["measure", "throughput", "--json"])?)?;
    let round: Value = serde_json::from_str(&round)?;
    let record = &round["records"][0];
    let steps = record["observations"].as_array().ok_or("no observations")?;
    let of = |operation: &str| -> Vec<&Value> {
        let found = steps.iter().filter(|step| step["operation"] == operation);
        found.collect()
    };
    let [locate] = of("locate")[..] else {
        return Err(format!("not one answer of Locate: {steps:#?}").into());
    };
    let machines: Vec<&Value> = locate["detail"]["targets"]
        .as_array()
        .ok_or("no targets")?
        .iter()
        .map(|target| &target["machine"])
        .collect();
    must(machines == ["busy", "server"], format!("{machines:?}"))?;
    let handshakes = of("websocket_handshake");
    let statuses: Vec<&Value> = handshakes
        .iter()
        .map(|step| &step["detail"]["status"])
        .collect();
    must(
        statuses == [&Value::from(503), &Value::Null, &Value::Null],
        format!("{statuses:?}"),
    )?;
    must(
        of("transfer").len() == 2,
        "not both directions were measured",
    )?;
    for id in ["download_bps", "upload_bps"] {
        let id = format!("throughput.{id}/ndt7_capped/domestic");
        let samples = record["samples"].as_array().ok_or("no samples")?;
        must(
            samples.iter().any(|sample| sample[0] == id.as_str()),
            format!("no {id}: {samples:?}"),
        )?;
    }
    must(
        !round.to_string().contains("secret"),
        "a token stands in the record",
    )
}

fn must(holds: bool, otherwise: impl Into<String>) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(otherwise.into().into())
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
