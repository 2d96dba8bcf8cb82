//! A visit by a real agent, compared with a real control server, and judged from its record.
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::http::get;
use crate::support::tonle::run_ok;
use crate::support::world::World;
use serde_json::{Value, json};

/// Verdicts on every visit that the collector holds.
fn verdicts(collector: &Collector, home: &std::path::Path) -> Vec<Value> {
    let file = home.join("visits.ndjson");
    let halves = collector.public_halves("web_connectivity");
    std::fs::write(&file, halves.join("\n")).unwrap();
    let said = run_ok(&["collector", "analyze", file.to_str().unwrap()]);
    let read = |line: &str| serde_json::from_str(line).unwrap();
    said.lines().map(read).collect()
}

#[test]
fn a_visit_is_compared_with_its_controls_and_judged_from_its_record() {
    let mut world = World::start();
    let home = tempfile::tempdir().unwrap();
    let control = format!(
        "[servers.control]\nallow_networks = ['127.0.0.0/8']\nresolvers = ['{}']\n",
        world.resolver
    );
    let collector = Collector::start_with(home.path(), "", &control);
    world.chosen = Some(vec![
        format!("{}/control", collector.servers_url),
        // Nobody is there: the other one is enough.
        "http://127.0.0.1:9/".to_owned(),
    ]);
    Device::join(&collector, &world, home.path(), "agent").round();

    let said = verdicts(&collector, home.path());
    let [there, nowhere] = &said[..] else {
        panic!("{said:?}");
    };
    let ooni = &there["ooni"];
    for (key, value) in [
        ("accessible", json!(true)),
        ("blocking", json!(false)),
        ("dns_consistency", json!("consistent")),
        ("control_failure", Value::Null),
        ("http_experiment_failure", Value::Null),
        ("x_blocking_flags", json!(32)),
        ("body_proportion", json!(1.0)),
        ("status_code_match", json!(true)),
        ("title_match", json!(true)),
    ] {
        assert_eq!(ooni[key], value, "{key}: {there}");
    }
    assert_eq!(there["tonle"]["overall"]["state"], "ok", "{there}");

    let ooni = &nowhere["ooni"];
    for (key, value) in [
        ("accessible", json!(false)),
        ("blocking", json!(false)),
        ("dns_consistency", json!("consistent")),
        ("dns_experiment_failure", json!("dns_nxdomain_error")),
        ("x_null_null_flags", json!(1)),
    ] {
        assert_eq!(ooni[key], value, "{key}: {nowhere}");
    }
    assert_eq!(nowhere["tonle"]["overall"]["state"], "down", "{nowhere}");

    // What leaves in OONI's format gives whoever reads it the same result keys.
    let file = home.path().join("ooni.jsonl");
    let (config, out) = (collector.config_path(), file.to_str().unwrap());
    let export = [
        "collector",
        "export",
        "--config",
        config,
        "--format",
        "ooni",
        "--unlisted",
        "--out",
        out,
    ];
    run_ok(&export);
    let exported = run_ok(&["collector", "analyze", out]);
    let exported: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(exported.len(), 2, "{exported:?}");
    for visit in [there, nowhere] {
        let same = exported
            .iter()
            .find(|one| one["input"] == visit["input"])
            .unwrap();
        assert_eq!(same["ooni"], visit["ooni"], "{}", visit["input"]);
        let state = |said: &Value| said["tonle"]["overall"]["state"].clone();
        assert_eq!(state(same), state(visit), "{}", visit["input"]);
    }
}

#[test]
fn agents_ask_the_controls_that_their_collector_names_and_show_it_who_they_are() {
    let mut world = World::start();
    world.chosen = None;
    let home = tempfile::tempdir().unwrap();
    let lists = world.lists(home.path());
    let before = format!(
        "targets = '{}'\ncontrols = ['http://127.0.0.1:{{servers}}/control']\n",
        lists.display()
    );
    let control = format!(
        "[servers.control]\nallow_networks = ['127.0.0.0/8']\nresolvers = ['{}']\n",
        world.resolver
    );
    let collector = Collector::start_with(home.path(), &before, &control);
    Device::join(&collector, &world, home.path(), "agent").round();
    let [there, _] = &verdicts(&collector, home.path())[..] else {
        panic!("two visits");
    };
    assert_eq!(there["ooni"]["control_failure"], Value::Null, "{there}");
    assert_eq!(there["ooni"]["blocking"], false, "{there}");
    let metrics = get(&collector.metrics_url).body;
    let agents = r#"tonle_collector_control_requests_total{result="agent"} 2"#;
    assert!(metrics.contains(agents), "{metrics}");
}
