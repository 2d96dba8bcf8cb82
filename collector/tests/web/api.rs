//! The API's manners: problems that say what to do, safe headers, conditional requests, and its
//! exact words.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use crate::house::{Answer, House, RTT};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use tonle_evidence::dsse::types;
use tonle_evidence::hash::Hex;
use tonle_evidence::targets::TargetList;

async fn measured_house() -> House {
    let mut house = House::new();
    for agent in 0..6 {
        let mut joined = house.join_alone();
        house.measure(&mut joined, 20_000 + agent * 1_000).await;
    }
    house.catch_up().await;
    house
}

fn assert_problem(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{detail}");
}

#[tokio::test]
async fn errors_are_problems_that_say_what_to_do() {
    let house = House::new();
    let problem = async |uri: &str, status, says| {
        assert_problem(&house.get(uri).await, status, says);
    };
    problem("/nothing/here", 404, "/api/v1/openapi.json").await;
    problem("/api/v1/statements", 400, "province or metric").await;
    problem(
        "/api/v1/statements?province=KH-99",
        404,
        "/api/v1/provinces",
    )
    .await;
    problem("/api/v1/statements?metric=speed", 404, "/api/v1/metrics").await;
    problem(
        "/api/v1/statements?province=KH-1&access=dial",
        400,
        "mobile, fixed",
    )
    .await;
    problem(
        "/api/v1/statements?province=KH-1&period=now",
        400,
        "YYYY-MM",
    )
    .await;
    problem("/api/v1/statements?provinse=KH-1", 400, "provinse").await;
    problem("/api/v1/standards?standart=x", 400, "standart").await;
    problem("/api/v1/standards?standard=x", 404, "no standard 'x'").await;
    problem("/api/v1/standards?province=KH-99", 404, "KH-99").await;
    problem("/api/v1/standards?operator=nobody", 404, "nobody").await;
    problem("/api/v1/standards?period=now", 400, "period").await;
    problem("/api/v1/targets/gossip", 404, "quality, openness").await;
    problem("/api/v1/records/abc/status", 400, "32 bytes as hex").await;
    let post = Request::post("/api/v1/country")
        .body(Body::empty())
        .unwrap();
    assert_problem(&house.send(post).await, 405, "POST");
}

#[tokio::test]
async fn a_record_is_unknown_then_stored_then_processed() {
    let mut house = House::new();
    let unknown = house
        .get(&format!("/api/v1/records/{}/status", Hex([1; 32])))
        .await;
    assert_problem(&unknown, 404, "does not hold record");
    assert_eq!(unknown.json()["state"], "unknown");

    let mut agent = house.join_alone();
    let hash = house.measure(&mut agent, 20_000).await;
    let uri = format!("/api/v1/records/{hash}/status");
    assert_eq!(house.get(&uri).await.json()["state"], "stored");
    house.catch_up().await;
    let processed = house.get(&uri).await.json();
    assert_eq!(processed["state"], "processed");
    assert_eq!(processed["record_hash"], hash.to_string());
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_a_browser_safe() {
    let house = House::new();
    for uri in [
        "/healthz",
        "/api/v1/country",
        "/nothing",
        "/api/v1/statements",
    ] {
        let headers = house.get(uri).await.headers;
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{uri}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff", "{uri}");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer", "{uri}");
    }
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    let mut house = measured_house().await;
    let uri = format!("/api/v1/statements?metric={RTT}");
    let first = house.get(&uri).await;
    let again = |tag: &str| {
        let request = Request::get(&uri).header(IF_NONE_MATCH, tag);
        request.body(Body::empty()).unwrap()
    };
    let tag = first.headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!(first.headers[CACHE_CONTROL], "no-cache");
    let unchanged = house.send(again(&format!("\"other\", {tag}"))).await;
    assert_eq!(
        (unchanged.status.as_u16(), unchanged.body.as_str()),
        (304, "")
    );
    assert_eq!(unchanged.headers[ETAG], tag.as_str());

    let mut seventh = house.join_alone();
    house.measure(&mut seventh, 90_000).await;
    house.catch_up().await;
    let changed = house.send(again(&tag)).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.headers[ETAG], tag.as_str());
}

#[tokio::test]
async fn the_lists_of_targets_open_under_the_collectors_key() {
    let house = House::new();
    let key = tonle_evidence::SigningKey::from_bytes(&[8; 32]).verifying_key();
    for stream in ["quality", "openness"] {
        let answer = house.get(&format!("/api/v1/targets/{stream}")).await;
        let document: tonle_evidence::document::SignedDocument =
            serde_json::from_str(&answer.body).unwrap();
        let list: TargetList = document.open(&key, types::TARGETS).unwrap();
        assert_eq!(list.stream.as_str(), stream);
    }
}

#[tokio::test]
async fn statements_read_as_published() {
    let house = measured_house().await;
    let uri = format!("/api/v1/statements?province=KH-12&metric={RTT}");
    insta::assert_json_snapshot!("statements", house.get(&uri).await.json());
}

#[tokio::test]
async fn standards_read_as_published() {
    let house = measured_house().await;
    let uri = "/api/v1/standards?province=KH-12&operator=metfone";
    insta::assert_json_snapshot!("standards", house.get(uri).await.json());
}

#[tokio::test]
async fn verdicts_are_those_of_the_whole_table_whatever_part_is_asked_for() {
    let house = measured_house().await;
    let whole = house.get("/api/v1/standards?limit=10000").await.json();
    let part = house
        .get("/api/v1/standards?standard=xx.latency.median&province=KH-12")
        .await
        .json();
    for key in ["cells", "family", "decided_cells", "decided_population_ppm"] {
        assert_eq!(whole[key], part[key], "{key}");
    }
    let all = whole["verdicts"].as_array().unwrap();
    for verdict in part["verdicts"].as_array().unwrap() {
        assert!(all.contains(verdict), "{verdict}");
    }
}

#[tokio::test]
async fn gauges_read_as_published() {
    let house = measured_house().await;
    insta::assert_snapshot!("gauges", house.service_gauges().await);
}

#[tokio::test]
async fn the_description_of_the_api_reads_as_published() {
    let house = House::new();
    let description = house.get("/api/v1/openapi.json").await.json();
    insta::assert_json_snapshot!("openapi", description);
}
