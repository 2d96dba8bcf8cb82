//! What is kept of a finished test of ndt7.
use super::support::*;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tonle_collector::servers::ServersConfig;

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
    let mut socket = server.ndt7(&format!("{DOWNLOAD}?client_name=x")).await;
    let own_address = socket.get_ref().local_addr().unwrap();
    let seen = read_to_end(&mut socket).await;
    drop(socket);
    let counters = server.stop().await;
    assert_eq!(counters.ndt7_archive.kept.load(Ordering::Relaxed), 1);
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
async fn a_test_that_the_servers_stop_ends_is_kept_also_of_a_client_that_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = Fixture::start(ServersConfig {
        archive_dir: Some(dir.path().to_owned()),
        ..long()
    })
    .await;
    let silent = server.ndt7(UPLOAD).await;
    let counters = server.stop().await;
    assert_eq!(counters.ndt7_archive.kept.load(Ordering::Relaxed), 1);
    assert_eq!(archived(dir.path()).len(), 1);
    drop(silent);
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
    let mut socket = server.ndt7(UPLOAD).await;
    assert_eq!(read_to_end(&mut socket).await.close_code, Some(1000));
    let counters = server.stop().await;
    assert_eq!(counters.ndt7_archive.failures.load(Ordering::Relaxed), 1);
    assert_eq!(counters.ndt7.closed.load(Ordering::Relaxed), 1);
}
