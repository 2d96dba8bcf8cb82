//! A complaint from its first test to the file that a stranger checks, against the collector's own ndt7 server
//! on loopback, by a shortened protocol and with a kill in the middle.
use crate::crash::pause;
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::tonle::{Running, run, run_ok, text, tonle};
use crate::support::world::World;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

/// Three short tests on one day. What loopback cannot keep is not asked for: a cable, and whole tests.
const TERMS: &str = "\
days = 1
tests_per_day = 3
days_between = 0
within_days = 1
spacing_s = 0
pause_s = 0
cable = false
max_missed_days = 1
whole_tests = false
others_max_permille = 1000
test_max_bytes = 40_000_000_000
max_bytes = 1_000_000_000_000
";
/// Looks for the first test, ten a second.
const LOOKS: u32 = 600;

fn hashes_kept(state: &Path) -> Vec<String> {
    let Ok(bytes) = std::fs::read(state) else {
        return Vec::new();
    };
    let state: Value = serde_json::from_slice(&bytes).expect("it is replaced whole");
    let records = state["records"].as_array().unwrap();
    records.iter().map(Value::to_string).collect()
}

#[test]
fn a_complaint_survives_a_kill_and_a_stranger_can_check_it() {
    let world = World::start();
    let home = tempfile::tempdir().unwrap();
    let collector = Collector::start(home.path());
    let device = Device::join(&collector, &world, home.path(), "agent");
    let data = home.path().join("agent/data");
    let terms = home.path().join("terms.toml");
    std::fs::write(&terms, TERMS).unwrap();

    let begin = device.command(&[
        "complaint",
        "--yes",
        "--terms",
        terms.to_str().unwrap(),
        "--download-max-bps",
        "1000000000000",
        "--download-min-bps",
        "1000",
    ]);
    let mut child = tonle(&begin);
    let child = child.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(child.spawn().unwrap());
    let state = data.join("complaint.json");
    let mut before = Vec::new();
    for _ in 0..LOOKS {
        before = hashes_kept(&state);
        if !before.is_empty() {
            break;
        }
        pause(100);
    }
    running.kill();
    assert!(!before.is_empty(), "a test was made before the kill");
    let again = run(&begin);
    assert_eq!(
        again.status.code(),
        Some(2),
        "its terms do not change on the way"
    );

    let done = run_ok(&device.command(&["complaint", "--json"]));
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!(
        (&done["state"], &done["days"]),
        (&"complete".into(), &1.into())
    );
    let signed = done["signed"].as_str().unwrap();
    let lines = std::fs::read_to_string(signed).unwrap();
    for record in &before {
        let record: String = serde_json::from_str(record).unwrap();
        assert!(
            lines.contains(&record),
            "what was made before the kill counts"
        );
    }
    let key = device.collector_key_hex();
    let checked = run_ok(&["verify", "--json", "--collector-key", &key, signed]);
    let report: Value = serde_json::from_str(&checked).unwrap();
    assert_eq!(report["holds"], true);
    assert_eq!(report["complaints"][0]["counted"], 3);
    assert_eq!(report["complaints"][0]["findings"][0]["deviates"], true);
    assert_eq!(report["complaints"][0]["findings"][1]["deviates"], false);
    assert_eq!(
        report["receipts_with_record"], report["records"],
        "the collector has them all"
    );

    let readable = std::fs::read_to_string(done["readable"].as_str().unwrap()).unwrap();
    assert!(
        readable.contains("download, max 1000000000000 bit/s: DEVIATES"),
        "{readable}"
    );

    let without_a_record: Vec<&str> = lines
        .lines()
        .enumerate()
        .filter(|(place, _)| *place != 1)
        .map(|(_, line)| line)
        .collect();
    let tampered = home.path().join("tampered.ndjson");
    std::fs::write(&tampered, without_a_record.join("\n")).unwrap();
    let refused = run(&[
        "verify",
        "--collector-key",
        &key,
        tampered.to_str().unwrap(),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stdout).contains("is not here"),
        "{}",
        text(&refused.stdout)
    );
}
