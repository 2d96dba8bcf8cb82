//! `tonle up --synthetic`: a nation made by a program, which every page and answer says, and which is never mixed
//! with what was measured.
use crate::crash::pause;
use crate::support::http::{get, post};
use crate::support::tonle::{Running, run_ok, text, tonle};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

/// The arguments of a nation in `dir`.
fn nation<'a>(dir: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["up", "--synthetic", "8", "--days", "2", "--data"];
    arguments.push(dir.to_str().unwrap());
    for listener in ["--listen", "--metrics-listen"] {
        arguments.extend([listener, "127.0.0.1:0"]);
    }
    arguments.extend(more);
    arguments
}

#[test]
fn a_filling_that_was_killed_goes_on_where_it_ended() {
    let (killed, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let records = |dir: &Path| {
        let summary = run_ok(&nation(dir, &["--once", "--json"]));
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["provenance"], "synthetic");
        summary["records"].as_u64().unwrap()
    };
    for after_ms in [150, 300, 600] {
        let mut starting = tonle(&nation(killed.path(), &["--once"]));
        let silent = starting.stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = Running(silent.spawn().unwrap());
        pause(after_ms);
        running.kill();
    }
    assert_eq!(records(killed.path()), records(whole.path()));
    assert_eq!(records(killed.path()), records(whole.path()), "nor twice");
}

#[test]
fn every_page_and_answer_says_that_it_is_synthetic_and_no_record_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let child = tonle(&nation(dir.path(), &[]))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut words = lines.map_while(Result::ok);
    let said = words.next().unwrap();
    assert!(said.starts_with("8 synthetic agents"), "{said}");
    let page = said.split_whitespace().last().unwrap().to_owned();
    for (path, words) in [
        ("", "Synthetic data."),
        ("?lang=km", "ទិន្នន័យសិប្បនិម្មិត។"),
        ("provinces/KH-12", "Synthetic data."),
        ("lists", "Synthetic data."),
    ] {
        let answer = get(&format!("{page}{path}"));
        assert_eq!(answer.header("tonle-provenance"), Some("synthetic"));
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
    }
    for path in [
        "api/v1/statements?format=csv",
        "api/v1/incidents",
        "api/v1/standards",
    ] {
        let answer = get(&format!("{page}{path}"));
        assert_eq!(
            answer.header("tonle-provenance"),
            Some("synthetic"),
            "{path}"
        );
    }
    let refused = post(&format!("{page}api/v1/records"), "{}");
    assert_eq!(refused.status, 404);
    running.signal("TERM");
    words.for_each(drop);
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn data_of_the_two_kinds_are_never_in_one_folder() {
    let (made, measured) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run_ok(&nation(made.path(), &["--once"]));
    let data = made.path().to_str().unwrap();
    let real = tonle(&["up", "--once", "--yes", "--data", data])
        .output()
        .unwrap();
    assert_eq!(real.status.code(), Some(1));
    let errors = text(&real.stderr);
    assert!(errors.contains("holds synthetic data"), "{errors}");
    let data = measured.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let marker = r#"{"format":1,"role":"home","provenance":"real"}"#;
    std::fs::write(data.join("tonle-data.json"), marker).unwrap();
    let mixed = tonle(&nation(&data, &["--once"])).output().unwrap();
    assert_eq!(mixed.status.code(), Some(1));
    let errors = text(&mixed.stderr);
    assert!(errors.contains("holds real data"), "{errors}");
    let another = tonle(&nation(made.path(), &["--once", "--seed", "2"]))
        .output()
        .unwrap();
    let errors = text(&another.stderr);
    assert!(
        errors.contains("8 agents over 2 days of seed 1"),
        "{errors}"
    );
}

/// The nation's blocking, once it stands in the log.
fn blocking(page: &str) -> Value {
    for _ in 0..120 {
        let answer = get(&format!("{page}api/v1/incidents?kind=blocking&limit=1"));
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        if let Some(found) = answer["incidents"].get(0) {
            return found.clone();
        }
        pause(1_000);
    }
    panic!("no blocking is found in two minutes");
}

#[test]
fn what_happens_in_the_nation_is_found_in_its_signed_records_and_shown_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("tonle.toml");
    std::fs::write(&config, "[collector.incidents]\nevery_s = 10\n").unwrap();
    let data = dir.path().join("data");
    let mut line = vec!["up", "--synthetic", "60", "--days", "9", "--data"];
    line.extend([data.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    for listener in ["--listen", "--metrics-listen"] {
        line.extend([listener, "127.0.0.1:0"]);
    }
    let started = tonle(&line)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(started.unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).next().unwrap();
    let page = said.split_whitespace().last().unwrap();

    let incident = blocking(page);
    assert_eq!(
        incident["scope"]["targets"],
        serde_json::json!(["https://news.example/"])
    );
    // By the hour that runs, the three networks are one incident or several.
    let blocked_in = ["as64496", "as64497", "as64499"];
    let networks = incident["scope"]["networks"].as_array().unwrap();
    assert!(
        networks
            .iter()
            .all(|one| blocked_in.contains(&one.as_str().unwrap())),
        "{incident}"
    );
    let id = incident["id"].as_str().unwrap();
    let rows = get(&format!("{page}api/v1/incidents/{id}/evidence"));
    let rows: Value = serde_json::from_str(&rows.body).unwrap();
    let rows = rows["rows"].as_array().unwrap();
    assert!(rows.len() >= 10, "{rows:?}");
    let mut forged = 0;
    for row in rows {
        let said = (
            row["state"].as_str().unwrap(),
            row["fingerprint"].as_str().unwrap(),
        );
        forged += usize::from(said == ("blocked", "dns.injection.bogon lan"));
        let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
        let told = [
            "entry_index",
            "fingerprint",
            "local_hour",
            "network",
            "record_hash",
            "state",
            "target",
        ];
        assert_eq!(keys, told, "nothing that names a volunteer");
        let hash = row["record_hash"].as_str().unwrap();
        let status = get(&format!("{page}api/v1/records/{hash}/status"));
        let status: Value = serde_json::from_str(&status.body).unwrap();
        assert_eq!(status["entry_index"], row["entry_index"]);
    }
    assert!(forged * 10 >= rows.len() * 9, "{forged} of {}", rows.len());
    let csv = get(&format!(
        "{page}api/v1/incidents/{id}/evidence?format=csv&limit=3"
    ));
    assert!(
        csv.body.starts_with("entry_index,record_hash,local_hour"),
        "{}",
        csv.body
    );
    assert_eq!(csv.body.lines().count(), 4);
    assert!(csv.header("link").is_some());
    let wrong = get(&format!("{page}api/v1/incidents/{id}/evidence?limits=3"));
    assert_eq!(wrong.status, 400);
    assert_eq!(
        get(&format!("{page}api/v1/incidents/none/evidence")).status,
        404
    );
}
