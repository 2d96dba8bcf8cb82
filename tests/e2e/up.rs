//! The main job: `tonle up` on a fresh machine, and again on the same data.
use crate::support::http::get;
use crate::support::tonle::{Running, run_ok, text, tonle};
use crate::support::world::World;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};

/// Writes the configuration of a home whose agent stays in `world`, and returns the arguments.
fn home(dir: &Path, world: &World) -> Vec<String> {
    let config = dir.join("tonle.toml");
    let text = format!(
        "[agent]\nrun_max_bytes = 4_000_000\n{}",
        world.agent_config(dir)
    );
    std::fs::write(&config, text).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let mut arguments = vec!["up".to_owned(), "--data".into(), path(&dir.join("data"))];
    arguments.extend(["--config".into(), path(&config)]);
    for listener in ["--listen", "--metrics-listen", "--servers-listen"] {
        arguments.extend([listener.to_owned(), "127.0.0.1:0".into()]);
    }
    arguments
}

fn up(arguments: &[String], more: &[&str]) -> Output {
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    all.extend(more);
    tonle(&all).output().unwrap()
}

fn summary(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the summary is JSON and nothing else")
}

#[test]
fn one_round_is_measured_acknowledged_and_processed() {
    let (world, dir) = (World::start(), tempfile::tempdir().unwrap());
    let arguments = home(dir.path(), &world);
    let summary = summary(&up(
        &arguments,
        &["--once", "--yes", "--json", "--province", "KH-12"],
    ));
    let records = summary["records"].as_array().unwrap();
    let mut experiments: Vec<&str> = records
        .iter()
        .map(|record| record["experiment"].as_str().unwrap())
        .collect();
    experiments.sort_unstable();
    experiments.dedup();
    assert_eq!(
        experiments,
        ["dns", "latency", "stamp", "throughput", "web_connectivity"]
    );
    for record in records {
        assert_eq!(record["state"], "processed", "{record}");
    }
    let nowhere = records
        .iter()
        .find(|record| record["target"] == "http://nowhere.test/")
        .unwrap();
    let failures = nowhere["failures"].to_string();
    assert!(failures.contains("dns_nxdomain_error"), "{nowhere}");
}

#[test]
fn a_second_start_resumes_with_the_same_identity() {
    let (world, dir) = (World::start(), tempfile::tempdir().unwrap());
    let arguments = home(dir.path(), &world);
    let first = summary(&up(&arguments, &["--once", "--yes", "--json"]));
    // The consent is stored: nobody is asked again, so --yes is not needed.
    let second = summary(&up(&arguments, &["--once", "--json"]));
    assert_eq!(first["key_id"], second["key_id"]);
    assert_eq!(first["collector_key"], second["collector_key"]);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_measured() {
    let (world, dir) = (World::start(), tempfile::tempdir().unwrap());
    let output = up(&home(dir.path(), &world), &["--once"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("--yes"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn sigterm_ends_it_cleanly_and_the_pages_were_there() {
    let (world, dir) = (World::start(), tempfile::tempdir().unwrap());
    let mut arguments = home(dir.path(), &world);
    arguments.extend(["--yes".into(), "--qos-only".into()]);
    let all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = tonle(&all)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let page = lines.find_map(|line| {
        let at = line.find("http://127.0.0.1:")?;
        line[at..].split_whitespace().next().map(str::to_owned)
    });
    let page = page.expect("the summary names the page");
    assert_eq!(get(&page).status, 200);
    running.signal("TERM");
    lines.for_each(drop);
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn the_quality_only_home_never_holds_an_openness_list() {
    let (world, dir) = (World::start(), tempfile::tempdir().unwrap());
    let arguments = home(dir.path(), &world);
    let summary = summary(&up(
        &arguments,
        &["--once", "--yes", "--json", "--qos-only"],
    ));
    let openness = |record: &&Value| record["experiment"] == "web_connectivity";
    assert_eq!(
        summary["records"].as_array().unwrap().iter().find(openness),
        None
    );
    assert!(!dir.path().join("data/agent/targets-openness.json").exists());
}

#[test]
fn help_shows_examples_and_exit_codes() {
    let help = run_ok(&["up", "--help"]);
    assert!(
        help.contains("Examples:") && help.contains("Exit codes:"),
        "{help}"
    );
}
