//! The `services` experiment against loopback.
use super::*;
use crate::experiments::Recorded;
use crate::loopback::{net, run_with, target};
use crate::openness::Openness;
use std::io::Write;

async fn measured(groups: &str) -> Recorded {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "version = 'x'\n[[service]]\nid = 'chat'\nsource = ''\n{groups}"
    )
    .unwrap();
    let run = run_with(net()).compared_with(Openness {
        services: Some(file.path().to_owned()),
        ..Openness::default()
    });
    measure(&run, &target("chat")).await.unwrap();
    run.take()
}

#[tokio::test]
async fn a_place_that_connects_is_tried_once_and_one_that_does_not_twice() {
    let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
    let (open_port, closed_port) = (port(&open), port(&closed));
    drop(closed);
    let recorded = measured(&format!(
        "[[service.group]]\nid = 'g'\nreach = 'tcp'\nhosts = ['127.0.0.1']\nports = [{open_port}, {closed_port}]\n"
    ))
    .await;
    let connects = recorded.observations.iter();
    let connects: Vec<_> = connects
        .filter(|seen| seen.operation == "connect")
        .collect();
    assert_eq!(connects.len(), 3);
    let attempts: Vec<_> = connects
        .iter()
        .map(|seen| &seen.detail["attempt"])
        .collect();
    assert_eq!(attempts, [0, 0, 1]);
    // An address of the list is nobody's secret; this one is the device's own.
    assert_eq!(
        connects[0].detail["endpoint"],
        format!("loopback:{open_port}")
    );
    assert!(connects.iter().all(|seen| seen.detail["group"] == "g"));
}

#[tokio::test]
async fn an_unknown_service_is_no_target() {
    let run = run_with(net());
    let refused = measure(&run, &target("icq")).await;
    assert!(matches!(refused, Err(CannotRun::Target { .. })));
}
