//! Who is let in by an access token, and what is kept of a finished test.
use super::support::*;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tonle_collector::servers::ServersConfig;
use tonle_wire::ndt7::Direction;

/// RFC 8037, appendix A.2; A.1 is its private half.
const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// `{"alg":"EdDSA"}`, `{"iss":"locate","sub":"ndt","aud":["here"],"exp":32503680000}`: the year 3000.
const GOOD_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJsb2NhdGUiLCJzdWIiOiJuZHQiLCJhdWQiOlsiaGVyZSJdLCJleHAiOjMyNTAzNjgwMDAwfQ.\
    CiPdvUJvBF9ZzKsNpP5vQTggwWa_BB0nwOX7Y4D1Z_rvLappkOLByRNtHHDA_3dCixSerHW1SRui9GIgaReDAA";

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
    }
    drop(server.open(DOWNLOAD).await);
    let counters = server.stop().await;
    assert_eq!(counters.refused_token.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn where_a_token_is_required_only_a_good_one_lets_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(with_tokens(dir.path(), true)).await;
    for direction in Direction::ALL {
        let answer = server.raw(&head(direction.path(), GOOD_PROTOCOL)).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let path = format!("{}?access_token={GOOD_TOKEN}", direction.path());
        drop(server.open(&path).await);
    }
    server.stop().await;
}

fn archived(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(archived(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn a_finished_test_is_kept_without_the_clients_address() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(ServersConfig {
        archive_dir: Some(dir.path().to_owned()),
        ..short()
    })
    .await;
    let mut socket = server.open(&format!("{DOWNLOAD}?client_name=x")).await;
    let own_address = socket.get_ref().local_addr().unwrap();
    let seen = read_to_end(&mut socket).await;
    drop(socket);
    let counters = server.stop().await;
    assert_eq!(counters.archived.load(Ordering::Relaxed), 1);
    let files = archived(dir.path());
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    let below = file.strip_prefix(dir.path()).unwrap().to_str().unwrap();
    assert!(
        below.starts_with("ndt7/2") && below.ends_with(".json.gz"),
        "{below}"
    );
    assert!(below.contains("/ndt7-download-2"), "{below}");
    let kept: Value = serde_json::from_reader(GzDecoder::new(File::open(file).unwrap())).unwrap();
    let measurements = kept["Download"]["ServerMeasurements"].as_array().unwrap();
    assert_eq!(measurements.len(), seen.measurements.len());
    assert!(
        measurements
            .iter()
            .all(|one| one.get("ConnectionInfo").is_none())
    );
    let uuid = seen.measurements[0].connection_info.clone().unwrap().uuid;
    assert_eq!(kept["Download"]["UUID"].as_str(), uuid.as_deref());
    let port = format!("127.0.0.1:{}", own_address.port());
    assert!(!kept.to_string().contains(&port), "{kept}");
    assert_eq!(kept["ClientIP"], "");
    assert_eq!(kept["Download"]["ClientMetadata"][0]["Value"], "x");
}

#[tokio::test]
async fn an_archive_that_cannot_be_written_disturbs_no_test() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ndt7"), "a file in the way").unwrap();
    let server = Fixture::start(ServersConfig {
        archive_dir: Some(dir.path().to_owned()),
        ..short()
    })
    .await;
    let mut socket = server.open(UPLOAD).await;
    assert_eq!(read_to_end(&mut socket).await.close_code, Some(1000));
    let counters = server.stop().await;
    assert_eq!(counters.archive_failures.load(Ordering::Relaxed), 1);
    assert_eq!(counters.closed.load(Ordering::Relaxed), 1);
}
