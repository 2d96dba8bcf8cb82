//! Favoured tests: a fair line is not accused, and a network that lets only tests run fast is found.
use crate::bench::{Bench, Settings};
use libtest_mimic::Failed;
use serde_json::Value;

const LINE: &str = r#"
description = "20 Mbit/s"
seed = 11

[[host]]
name = "client"
addresses = ["10.1.0.2"]
up = { rate_kbit = 20000, delay_ms = 10 }
down = { rate_kbit = 20000, delay_ms = 10, queue_bytes = 100000 }

[[host]]
name = "server"
addresses = ["203.189.128.10"]

{collector}
"#;

/// Whatever asks for a file is slow; tests are not.
const TESTS_PASS: &str = r#"
[[middlebox]]
action = "keyword"
keyword = "GET /download/"
port = 8081
does = { throttle = { rate_kbit = 4000, burst_bytes = 65536 } }
"#;

/// The port of the tests is let through, and every other is slow.
const TEST_PORT_PASSES: &str = r#"
[[middlebox]]
action = "endpoint"
addresses = ["203.189.128.10"]
port = 8082
protocol = "tcp"
does = { throttle = { rate_kbit = 4000, burst_bytes = 65536 } }
"#;

/// Files have a name and a port of their own.
const FILES_APART: &str =
    "listen_also = ['203.189.128.10:8082']\nfiles_url = 'http://files.example.org:8082/'\n";

const AGENT: &str =
    "metered = false\nmonthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = 40_000_000\n";

/// The observation `favoured` on a line.
fn measured(scenario: &str, servers: &str) -> Result<Value, Failed> {
    let settings = Settings {
        agent: AGENT,
        servers,
        ..Settings::default()
    };
    let bench = Bench::start(scenario, &settings)?;
    let round = bench.measure(&["favoured"])?;
    let record = &round["records"][0];
    let used = record["bytes_used"].as_u64().unwrap_or(u64::MAX);
    if used > 40_000_000 {
        return Err(format!("{used} bytes are more than the run may use").into());
    }
    let seen = record["observations"].as_array().into_iter().flatten();
    let mut of_it = seen.filter(|one| one["operation"] == "favoured");
    let found = of_it
        .next()
        .ok_or(format!("nothing was compared: {record}"))?;
    Ok(found["detail"].clone())
}

pub(crate) fn a_fair_line_is_not_accused() -> Result<(), Failed> {
    let fair = measured(LINE, "")?;
    let is_accused = ["F1", "F2"].iter().any(|rule| fair["rule"] == **rule);
    if is_accused || fair["pairs"] != 8 {
        return Err(format!("a fair line: {fair}").into());
    }
    Ok(())
}

pub(crate) fn a_network_that_lets_tests_run_faster_is_found() -> Result<(), Failed> {
    let unfair = measured(&format!("{LINE}{TESTS_PASS}"), "")?;
    if unfair["rule"] != "F1" || unfair["verdict"] != "test_favoured" {
        return Err(format!("tests pass at 20 Mbit/s, files at 4: {unfair}").into());
    }
    Ok(())
}

pub(crate) fn a_network_that_knows_tests_by_their_port_is_found() -> Result<(), Failed> {
    let fair = measured(LINE, FILES_APART)?;
    let is_accused = ["F1", "F2"].iter().any(|rule| fair["rule"] == **rule);
    if is_accused || fair["files_elsewhere"] != true {
        return Err(format!("a fair line, files apart: {fair}").into());
    }
    let unfair = measured(&format!("{LINE}{TEST_PORT_PASSES}"), FILES_APART)?;
    if unfair["rule"] != "F1" {
        return Err(format!("the tests' port passes at 20 Mbit/s, others at 4: {unfair}").into());
    }
    Ok(())
}
