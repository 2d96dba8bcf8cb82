//! Paths: hops and round trips against the hub's, and what the collector makes of them.
use crate::bench::{Bench, SERVER, Settings};
use lab::hub::{Fate, Origin};
use lab::truth::{Event, Truth};
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// A round trip is never shorter than the network's own; this is for the clocks' rounding.
const EARLY_US: i64 = 200;
/// What hosts may add to a round trip: their timers and wake-ups.
const LATE_US: i64 = 5_000;
const UDP: u8 = 17;
/// The server abroad whose operator's routers are the gateway of the others, too.
const ABROAD: &str = "62.115.1.10";
const ABROAD_TOO: &str = "62.115.2.10";
/// The server behind another gateway.
const ELSEWHERE: &str = "80.231.1.10";

/// The client's routers: its own, the operator's hidden one, a silent one, the operator's last. Then,
/// towards the server, an exchange point and the other network of the country, a millisecond away.
/// The border to each server abroad takes 5 ms there and back.
const SCENARIO: &str = r#"
description = "a country with an exchange point and two ways out"
seed = 3

[[host]]
name = "client"
addresses = ["192.168.1.2"]
up = { delay_ms = 8 }
down = { delay_ms = 8 }
routers = [
    { addresses = ["192.168.1.1"] },
    { addresses = ["100.64.0.1"] },
    { addresses = ["36.37.0.5"], silent = true },
    { addresses = ["36.37.0.9"] },
]

[[host]]
name = "server"
addresses = ["203.189.128.10"]
up = { delay_ms = 0.5 }
down = { delay_ms = 0.5 }
routers = [{ addresses = ["203.189.128.1"] }, { addresses = ["103.7.144.7"] }]

[[host]]
name = "abroad"
addresses = ["62.115.1.10"]
up = { delay_ms = 2.5 }
down = { delay_ms = 2.5 }
routers = [{ addresses = ["62.115.1.1"] }, { addresses = ["62.115.0.1"] }]

[[host]]
name = "abroad-too"
addresses = ["62.115.2.10"]
up = { delay_ms = 2.5 }
down = { delay_ms = 2.5 }
routers = [{ addresses = ["62.115.2.1"] }, { addresses = ["62.115.0.1"] }]

[[host]]
name = "elsewhere"
addresses = ["80.231.1.10"]
up = { delay_ms = 2.5 }
down = { delay_ms = 2.5 }
routers = [{ addresses = ["80.231.1.1"] }, { addresses = ["80.231.0.1"] }]

# A middlebox that does nothing here puts the routers abroad behind their links.
[[middlebox]]
on = "abroad"
place = "near"
after_routers = 2
action = "quic_drop"

[[middlebox]]
on = "abroad-too"
place = "near"
after_routers = 2
action = "quic_drop"

[[middlebox]]
on = "elsewhere"
place = "near"
after_routers = 2
action = "quic_drop"

{collector}
"#;

const NETWORKS: &str = "36.37.0.0\t36.37.255.255\t38623\tKH\tVIETTEL\n\
     203.189.128.0\t203.189.128.255\t64500\tKH\tANOTHER\n\
     62.115.0.0\t62.115.255.255\t1299\tSE\tARELION\n\
     80.231.0.0\t80.231.255.255\t6453\tGB\tTATA\n";

fn observations<'a>(record: &'a Value, operation: &str) -> Vec<&'a Value> {
    let all = record["observations"].as_array().into_iter().flatten();
    all.filter(|one| one["operation"] == operation).collect()
}

/// Round trips of probes whose TTL ended, in the order of the answers, as the hub saw them.
fn round_trips_us(truth: &Truth) -> Vec<i64> {
    let Some(client) = truth.hosts.iter().position(|name| name == "client") else {
        return Vec::new();
    };
    let micros = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
    let is_probe = |event: &&Event| event.protocol == UDP && event.fate == Fate::TtlEnded;
    let mut probes: Vec<&Event> = truth.events.iter().filter(is_probe).collect();
    let is_answer = |event: &&Event| event.from == Origin::Router && event.to == Some(client);
    let mut answers: Vec<&Event> = truth.events.iter().filter(is_answer).collect();
    answers.sort_by_key(|answer| answer.in_us);
    let mut round_trips = Vec::new();
    for answer in answers {
        // The router answers in the moment in which the packet's TTL ends.
        let nearest = (0..probes.len())
            .min_by_key(|at| (micros(probes[*at].out_us) - micros(answer.in_us)).abs());
        if let Some(at) = nearest {
            let probe = probes.remove(at);
            round_trips.push(micros(answer.out_us) - micros(probe.in_us));
        }
    }
    round_trips
}

pub(crate) fn a_path_is_what_the_hub_saw() -> Result<(), Failed> {
    let bench = Bench::start(SCENARIO, &Settings::default())?;
    let near = bench.measure(&["path", SERVER])?;
    let record = &near["records"][0];
    let hops = observations(record, "trace_hop");
    let said: Vec<(Option<&str>, bool, bool)> = hops
        .iter()
        .map(|hop| {
            let is_silent = hop["failure"] == "generic_timeout_error";
            (
                hop["subject"].as_str(),
                hop["detail"]["hidden"] == true,
                is_silent,
            )
        })
        .collect();
    let hidden = (None, true, false);
    let router = |address| (Some(address), false, false);
    let expected = [
        hidden,
        hidden,
        (None, false, true),
        router("36.37.0.9"),
        router("103.7.144.7"),
        router("203.189.128.1"),
        router(SERVER),
    ];
    if said != expected {
        return Err(format!("hops: {said:?}").into());
    }
    for secret in ["192.168.1.1", "100.64.0.1"] {
        if near.to_string().contains(secret) {
            return Err(format!("{secret} is the volunteer's side: {near}").into());
        }
    }
    check_times(&hops, &bench.truth())?;
    let path = observations(record, "path");
    if path.len() != 1 || path[0]["detail"]["end"] != "reached" || path[0]["detail"]["hops"] != 7 {
        return Err(format!("one method was enough: {path:?}").into());
    }
    // No step of this way is a border: what hosts add stays well below the least that is one.
    if !path[0]["detail"]["gateway_after"].is_null() {
        return Err(format!("a border within the country: {}", path[0]).into());
    }
    let far = bench.measure(&["path", ABROAD])?;
    let detail = &observations(&far["records"][0], "path")[0]["detail"];
    let pair = (&detail["gateway_before"], &detail["gateway_after"]);
    if pair != (&json!("36.37.0.0/24"), &json!("62.115.0.0/24")) {
        return Err(format!("the border of 5 ms: {detail}").into());
    }
    let step_us = detail["gateway_step_us"].as_i64().unwrap_or_default();
    // The difference of two round trips, either of which hosts may make longer.
    if !(5_000 - LATE_US..=5_000 + LATE_US).contains(&step_us) {
        return Err(format!("a border of 5 ms is said to take {step_us} us").into());
    }
    Ok(())
}

/// Each router's round trips are those that the hub saw.
fn check_times(hops: &[&Value], truth: &Truth) -> Result<(), Failed> {
    let times = |hop: &&&Value| hop["detail"]["rtts_us"].as_array().cloned();
    let is_router = |hop: &&&Value| hop["detail"]["answer"] == "ttl_end";
    let said: Vec<i64> = hops
        .iter()
        .filter(is_router)
        .filter_map(|hop| times(&hop))
        .flatten()
        .filter_map(|time| time.as_i64())
        .collect();
    // The first two routers are hidden, the third is silent.
    let hidden = 6;
    let seen: Vec<i64> = round_trips_us(truth).into_iter().skip(hidden).collect();
    if said.len() != 9 || seen.len() != 9 {
        return Err(format!("three answers of three routers: {said:?} against {seen:?}").into());
    }
    let is_true = |(said, seen): (&i64, &i64)| (-EARLY_US..=LATE_US).contains(&(said - seen));
    if said.iter().zip(&seen).all(is_true) {
        return Ok(());
    }
    Err(format!("round trips {said:?}, but the hub saw {seen:?}").into())
}

pub(crate) fn the_collector_says_where_paths_lead() -> Result<(), Failed> {
    let targets = format!(
        "experiment,value,category,path_class,stream,note\n\
         path,{SERVER},,domestic,quality,\n\
         path,{ABROAD},,domestic,quality,said to be at home\n\
         path,{ABROAD_TOO},,abroad,quality,\n\
         path,{ELSEWHERE},,abroad,quality,\n"
    );
    let settings = Settings {
        collector: "asn_table = '{home}/networks.tsv'",
        servers: "",
        agent: "experiments = ['path']\ntargets = '{home}/targets.csv'\n",
        files: &[("networks.tsv", NETWORKS), ("targets.csv", &targets)],
    };
    let bench = Bench::start(SCENARIO, &settings)?;
    bench.agent("run", &["--once", "--json"])?;
    let paths: Value = serde_json::from_str(&bench.collector("paths", &["--json"])?)?;
    let found = |target: &str| -> Result<Value, Failed> {
        let findings = paths["findings"].as_array().into_iter().flatten();
        let mut of_it = findings.filter(|one| one["target"] == target);
        Ok(of_it
            .next()
            .ok_or(format!("no finding of {target}: {paths}"))?
            .clone())
    };
    for (target, class, rule, contradicts, leaves) in [
        (SERVER, "exchange_point", "P6", false, Value::Null),
        (ABROAD, "abroad", "P1", true, json!("usual")),
        (ABROAD_TOO, "abroad", "P1", false, json!("usual")),
        (ELSEWHERE, "abroad", "P1", false, json!("another")),
    ] {
        let finding = found(target)?;
        let path = &finding["path"];
        let said = (&path["class"], &path["rule"], &path["contradicts_declared"]);
        let gateway = &finding["gateway"]["leaves"];
        if said != (&json!(class), &json!(rule), &json!(contradicts)) || *gateway != leaves {
            return Err(format!("{target}: {finding}").into());
        }
    }
    let usual = &paths["groups"][0];
    if (&usual["leaving"], &usual["by_the_usual"]) != (&json!(3), &json!(2)) {
        return Err(format!("two of three leave by the same gateway: {usual}").into());
    }
    let table = bench.collector("paths", &[])?;
    if !table.contains("CONTRADICTS") {
        return Err(format!("a contradiction is not shown: {table}").into());
    }
    Ok(())
}
