//! Locate in the lab: the agent's real program asks a service over HTTPS for servers of ndt7, is
//! refused by the first and measures with the second. Nothing of it is contacted without consent.
use crate::bench::{Bench, Settings};
use libtest_mimic::Failed;
use serde_json::{Value, json};

/// The service that the agent is configured with.
const AGENT: &str = "metered = true\nearly_stop = false\nmonthly_budget_bytes = 1_000_000_000_000\n\
    run_max_bytes = 8_000_000\nextra_roots = '{home}/roots.pem'\n\
    throughput_server = 'https://locate.test/v2/nearest/ndt/ndt7'\n";

const SCENARIO: &str = r#"
description = "a Locate service that names a full server first"
seed = 1

[[host]]
name = "client"
addresses = ["10.1.0.2"]
resolvers = ["203.189.128.53"]
up = { rate_kbit = 10000, delay_ms = 5 }
down = { rate_kbit = 10000, delay_ms = 5 }

[[host]]
name = "resolver"
addresses = ["203.189.128.53"]

[[host]]
name = "locate"
addresses = ["203.189.128.20"]
names = ["locate.test"]

[[host]]
name = "busy"
addresses = ["203.189.128.30"]
names = ["busy.test"]

[[host]]
name = "server"
addresses = ["203.189.128.10"]
names = ["ndt.test"]

[[service]]
host = "resolver"
kind = "dns"

[[service]]
host = "locate"
kind = "https"
page = [{ path = "/v2/nearest/ndt/ndt7", headers = { content-type = "application/json" }, body = '{answer}' }]

[[service]]
host = "busy"
kind = "https"
page = [{ status = 503, body = "full\n" }]

{collector}
"#;

pub(crate) fn the_next_server_is_measured_with() -> Result<(), Failed> {
    let settings = Settings {
        agent: AGENT,
        ..Settings::default()
    };
    let bench = Bench::start(&SCENARIO.replace("{answer}", &answer()), &settings)?;
    let refused = bench.agent_refused("measure", &["throughput", "--json"])?;
    let round: Value = serde_json::from_str(&refused)?;
    let reason = round["skipped"][0]["reason"].as_str().unwrap_or_default();
    must(reason.contains("M-Lab publishes"), reason)?;
    must(
        packets_to(&bench, "locate") == 0,
        "the service was contacted without consent",
    )?;

    bench.agent("consent", &["--accept-mlab", "m1"])?;
    let round = bench.measure(&["throughput"])?;
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

/// Packets that reached a host so far.
fn packets_to(bench: &Bench, host: &str) -> usize {
    let truth = bench.truth();
    let index = truth.hosts.iter().position(|name| name == host);
    let to_it = truth.events.iter().filter(|event| event.to == index);
    to_it.count()
}

/// What the service answers: a server that is full, and ours.
fn answer() -> String {
    let target = |machine: &str, scheme: &str, place: &str| {
        let url = |direction: &str| {
            format!("{scheme}://{place}/ndt/v7/{direction}?access_token=secret&metro_rank=1")
        };
        json!({
            "machine": machine, "location": {"city": "Phnom Penh", "country": "KH"},
            "urls": {
                (format!("{scheme}:///ndt/v7/download")): url("download"),
                (format!("{scheme}:///ndt/v7/upload")): url("upload"),
            },
        })
    };
    let results = [
        target("busy", "wss", "busy.test"),
        target("server", "ws", "ndt.test:8081"),
    ];
    json!({ "results": results }).to_string()
}
