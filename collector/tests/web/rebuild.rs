//! `derived.sqlite` can be deleted: every GET route then answers as before.
use crate::house::{Answer, House, RTT};
use crate::incidents::open_two;
use std::collections::BTreeSet;
use tonle_evidence::hash::Hash;

/// Every GET route with parameters filled in.
fn every_route(record: Hash, device_link: &str) -> Vec<String> {
    let routes = [
        "/".to_owned(),
        "/?lang=km&access=fixed".to_owned(),
        format!("/?lang=en&metric={RTT}&access=fixed&period=2026-11"),
        "/provinces/KH-12".to_owned(),
        "/provinces/KH-1?lang=km".to_owned(),
        format!("/device/{device_link}"),
        "/join/AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/api/v1/openapi.json".to_owned(),
        "/api/v1/country".to_owned(),
        "/api/v1/provinces".to_owned(),
        "/api/v1/metrics".to_owned(),
        "/api/v1/targets/quality".to_owned(),
        "/api/v1/targets/openness".to_owned(),
        "/api/v1/lists".to_owned(),
        "/lists".to_owned(),
        "/api/v1/statements?province=KH-12".to_owned(),
        "/api/v1/standards?province=KH-12".to_owned(),
        format!("/api/v1/statements?metric={RTT}"),
        format!("/api/v1/statements/wider?metric={RTT}"),
        format!("/api/v1/cells?metric={RTT}"),
        format!("/api/v1/cells?metric={RTT}&by=hour&province=KH-12"),
        format!("/api/v1/cells?metric={RTT}&by=place&province=KH-12&format=csv"),
        format!("/api/v1/statements?metric={RTT}&window=hour_12"),
        format!("/api/v1/comparisons?metric={RTT}"),
        "/api/v1/composites?province=KH-12".to_owned(),
        "/api/v1/panel?limit=10000".to_owned(),
        format!("/api/v1/records/{record}/status"),
    ];
    routes.to_vec()
}

async fn answers(house: &House, routes: &[String]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for route in routes {
        let answer = house.get(route).await;
        assert_eq!(answer.status, 200, "{route}: {}", answer.body);
        answers.push(answer);
    }
    answers
}

/// A route of the description as it begins, up to its first parameter.
fn stem(path: &str) -> &str {
    path.split(['{', '?']).next().unwrap_or(path)
}

#[tokio::test]
async fn every_get_route_answers_the_same_after_the_derived_store_was_lost() {
    let mut house = House::new();
    let mut last = None;
    for agent in 0..7 {
        let mut joined = house.join_alone();
        for turn in 0..3 {
            let hash = house
                .measure(&mut joined, 20_000 + agent * 500 + turn)
                .await;
            last = Some((hash, joined.device_link.clone()));
        }
    }
    house.catch_up().await;
    let (record, device_link) = last.expect("seven agents measured");
    let mut routes = every_route(record, &device_link);
    let incident = open_two(&house);
    routes.push("/api/v1/incidents".to_owned());
    routes.push(format!("/api/v1/incidents/{incident}"));

    let described = house.get("/api/v1/openapi.json").await.json();
    let paths = described["paths"].as_object().expect("an object of paths");
    let asked: BTreeSet<&str> = routes.iter().map(|route| stem(route)).collect();
    for (path, operations) in paths {
        let is_asked = asked.iter().any(|route| route.starts_with(stem(path)));
        assert!(
            is_asked || operations.get("get").is_none(),
            "{path} is not compared"
        );
    }

    let before = answers(&house, &routes).await;
    let gauges = house.service_gauges().await;
    assert!(
        before
            .iter()
            .any(|answer| answer.body.contains("\"estimate\""))
    );
    assert!(
        before
            .iter()
            .any(|answer| answer.body.contains("\"processed\""))
    );

    house.lose_derived_store().await;
    assert_eq!(answers(&house, &routes).await, before);
    assert_eq!(house.rebuild(), 28, "seven enrolments and 21 records");
    assert_eq!(answers(&house, &routes).await, before);
    assert_eq!(house.service_gauges().await, gauges);
}
