//! Incidents over HTTP: filters, forms, what is not told, and a reply beside its incident.
use crate::house::House;
use std::collections::BTreeMap;
use tonle_collector::incidents::Reply;
use tonle_collector::incidents::detect::group::reconcile;
use tonle_collector::incidents::detect::{Finding, Scope, Seen};
use tonle_evidence::hash::{Hash, Hex};
use tonle_evidence::incident::{Kind, Level};

fn finding(target: &str, agents: u32, onset: i64, end: Option<i64>) -> Finding {
    Finding {
        kind: Kind::Blocking,
        key: format!("blocking as38623 {target}"),
        onset,
        end,
        since_before: false,
        level: Level::Corroborated,
        scope: Scope {
            targets: [target.to_owned()].into(),
            networks: ["as38623".to_owned()].into(),
            provinces: ["KH-12".to_owned()].into(),
            ..Scope::default()
        },
        fingerprint: Some("dns.injection.other 36.37.242.94".into()),
        agents,
        agreement_permille: 950,
        worse_permille: None,
        histogram: BTreeMap::from([("likely_blocked".to_owned(), 23)]),
        witnesses: vec![71, 72],
        input_hash: Hash::ZERO,
    }
}

/// One seen by seven agents, and an older one, over, by three.
fn house() -> House {
    let house = House::new();
    open_two(&house);
    house
}

/// Returns the id of the older one.
pub(crate) fn open_two(house: &House) -> String {
    let seen = Seen {
        from: 498_000,
        findings: vec![
            finding("https://few.example/", 3, 498_300, Some(498_330)),
            finding("https://many.example/", 7, 498_390, None),
        ],
        well: BTreeMap::new(),
    };
    let changes = reconcile(&[], &seen);
    let at_us = 1_794_286_800_000_000;
    let appended = house.incidents.append(&changes, at_us, &[]);
    appended.expect("a new log takes entries");
    changes[0].incident.id.clone()
}

#[tokio::test]
async fn incidents_are_listed_and_filtered_by_what_is_told_of_them() {
    let house = house();
    let count = async |query: &str| {
        let answer = house.get(&format!("/api/v1/incidents{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.json()["incidents"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("?kind=blocking&state=open").await, 1);
    assert_eq!(count("?kind=outage").await, 0);
    assert_eq!(count("?network=as38623").await, 2);
    assert_eq!(count("?province=KH-12").await, 1, "the other's is not told");
    assert_eq!(count("?target=https%3A%2F%2Ffew.example%2F").await, 1);
    assert_eq!(count("?since=2026-11-10").await, 1);
    assert_eq!(count("?limit=1").await, 1);
    for wrong in [
        "?kind=odd",
        "?state=odd",
        "?level=odd",
        "?since=odd",
        "?odd=1",
        "?limit=0",
    ] {
        let answer = house.get(&format!("/api/v1/incidents{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    assert_eq!(
        house.get("/api/v1/incidents?province=KH-99").await.status,
        404
    );
}

#[tokio::test]
async fn no_form_of_an_answer_tells_what_few_saw() {
    let house = house();
    let json = house.get("/api/v1/incidents").await.json();
    insta::assert_json_snapshot!("incidents", json);
    let csv = house.get("/api/v1/incidents?format=csv").await;
    assert!(
        csv.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/csv")
    );
    let few = csv
        .body
        .lines()
        .find(|line| line.contains("few.example"))
        .unwrap();
    assert!(!few.contains("KH-12"), "{few}");
    assert!(csv.headers.contains_key("etag"));
}

#[tokio::test]
async fn an_incident_shows_its_log_and_the_replies_to_it() {
    let house = house();
    let id = house.incidents.latest().unwrap()[1].incident.id.clone();
    let reply = Reply {
        at_us: 1_794_290_400_000_000,
        name: "Example Telecom".into(),
        role: "operator".into(),
        key: Hex([1; 32]),
        text: "A cable was cut.".into(),
        document: "{}".into(),
    };
    house.incidents.attach(&id, &reply).unwrap();
    let page = house.get(&format!("/api/v1/incidents/{id}")).await.json();
    assert_eq!(page["log"][0]["event"], "opened");
    assert_eq!(page["replies"][0]["text"], "A cable was cut.");
    assert_eq!(
        page["findings"][0]["witnesses"],
        serde_json::json!([71, 72])
    );
    assert_eq!(house.get("/api/v1/incidents/nothing").await.status, 404);
}
