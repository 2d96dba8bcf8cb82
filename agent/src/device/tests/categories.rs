//! What the volunteer's choice of categories keeps this device from contacting.
use super::*;
use crate::categories::Categories;
use crate::consent::{LOCALISATION_VERSION, Topic};
use tonle_evidence::category::Category;

const CSV: &str = "experiment,value,category,path_class,stream,note\n\
    latency,127.0.0.1,PORN,local,quality,\n\
    web_connectivity,http://127.0.0.1:9/control,CTRL,local,openness,\n\
    web_connectivity,http://127.0.0.1:9/news,NEWS,local,openness,\n\
    web_connectivity,http://127.0.0.1:9/porn,PORN,local,openness,\n\
    web_connectivity,https://porn.test/page,PORN,unknown,openness,\n\
    localisation,site.test,NEWS,unknown,openness,\n";

/// A device that joined and takes its targets from [`CSV`].
async fn device(home: &Home, openness: bool) -> Device {
    drop(home.joined(openness).await);
    let path = home.dir.path().join("targets.csv");
    fs::write(&path, CSV).unwrap();
    Device::open(Config {
        targets: Some(path),
        ..config(home.dir.path())
    })
    .unwrap()
}

fn visited(device: &Device) -> Vec<String> {
    let contacts = device.contacts().unwrap().into_iter();
    let visits = contacts.filter(|one| one.experiment == "web_connectivity");
    visits.map(|one| one.target.value).collect()
}

#[tokio::test]
async fn sensitive_sites_are_left_out_until_switched_on_and_quality_targets_are_not_asked_about() {
    let home = Home::new().await;
    let device = device(&home, true).await;
    let usual = ["http://127.0.0.1:9/control", "http://127.0.0.1:9/news"];
    assert_eq!(visited(&device), usual);
    assert_eq!(device.contacts().unwrap()[0].experiment, "latency");
    let mut chosen = Categories::default();
    chosen.switch_on(Category::Pornography);
    chosen.switch_off(Category::News).unwrap();
    chosen.store(device.data_dir()).unwrap();
    let changed = [
        "http://127.0.0.1:9/control",
        "http://127.0.0.1:9/porn",
        "https://porn.test/page",
    ];
    assert_eq!(visited(&device), changed, "the choice counts at once");
}

#[tokio::test]
async fn a_site_of_a_category_that_is_off_is_not_measured_by_command_either() {
    let home = Home::new().await;
    let device = device(&home, true).await;
    let cancel = CancellationToken::new();
    let url = Some("HTTP://127.0.0.1:9/porn");
    let refused = device.measure("web_connectivity", url, &cancel, &()).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("categories --on PORN"), "{error}");
    assert_eq!(device.status().spool.records, 0);
}

#[tokio::test]
async fn without_consent_to_openness_no_site_is_visited_by_command() {
    let home = Home::new().await;
    let device = device(&home, false).await;
    let cancel = CancellationToken::new();
    let url = Some("http://127.0.0.1:9/");
    let refused = device.measure("web_connectivity", url, &cancel, &()).await;
    assert!(matches!(refused, Err(RoundError::NoOpennessConsent(_))));
    assert_eq!(device.status().spool.records, 0);
}

#[tokio::test]
async fn localisation_needs_an_agreement_of_its_own_and_spares_the_same_sites() {
    let home = Home::new().await;
    let device = device(&home, true).await;
    let cancel = CancellationToken::new();
    let is_planned = || {
        let contacts = device.contacts().unwrap();
        contacts.iter().any(|one| one.experiment == "localisation")
    };
    assert!(!is_planned());
    let refused = device
        .measure("localisation", Some("site.test"), &cancel, &())
        .await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("--accept-localisation"), "{error}");
    let mut consent = Consent::load(device.data_dir()).unwrap();
    let accepted = consent.accept(Topic::Localisation, LOCALISATION_VERSION, 1);
    accepted.unwrap();
    consent.store(device.data_dir()).unwrap();
    assert!(is_planned());
    let localised = |round: Round| {
        let ran = round.records.iter().map(|record| record.experiment.clone());
        let skipped = round.skipped.iter().map(|one| one.experiment.clone());
        ran.chain(skipped).any(|name| name == "localisation")
    };
    assert!(localised(device.round(&cancel, &()).await.unwrap()));
    assert!(
        !localised(device.round(&cancel, &()).await.unwrap()),
        "a day has one"
    );
    let spared = device
        .measure("localisation", Some("porn.test"), &cancel, &())
        .await;
    assert!(matches!(spared, Err(RoundError::CategoryOff { .. })));
}
