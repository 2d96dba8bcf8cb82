//! Who is let in by an access token, whatever the protocol.
use super::support::*;
use std::path::Path;
use std::sync::atomic::Ordering;
use tokio_tungstenite::tungstenite::Error;
use tonle_collector::servers::ServersConfig;
use tonle_wire::ndt7::Direction;

/// RFC 8037, appendix A.2; A.1 is its private half.
const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// `{"alg":"EdDSA"}`, `{"iss":"locate","sub":"ndt","aud":["here"],"exp":32503680000}`: the year 3000.
const FOR_NDT7: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJsb2NhdGUiLCJzdWIiOiJuZHQiLCJhdWQiOlsiaGVyZSJdLCJleHAiOjMyNTAzNjgwMDAwfQ.\
    CiPdvUJvBF9ZzKsNpP5vQTggwWa_BB0nwOX7Y4D1Z_rvLappkOLByRNtHHDA_3dCixSerHW1SRui9GIgaReDAA";
/// The same with `"sub":"msak"` and `"jti":"a-measurement"`.
const FOR_THROUGHPUT1: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJsb2NhdGUiLCJzdWIiOiJtc2FrIiwiYXVkIjpbImhlcmUiXSwianRpIjoiYS1tZWFzdXJlbWVudCIsImV4cCI6MzI1MDM2ODAwMDB9.\
    LIPSE8-nQVR9cPE7K86gP4Y1N6o9gi2FFdfW_KWV6xi7ayIIg5uUCNaDZuiuf7Z5ylUFAoDjrzbrtObHNJYeBg";

fn with_tokens(dir: &Path, is_required: bool) -> ServersConfig {
    let key = dir.join("key.json");
    std::fs::write(&key, KEY).unwrap();
    ServersConfig {
        token_verify_keys: vec![key],
        token_machine: Some("here".to_owned()),
        token_required: is_required,
        ..long()
    }
}

#[tokio::test]
async fn a_refused_token_gets_401_in_both_directions_also_where_none_is_required() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(with_tokens(dir.path(), false)).await;
    for direction in Direction::ALL {
        let path = format!("{}?access_token=a.b.c", direction.path());
        let answer = server.raw(&head(&path, GOOD_PROTOCOL)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{path}: {answer}");
        let path = format!("{}?streams=1&mid=a&access_token=a.b.c", direction.as_str());
        assert_eq!(status_of_throughput1(&server, &path).await, 401, "{path}");
    }
    drop(server.ndt7(DOWNLOAD).await);
    assert!(server.throughput1("download?streams=1&mid=a").await.is_ok());
    let counters = server.stop().await;
    assert_eq!(counters.ndt7.refused_token.load(Ordering::Relaxed), 2);
    assert_eq!(
        counters.throughput1.refused_token.load(Ordering::Relaxed),
        2
    );
}

#[tokio::test]
async fn where_a_token_is_required_only_a_good_one_lets_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(with_tokens(dir.path(), true)).await;
    for direction in Direction::ALL {
        let answer = server.raw(&head(direction.path(), GOOD_PROTOCOL)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let path = format!("{}?access_token={FOR_NDT7}", direction.path());
        drop(server.ndt7(&path).await);
    }
    server.stop().await;
}

#[tokio::test]
async fn where_a_token_is_required_throughput1_is_no_way_around_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(with_tokens(dir.path(), true)).await;
    for direction in Direction::ALL {
        let stream = format!("{}?streams=1&mid=a", direction.as_str());
        assert_eq!(status_of_throughput1(&server, &stream).await, 401);
        let other_use = format!("{stream}&access_token={FOR_NDT7}");
        assert_eq!(status_of_throughput1(&server, &other_use).await, 401);
        let good = format!("{stream}&access_token={FOR_THROUGHPUT1}");
        assert!(server.throughput1(&good).await.is_ok());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_with_a_name_stands_for_the_name_of_a_measurement() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(with_tokens(dir.path(), false)).await;
    let unnamed = "download?streams=1";
    assert_eq!(status_of_throughput1(&server, unnamed).await, 400);
    let named = format!("{unnamed}&access_token={FOR_THROUGHPUT1}");
    assert!(server.throughput1(&named).await.is_ok());
    server.stop().await;
}

/// What a stream that is refused is answered with.
async fn status_of_throughput1(server: &Fixture, path_and_query: &str) -> u16 {
    match server.throughput1(path_and_query).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{path_and_query}: {other}"),
        Ok(_) => panic!("{path_and_query} was let in"),
    }
}
