//! Quality at one collector, openness at another: each gets its stream whole, once and nothing else.
use crate::crash::pause;
use crate::support::collector::Collector;
use crate::support::device::Device;
use crate::support::tonle::{Running, run, run_ok, text};
use crate::support::world::World;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Times that agent or a collector is killed.
const KILLS: u32 = 12;
/// Longest time before a kill: a whole round takes less.
const KILL_WITHIN_MS: u64 = 900;
/// Shortest text that could name somebody: half a hash.
const NAME_MIN_CHARS: usize = 16;

/// Two collectors, and an agent that joined both.
struct Two {
    quality: Collector,
    openness: Collector,
    device: Device,
    _world: World,
    home: tempfile::TempDir,
}

impl Two {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let world = World {
            chosen: None,
            ..World::start()
        };
        let lists = format!("targets = '{}'\n", world.lists(home.path()).display());
        let collector = |name: &str, hosts: &str| {
            let folder = home.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let before = format!("{hosts}{lists}");
            Collector::start_with(&folder, &before, "[servers.control]\nenabled = false\n")
        };
        let quality = collector("a", "");
        let openness = collector("b", "streams = ['openness']\n");
        let device = Device::join(&quality, &world, home.path(), "agent");
        Self {
            quality,
            openness,
            device,
            _world: world,
            home,
        }
    }

    fn join_second(&self) {
        let invitation = self.openness.invite(&[]);
        run_ok(&self.join_with(&invitation));
    }

    fn join_with<'a>(&'a self, invitation: &'a str) -> Vec<&'a str> {
        self.device
            .command(&["join", "--openness", invitation, "--accept-openness", "o3"])
    }

    fn data(&self) -> std::path::PathBuf {
        self.home.path().join("agent/data")
    }
}

/// Names of the streams whose records a collector holds.
fn streams(collector: &Collector) -> BTreeSet<String> {
    let halves = collector.public_halves("");
    let stream = |half: &String| {
        let read: Value = serde_json::from_str(half).unwrap();
        let id = read["method"]["id"].as_str().unwrap();
        match id {
            "web_connectivity" => "openness".to_owned(),
            "latency" | "dns" => "quality".to_owned(),
            other => panic!("{other} is of no stream of this test"),
        }
    };
    halves.iter().map(stream).collect()
}

/// Every long text in the private halves of a collector's records that is no time and no body.
fn names(collector: &Collector) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for half in collector.private_halves() {
        let read: Value = serde_json::from_str(&half).unwrap();
        let fields = read.as_object().unwrap().iter();
        let fields = fields.filter(|(key, _)| *key != "schema");
        let long = fields.filter_map(|(_, value)| value.as_str());
        names.extend(
            long.filter(|text| text.len() >= NAME_MIN_CHARS)
                .map(str::to_owned),
        );
    }
    // The chain's beginning is the same for everybody.
    names.retain(|name| !name.trim_matches('0').is_empty());
    names
}

/// Sequence numbers of each chain have no gap: nothing of it was lost.
#[track_caller]
fn assert_whole(collector: &Collector) {
    let mut places: Vec<(String, u64)> = Vec::new();
    for half in collector.private_halves() {
        let read: Value = serde_json::from_str(&half).unwrap();
        let chain = read["chain_id"].as_str().unwrap().to_owned();
        places.push((chain, read["sequence"].as_u64().unwrap()));
    }
    places.sort();
    assert!(!places.is_empty());
    let chains: BTreeSet<&String> = places.iter().map(|(chain, _)| chain).collect();
    for chain in chains {
        let of_chain: Vec<u64> = places
            .iter()
            .filter(|(one, _)| one == chain)
            .map(|(_, sequence)| *sequence)
            .collect();
        let expected: Vec<u64> = (0..of_chain.len() as u64).collect();
        assert_eq!(of_chain, expected, "chain {chain}");
    }
}

fn has_file(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

#[test]
fn each_collector_gets_its_stream_and_no_name_that_the_other_has() {
    let two = Two::start();
    // Before there is a second one, the first gets both.
    two.device.round();
    assert_eq!(streams(&two.quality).len(), 2);
    two.join_second();
    let before = two.quality.public_halves("web_connectivity").len();
    two.device.round();
    two.device.round();

    assert_eq!(
        streams(&two.openness),
        BTreeSet::from(["openness".to_owned()])
    );
    assert_eq!(two.quality.public_halves("web_connectivity").len(), before);
    let (quality, openness) = (names(&two.quality), names(&two.openness));
    assert!(
        quality.len() > 3 && openness.len() > 3,
        "{quality:?} {openness:?}"
    );
    assert_eq!(quality.intersection(&openness).next(), None);
    assert!(!has_file(&two.data(), "targets-openness.json"));
    assert!(has_file(
        &two.data().join("openness"),
        "targets-openness.json"
    ));
    assert!(!has_file(
        &two.data().join("openness"),
        "targets-quality.json"
    ));

    let status = run_ok(&two.device.command(&["status", "--json"]));
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(
        status["openness"]["collector"].as_str().unwrap(),
        format!("{}/", two.openness.url)
    );
    assert_ne!(status["openness"]["key_id"], status["joined"]["key_id"]);
    let parts = [&status["budget"], &status["openness"]["budget"]];
    let parts = parts.map(|one| one["monthly_budget_bytes"].as_u64().unwrap());
    assert_eq!(parts[0], 3 * parts[1], "{parts:?}");

    let sent = run_ok(&two.device.command(&["sent", "--json"]));
    let sent: Vec<Value> = sent
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut named = 0;
    for collector in [&two.quality, &two.openness] {
        let url = format!("{}/", collector.url);
        let hashes = sent.iter().filter(|line| line["collector"] == url.as_str());
        let hashes: BTreeSet<&str> = hashes
            .map(|line| line["record_hash"].as_str().unwrap())
            .collect();
        let records = collector.journal_records();
        let held: BTreeSet<&str> = records.keys().map(String::as_str).collect();
        assert!(!hashes.is_empty(), "nothing is said to have gone to {url}");
        assert!(hashes.is_subset(&held), "{url} does not hold {hashes:?}");
        named += hashes.len();
    }
    assert_eq!(named, sent.len(), "each went to one of the two");

    // Nothing that stays on this machine costs anything, so the use is said here.
    let ledger = two.data().join("openness/budget.json");
    let mut written: Value = serde_json::from_slice(&std::fs::read(&ledger).unwrap()).unwrap();
    written["used_bytes"] = 123_456.into();
    std::fs::write(&ledger, written.to_string()).unwrap();
    run_ok(&two.device.command(&["leave", "--openness", "--yes"]));
    let left = run_ok(&two.device.command(&["status", "--json"]));
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!(
        left["budget"]["used_bytes"], 123_456,
        "leaving gives no byte back"
    );
    assert!(!two.data().join("openness").exists());
    let kept = two.openness.journal_records().len();
    let round = two.device.round();
    let kinds = round["records"].as_array().unwrap().iter();
    let kinds: BTreeSet<&str> = kinds
        .map(|one| one["experiment"].as_str().unwrap())
        .collect();
    assert!(
        !kinds.contains("web_connectivity"),
        "openness does not go back by itself"
    );
    assert_eq!(two.openness.journal_records().len(), kept);
}

#[test]
fn kills_of_either_side_lose_and_repeat_nothing_of_either_stream() {
    let mut two = Two::start();
    two.join_second();
    // Both lists are on the device from here on.
    two.device.round();
    let mut random = StdRng::seed_from_u64(2026);
    for _ in 0..KILLS {
        let mut running: Running = two.device.start_round();
        pause(random.random_range(0..KILL_WITHIN_MS));
        match random.random_range(0..3) {
            0 => two.quality.kill_and_start_again(),
            1 => two.openness.kill_and_start_again(),
            _ => {}
        }
        running.kill();
    }
    // One collector that is gone does not keep the other's records.
    two.openness.stop();
    let before = two.quality.journal_records().len();
    assert!(
        !run(&two.device.command(&["run", "--once"]))
            .status
            .success()
    );
    assert!(two.quality.journal_records().len() > before);
    two.openness.kill_and_start_again();
    two.device.round();
    for collector in [&two.quality, &two.openness] {
        collector.journal_records();
        assert_whole(collector);
    }
    assert_eq!(
        streams(&two.quality),
        BTreeSet::from(["quality".to_owned()])
    );
    assert_eq!(
        streams(&two.openness),
        BTreeSet::from(["openness".to_owned()])
    );
}

#[test]
fn what_cannot_be_joined_for_openness_says_why() {
    let two = Two::start();
    let refused = |invitation: &str, code: i32, why: &str| {
        let output = run(&two.join_with(invitation));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused(&two.quality.invite(&[]), 2, "joined already");
    refused("http://127.0.0.1:1/join/abc", 2, "after # is missing");

    let folder = two.home.path().join("c");
    std::fs::create_dir(&folder).unwrap();
    let other = Collector::start_with(&folder, "streams = ['quality']\n", "");
    let invitation = other.invite(&[]);
    refused(&invitation, 1, "takes no openness records");
    assert!(!two.data().join("openness").exists());
    let agents = run_ok(&[
        "collector",
        "agents",
        "--json",
        "--config",
        other.config_path(),
    ]);
    assert!(
        !agents.contains("key_id"),
        "nobody is enrolled there: {agents}"
    );
    let consent = std::fs::read_to_string(two.data().join("consent.json")).unwrap();
    let consent: Value = serde_json::from_str(&consent).unwrap();
    assert!(
        consent["openness"]["version"].is_string(),
        "the agreement stands as it was"
    );

    two.join_second();
    refused(&two.openness.invite(&[]), 1, "joined already");
}
