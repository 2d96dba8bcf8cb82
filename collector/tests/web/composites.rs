//! Use cases as the API tells them: what is known of a part decides, and nothing is made of what is not.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use crate::house::House;
use serde_json::Value;

const URI: &str = "/api/v1/composites?province=KH-12&access=fixed&path=domestic";

/// Agents with round trips that are too slow for anything.
async fn slow_house(agents: i64) -> House {
    let mut house = House::new();
    for agent in 0..agents {
        let mut joined = house.join_alone();
        house.measure(&mut joined, 200_000 + agent * 1_000).await;
    }
    house.catch_up().await;
    house
}

async fn rows(house: &House, uri: &str) -> Vec<Value> {
    let answer = house.get(uri).await;
    assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
    answer.json()["composites"].as_array().unwrap().clone()
}

#[tokio::test]
async fn one_part_that_is_not_met_decides_a_use_case_and_gives_no_score() {
    let house = slow_house(8).await;
    let rows = rows(&house, &format!("{URI}&use_case=gaming&level=half")).await;
    assert_eq!(rows.len(), 1);
    let gaming = &rows[0];
    assert_eq!(gaming["said"], "not_met");
    assert_eq!(gaming.get("score"), None, "three parts are not measured");
    let latency = &gaming["parts"][2];
    assert_eq!(latency["said"], "not_met");
    assert_eq!(latency["percentile"]["value"], 203_500);
    assert_eq!(latency["percentile"]["low"], 200_000);
    assert_eq!(latency["counts"]["agents"], 8);
    assert_eq!(gaming["parts"][0]["said"], "no_data");
}

#[tokio::test]
async fn a_cell_below_the_floor_tells_no_count_and_no_percentile() {
    let house = slow_house(4).await;
    for row in rows(&house, URI).await {
        assert_eq!(row["said"], "suppressed", "{row}");
        let part = &row["parts"][2];
        assert_eq!((part.get("counts"), part.get("percentile")), (None, None));
    }
    let hidden = house.get(&format!("{URI}&format=csv")).await.body;
    assert!(
        !hidden.contains("agents 4") && !hidden.contains("201"),
        "{hidden}"
    );
}

#[tokio::test]
async fn a_province_without_agents_has_no_data_and_is_not_said_to_miss_anything() {
    let house = slow_house(8).await;
    let all = rows(&house, "/api/v1/composites?province=KH-23").await;
    assert!(all.iter().all(|row| row["said"] == "no_data"));
    let found = rows(&house, "/api/v1/composites?said=not_met&access=fixed").await;
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|row| row["speaks_of"]["province"] == "KH-12")
    );
}

#[tokio::test]
async fn operators_are_told_beside_their_province_and_others_have_no_data() {
    let house = slow_house(8).await;
    let uri = format!("{URI}&cells=operators&use_case=gaming&level=half");
    let of = async |operator: &str| rows(&house, &format!("{uri}&operator={operator}")).await;
    assert_eq!(of("metfone").await[0]["said"], "not_met");
    assert_eq!(of("smart").await[0]["said"], "no_data");
}

#[tokio::test]
async fn what_is_asked_for_and_does_not_exist_is_an_error() {
    let house = House::new();
    for (query, status, says) in [
        ("usecase=gaming", 400, "usecase"),
        ("use_case=chess", 404, "web_browsing"),
        ("level=all", 404, "half"),
        ("path=moon", 404, "domestic"),
        ("said=bad", 400, "not_met"),
        ("cells=towns", 400, "operators"),
        ("operator=smart", 400, "cells=operators"),
        ("cells=operators&operator=nobody", 404, "nobody"),
        ("province=KH-99", 404, "KH-99"),
        ("period=now", 400, "period"),
        ("limit=0", 400, "limit"),
    ] {
        let answer = house.get(&format!("/api/v1/composites?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(says), "{query}: {}", answer.body);
    }
}
