//! The ndt7 client against a scripted peer: what becomes a rate, and what becomes a failure.
mod bad_peers;
mod located;

use super::peer::{self, behave};
use super::*;
use crate::context::Line;
use crate::experiments::Recorded;
use crate::experiments::bulk::peer::start_refusing;
use crate::loopback;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::PathClass;
use tonle_net::settings::NetSettings;

/// Tests of one second instead of ten.
const SHORT: Throughput = Throughput {
    timing: Timing {
        nominal_us: 1_000_000,
        cut_off_us: 30_000_000,
        capped_min_us: 1,
    },
    under_load: false,
};
const PLENTY: u64 = 1 << 32;

fn new_run(max_bytes: u64, allow_loopback: bool) -> Run {
    let net = NetSettings {
        allow_loopback,
        ..loopback::net()
    };
    loopback::run_of(net, max_bytes)
}

fn target(value: &str, path_class: PathClass) -> Target {
    Target {
        value: value.to_owned(),
        category: None,
        path_class,
    }
}

async fn measure(addr: SocketAddr, run: &Run) -> Recorded {
    let target = target(&format!("ws://{addr}/"), PathClass::Domestic);
    SHORT.run(run, &target).await.unwrap();
    run.take()
}

fn operations(recorded: &Recorded) -> Vec<&str> {
    let operations = recorded.observations.iter();
    operations.map(|seen| seen.operation.as_str()).collect()
}

/// The last step: what was seen beside a transfer is told after it.
fn last(recorded: &Recorded) -> &Observation {
    let steps = recorded.observations.iter();
    let mut steps = steps.filter(|seen| seen.operation != "limits");
    steps.next_back().unwrap()
}

#[tokio::test]
async fn both_directions_are_measured_and_upload_is_the_receivers_figure() {
    let addr = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, 1_000_000).await;
    })
    .await;
    let run = new_run(PLENTY, true);
    let recorded = measure(addr, &run).await;
    assert_eq!(
        operations(&recorded),
        [
            "connect",
            "websocket_handshake",
            "transfer",
            "limits",
            "connect",
            "websocket_handshake",
            "transfer",
            "limits"
        ]
    );
    assert!(recorded.observations.iter().all(Observation::succeeded));
    let sample = |metric: &str| {
        let found = recorded.samples.iter().find(|(name, _)| name == metric);
        found.map(|(_, value)| *value)
    };
    assert_eq!(recorded.samples.len(), 4, "{:?}", recorded.samples);
    let download_bps = sample("throughput.download_bps/ndt7/domestic").unwrap();
    let transfer = &recorded.observations[2];
    let payload_bytes = transfer.detail["payload_bytes"].as_i64().unwrap();
    let elapsed_us = transfer.duration_us();
    let expected = payload_bytes * 8_000_000 / elapsed_us;
    assert!(
        (download_bps - expected).abs() <= expected / 100,
        "set-up is no part of it"
    );
    assert_eq!(sample("throughput.min_rtt_us/ndt7/domestic"), Some(4_000));
    assert_eq!(
        sample("throughput.retransmission_ppm/ndt7/domestic"),
        Some(2_000)
    );
    let upload_bps = peer::RECEIVED_BYTES * 8_000_000 / peer::ELAPSED_US;
    assert_eq!(
        sample("throughput.upload_bps/ndt7/domestic"),
        Some(upload_bps)
    );
    assert_eq!(transfer.detail["stop"], "server_closed");
    assert_eq!(transfer.detail["close_code"], 1000);
    assert_eq!(transfer.detail["scheme"], "ws");
    assert_eq!(
        transfer.detail["server_bytes_received"],
        peer::RECEIVED_BYTES
    );
    assert!(run.bytes_used() > payload_bytes.unsigned_abs());
    assert_eq!(recorded.outcome, None);
    let limited_by = recorded.limited_by.unwrap();
    assert_ne!(
        limited_by,
        LimitedBy::Line,
        "a run that may know nothing of its device never blames the line"
    );
}

#[tokio::test]
async fn the_byte_cap_ends_both_directions_and_names_another_metric() {
    let addr = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, 300_000_000).await;
    })
    .await;
    let max_bytes = 1 << 20;
    let long = Throughput {
        timing: Timing {
            nominal_us: 300_000_000,
            cut_off_us: 300_000_000,
            ..SHORT.timing
        },
        ..SHORT
    };
    let run = new_run(max_bytes, true);
    let target = target(&format!("ws://{addr}"), PathClass::Abroad);
    long.run(&run, &target).await.unwrap();
    let recorded = run.take();
    assert_eq!(recorded.outcome, Some(Outcome::Capped));
    let limits = recorded.observations.iter();
    let limits = limits.filter(|seen| seen.operation == "limits");
    let rules: Vec<_> = limits.map(|seen| seen.detail["rule"].clone()).collect();
    assert_eq!(
        rules[0], "C1",
        "the download; an upload's kernel has a say of its own"
    );
    assert!(run.bytes_used() <= max_bytes, "{}", run.bytes_used());
    let metrics: Vec<_> = recorded
        .samples
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        metrics.contains(&"throughput.download_bps/ndt7_capped/abroad"),
        "{metrics:?}"
    );
    assert!(
        metrics.iter().all(|name| name.contains("/ndt7_capped/")),
        "{metrics:?}"
    );
    assert_eq!(recorded.observations[2].detail["stop"], "bytes_cap");
    assert_eq!(last(&recorded).detail["stop"], "bytes_cap");
    assert!(last(&recorded).succeeded(), "a cap of ours is no failure");
}

#[tokio::test]
async fn a_refused_handshake_gives_no_rate_and_no_second_try() {
    for (answer, failure) in [
        (
            Some(StatusCode::SERVICE_UNAVAILABLE),
            Failure::HttpUnexpectedStatusCode,
        ),
        (
            Some(StatusCode::BAD_REQUEST),
            Failure::HttpUnexpectedStatusCode,
        ),
        (None, Failure::HttpRequestFailed),
    ] {
        let addr = start_refusing(answer).await;
        let recorded = measure(addr, &new_run(PLENTY, true)).await;
        assert_eq!(operations(&recorded), ["connect", "websocket_handshake"]);
        assert_eq!(last(&recorded).failure, Some(failure));
        assert!(recorded.samples.is_empty());
    }
}

#[tokio::test]
async fn a_closed_port_is_an_observation() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let recorded = measure(addr, &new_run(PLENTY, true)).await;
    assert_eq!(operations(&recorded), ["connect"]);
    assert_eq!(last(&recorded).failure, Some(Failure::ConnectionRefused));
}

#[tokio::test]
async fn a_connection_that_breaks_early_has_a_failure_and_no_rate() {
    let addr = peer::start(|direction, mut socket| async move {
        let load = Message::binary(vec![1; 1 << 13]);
        match direction {
            Direction::Download => socket.send(load).await.unwrap(),
            Direction::Upload => drop(socket.next().await),
        }
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY, true)).await;
    let download = &recorded.observations[2];
    assert_eq!(download.failure, Some(Failure::Eof));
    assert_eq!(download.detail["stop"], "broken");
    assert_eq!(download.detail["payload_bytes"], 1 << 13);
    assert!(!last(&recorded).succeeded());
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn text_that_is_no_measurement_is_counted_and_changes_nothing() {
    let addr = peer::start(|direction, mut socket| async move {
        for text in ["", "{", "7", r#"{"TCPInfo":5}"#, "{}"] {
            socket.send(Message::text(text)).await.unwrap();
        }
        let _ = behave(direction, socket, 1_000_000).await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY, true)).await;
    assert_eq!(recorded.observations[2].detail["bad_measurements"], 4);
    assert_eq!(recorded.samples.len(), 4);
}

#[tokio::test]
async fn load_from_the_server_of_an_upload_breaks_the_protocol() {
    let addr = peer::start(|direction, mut socket| async move {
        if direction == Direction::Upload {
            socket.send(Message::binary(vec![0; 10])).await.unwrap();
        }
        let _ = behave(direction, socket, 1_000_000).await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY, true)).await;
    assert_eq!(last(&recorded).failure, Some(Failure::HttpRequestFailed));
    assert!(
        recorded
            .samples
            .iter()
            .all(|(name, _)| !name.contains("upload"))
    );
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_it_saw() {
    let addr = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, 300_000_000).await;
    })
    .await;
    let mut run = new_run(PLENTY, true);
    let cancel = run.cancel.clone();
    run.progress = Arc::new(move |_, _| cancel.cancel());
    let recorded = measure(addr, &run).await;
    assert_eq!(recorded.outcome, Some(Outcome::Cancelled));
    assert_eq!(
        operations(&recorded),
        ["connect", "websocket_handshake", "transfer", "limits"]
    );
    assert_eq!(last(&recorded).failure, Some(Failure::Interrupted));
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_target_that_is_no_server_is_refused_before_anything_is_sent() {
    let run = new_run(PLENTY, false);
    for value in [
        "ftp://x/",
        "ws:///",
        "nonsense",
        "ws://127.0.0.1:1/",
        "wss://[::1]/",
    ] {
        let refused = SHORT.run(&run, &target(value, PathClass::Domestic)).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
    assert!(run.take().observations.is_empty());
}

#[tokio::test]
async fn a_server_declared_local_may_stand_on_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let run = new_run(PLENTY, false);
    let target = target(&format!("ws://{addr}"), PathClass::Local);
    SHORT.run(&run, &target).await.unwrap();
    assert_eq!(last(&run.take()).failure, Some(Failure::ConnectionRefused));
}

#[test]
fn a_direction_gets_half_of_what_may_be_used_and_keeps_an_eighth_back() {
    let run = new_run(8_000, true);
    assert_eq!(stop_at_bytes(&run, 0), 3_500);
    assert_eq!(stop_at_bytes(&run, 4_000), 7_500);
    assert_eq!(
        stop_at_bytes(&run, 7_200),
        7_900,
        "the download took too much"
    );
    assert_eq!(stop_at_bytes(&run, 9_000), 9_000);
}

#[tokio::test]
async fn an_upload_ends_when_the_server_has_told_enough() {
    let addr = peer::start(|direction, mut socket| async move {
        if direction == Direction::Download {
            let _ = behave(direction, socket, 100_000).await;
            return;
        }
        let mut received = 0;
        for tick in 1..=40_usize {
            let (elapsed_us, bytes) = (tick * 100_000, tick * 250_000);
            // More than was sent would not be believed.
            while received < bytes + (1 << 20) {
                let Some(Ok(message)) = socket.next().await else {
                    return;
                };
                received += message.len();
            }
            let told =
                format!(r#"{{"TCPInfo":{{"ElapsedTime":{elapsed_us},"BytesReceived":{bytes}}}}}"#);
            if socket.send(Message::text(told)).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let run = new_run(PLENTY, true).on(Line {
        early_stop: true,
        ..Line::default()
    });
    let target = target(&format!("ws://{addr}"), PathClass::Abroad);
    Throughput::STANDARD.run(&run, &target).await.unwrap();
    let recorded = run.take();
    assert_eq!(last(&recorded).detail["stop"], "stable");
    assert!(last(&recorded).succeeded());
    let upload = (
        "throughput.upload_bps/ndt7_early/abroad".to_owned(),
        20_000_000,
    );
    assert_eq!(recorded.samples, [upload]);
    assert!(recorded.traces.is_empty(), "it is no whole transfer");
}

#[tokio::test]
async fn whole_transfers_leave_a_trace_without_any_address() {
    let addr = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, 1_000_000).await;
    })
    .await;
    let run = new_run(PLENTY, true).on(Line {
        keeps_traces: true,
        ..Line::default()
    });
    let recorded = measure(addr, &run).await;
    let text = recorded.traces.join("\n");
    assert!(!text.contains("127.0.0.1"), "{text}");
    let traces = crate::replay::read::parse(&text).unwrap();
    let directions: Vec<&str> = traces
        .iter()
        .map(|trace| trace.direction.as_str())
        .collect();
    assert_eq!(directions, ["download", "upload"]);
    assert!(!traces[0].kernel.is_empty());
}
