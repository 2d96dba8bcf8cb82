//! The agent as one thing, against a collector on loopback.
mod categories;
mod collector;

use super::*;
use crate::consent::{Consent, Consents, OPENNESS_VERSION, QUALITY_VERSION};
use crate::join::JoinError;
use crate::profile::Profile;
use collector::{Collector, files_below, json};
use std::fs;
use tonle_evidence::record::Stream;

const COLLECTOR: [u8; 32] = [1; 32];

fn config(dir: &Path) -> Config {
    let resolv_conf = dir.join("resolv.conf");
    fs::write(&resolv_conf, "nameserver 127.0.0.1\n").unwrap();
    Config {
        data_dir: dir.join("agent"),
        resolv_conf: Some(resolv_conf),
        allow_loopback: true,
        province: Some("XX-1".into()),
        ..Config::default()
    }
}

fn consents(openness: bool) -> Consents {
    Consents {
        quality: QUALITY_VERSION.into(),
        openness: openness.then(|| OPENNESS_VERSION.into()),
    }
}

struct Home {
    dir: tempfile::TempDir,
    collector: Collector,
}

impl Home {
    async fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            collector: Collector::start(COLLECTOR).await,
        }
    }

    fn open(&self) -> Device {
        Device::open(config(self.dir.path())).unwrap()
    }

    async fn joined(&self, openness: bool) -> Device {
        let device = self.open();
        device
            .join(&self.collector.invitation(), &consents(openness))
            .await
            .unwrap();
        device
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("agent")
    }
}

#[tokio::test]
async fn joining_keeps_key_consent_answer_and_place() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    assert!(device.is_enrolled());
    let files = files_below(&home.data_dir());
    assert_eq!(json(&files, "enrolment.json")["enrolled"]["key_id"], "k7");
    assert_eq!(
        json(&files, "consent.json")["quality"]["version"],
        QUALITY_VERSION
    );
    assert_eq!(json(&files, "profile.json")["declared"]["province"], "XX-1");
    drop(device);
    assert!(home.open().is_enrolled(), "a second start resumes");
}

#[tokio::test]
async fn an_answer_that_the_pinned_key_did_not_sign_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let impostor = Collector::start([2; 32]).await;
    let device = Device::open(config(dir.path())).unwrap();
    let error = device
        .join(&impostor.invitation(), &consents(false))
        .await
        .unwrap_err();
    assert!(matches!(error, JoinError::Answer(_)), "{error}");
    assert!(!device.is_enrolled());
}

#[tokio::test]
async fn another_version_of_the_text_contacts_nobody() {
    let home = Home::new().await;
    let old = Consents {
        quality: "q0".into(),
        openness: None,
    };
    let error = home
        .open()
        .join(&home.collector.invitation(), &old)
        .await
        .unwrap_err();
    assert!(matches!(error, JoinError::Consent(_)), "{error}");
    assert!(home.collector.asked().is_empty());
}

#[tokio::test]
async fn joining_twice_is_refused() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    let error = device
        .join(&home.collector.invitation(), &consents(false))
        .await
        .unwrap_err();
    assert!(matches!(error, JoinError::AlreadyJoined { .. }), "{error}");
}

#[tokio::test]
async fn a_province_that_does_not_exist_is_refused_with_the_list_and_uses_no_invitation_up() {
    let home = Home::new().await;
    let wrong = Config {
        province: Some("XX-9".into()),
        ..config(home.dir.path())
    };
    let device = Device::open(wrong).unwrap();
    let error = device
        .join(&home.collector.invitation(), &consents(false))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("XX-2 Two"), "{error}");
    assert_eq!(home.collector.asked(), ["GET /api/v1/provinces"]);
    assert!(!device.is_enrolled());
}

#[tokio::test]
async fn a_quality_only_agent_never_asks_for_holds_or_stores_the_openness_list() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    device.refresh_targets().await.unwrap();
    let experiments: Vec<&str> = device
        .contacts()
        .unwrap()
        .iter()
        .map(|one| one.experiment)
        .collect();
    assert_eq!(experiments, ["latency"]);
    assert_eq!(
        home.collector.asked(),
        [
            "GET /api/v1/provinces",
            "POST /api/v1/enrolments",
            "GET /api/v1/targets/quality"
        ]
    );
    assert!(!files_below(&home.data_dir()).contains_key("targets-openness.json"));
}

#[tokio::test]
async fn qos_only_in_the_configuration_wins_over_an_earlier_consent() {
    let home = Home::new().await;
    let device = home.joined(true).await;
    device.refresh_targets().await.unwrap();
    assert!(files_below(&home.data_dir()).contains_key("targets-openness.json"));
    drop(device);
    let qos_only = Config {
        qos_only: true,
        ..config(home.dir.path())
    };
    let device = Device::open(qos_only).unwrap();
    assert!(!files_below(&home.data_dir()).contains_key("targets-openness.json"));
    assert!(
        device
            .contacts()
            .unwrap()
            .iter()
            .all(|one| one.experiment == "latency")
    );
}

#[tokio::test]
async fn what_the_collector_does_not_take_is_neither_fetched_nor_measured() {
    let home = Home::new().await;
    home.collector.host(&[Stream::Quality]);
    let device = home.joined(true).await;
    device.refresh_targets().await.unwrap();
    let round = device.round(&CancellationToken::new(), &()).await.unwrap();
    assert_eq!(round.records.len(), 1, "{:?}", round.skipped);
    assert!(!files_below(&home.data_dir()).contains_key("targets-openness.json"));
    let asked = home.collector.asked();
    let is_list = |line: &String| line == "GET /api/v1/targets/openness";
    assert!(!asked.iter().any(is_list), "it was fetched: {asked:?}");
    let refused = device.jobs_of("web_connectivity", None).err();
    let refused = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("openness records"), "{refused}");
}

#[tokio::test]
async fn a_csv_file_in_place_of_the_lists_gives_only_the_consented_streams() {
    let home = Home::new().await;
    drop(home.joined(false).await);
    let path = home.dir.path().join("targets.csv");
    let csv = "experiment,value,category,path_class,stream,note\n\
        latency,127.0.0.1,,local,quality,\n\
        web_connectivity,http://127.0.0.1:9/,,local,openness,\n";
    fs::write(&path, csv).unwrap();
    let with_csv = Config {
        targets: Some(path),
        ..config(home.dir.path())
    };
    let device = Device::open(with_csv).unwrap();
    device.refresh_targets().await.unwrap();
    assert_eq!(device.contacts().unwrap().len(), 1);
    let asked = home.collector.asked();
    let is_list = |line: &String| line.contains("targets");
    assert!(!asked.iter().any(is_list), "nothing was fetched: {asked:?}");
}

#[tokio::test]
async fn a_withdrawal_takes_list_and_unsent_records_with_it() {
    let home = Home::new().await;
    let device = home.joined(true).await;
    device.refresh_targets().await.unwrap();
    let cancel = CancellationToken::new();
    let round = device.round(&cancel, &()).await.unwrap();
    assert_eq!(round.records.len(), 2, "{:?}", round.skipped);
    let mut consent = Consent::load(device.data_dir()).unwrap();
    consent.withdraw(Stream::Openness, wall_us());
    consent.store(device.data_dir()).unwrap();
    device.refresh_targets().await.unwrap();
    assert!(!files_below(&home.data_dir()).contains_key("targets-openness.json"));
    assert_eq!(device.status().spool.records, 1);
    drop(device);
    assert_eq!(
        home.open().status().spool.records,
        1,
        "nor do they come back"
    );
}

#[tokio::test]
async fn without_a_stored_consent_nothing_is_measured() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    device.refresh_targets().await.unwrap();
    fs::remove_file(home.data_dir().join("consent.json")).unwrap();
    let round = device.round(&CancellationToken::new(), &()).await;
    assert!(matches!(round, Err(RoundError::NoConsent)));
}

#[tokio::test]
async fn a_round_leaves_each_record_in_the_spool_and_settles_the_budget() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    device.refresh_targets().await.unwrap();
    let round = device.round(&CancellationToken::new(), &()).await.unwrap();
    assert_eq!(round.records.len(), 1);
    assert_eq!(round.records[0].experiment, "latency");
    let before = device.status().spool;
    assert_eq!(before.records, 1);
    let ledger = json(&files_below(&home.data_dir()), "budget.json");
    assert_eq!(ledger["reserved_bytes"], 0);
    drop(device);
    let after = home.open().status().spool;
    assert_eq!((after.records, after.dropped_age), (1, before.dropped_age));
}

#[tokio::test]
async fn a_run_beyond_the_budget_is_skipped_with_the_remedy() {
    let home = Home::new().await;
    let device = home.joined(false).await;
    device.refresh_targets().await.unwrap();
    let now = tonle_evidence::local_time::LocalHour::at(wall_us(), 25_200);
    let mut ledger = Ledger::begin(now);
    ledger.spend(u64::MAX / 2);
    device.state().ledger = Some(ledger);
    let round = device.round(&CancellationToken::new(), &()).await.unwrap();
    assert!(round.records.is_empty());
    assert!(round.skipped[0].reason.contains("monthly_budget_bytes"));
}

#[tokio::test]
async fn no_address_of_this_side_is_in_what_the_agent_stores() {
    let home = Home::new().await;
    let device = home.joined(true).await;
    device.refresh_targets().await.unwrap();
    device.round(&CancellationToken::new(), &()).await.unwrap();
    let profile = Profile::load(device.data_dir()).unwrap().unwrap();
    let own = System::default().look(&profile.salt).own_addresses;
    for (name, bytes) in files_below(&home.data_dir()) {
        let text = String::from_utf8_lossy(&bytes);
        for address in &own {
            assert!(!text.contains(&address.to_string()), "{name}");
        }
    }
}

#[tokio::test]
async fn leaving_deletes_everything() {
    let home = Home::new().await;
    let device = home.joined(true).await;
    device.refresh_targets().await.unwrap();
    device.leave().unwrap();
    assert!(!home.data_dir().exists());
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let home = Home::new().await;
    let device = home.open();
    let Err(error) = Device::open(config(home.dir.path())) else {
        panic!("opened twice");
    };
    assert!(
        error
            .to_string()
            .contains("in use by another tonle process"),
        "{error}"
    );
    assert!(is_running(device.data_dir()));
}

#[test]
fn only_this_machine_is_this_machine() {
    for value in [
        "ws://127.0.0.1:8081/",
        "ws://[::1]/",
        "localhost",
        "127.0.0.9",
    ] {
        assert!(plan::is_on_this_machine(value), "{value}");
    }
    for value in [
        "ws://10.0.0.1/",
        "wss://ndt.example.org/",
        "localhost.example.org",
    ] {
        assert!(!plan::is_on_this_machine(value), "{value}");
    }
}
