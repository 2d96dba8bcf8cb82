//! The throughput1 client against a scripted peer, well-behaved and not.
use super::*;
use crate::experiments::Recorded;
use crate::experiments::bulk::peer::{self, PeerSocket};
use crate::loopback;
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::LimitedBy;
use tonle_net::clock::Stopwatch;
use tonle_wire::throughput1::Query;
use tonle_wire::throughput1::spec::direction_of;

/// Tests of one second instead of five.
const SHORT: Throughput1 = Throughput1 {
    length_ms: 1_000,
    capped_min_us: 1,
};
const PLENTY: u64 = 1 << 32;

/// What a client asked for on one stream.
#[derive(Clone)]
struct Asked {
    direction: Direction,
    query: Query,
}

impl Asked {
    fn of(request: &peer::Request) -> Self {
        Self {
            direction: direction_of(request.uri().path()).unwrap(),
            query: Query::parse(request.uri().query().unwrap()).unwrap(),
        }
    }
}

/// Serves streams with `script`, and keeps what was asked for.
async fn start<S, F>(script: S) -> (SocketAddr, Arc<Mutex<Vec<Asked>>>)
where
    S: Fn(Asked, PeerSocket) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send,
{
    let all: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let kept = Arc::clone(&all);
    let keeping = move |asked: Asked, socket| {
        kept.lock().unwrap().push(asked.clone());
        script(asked, socket)
    };
    let addr = peer::start(SUBPROTOCOL, Asked::of, keeping).await;
    (addr, all)
}

fn report(sent: u64, received: u64, elapsed_us: i64) -> Message {
    let text = format!(
        r#"{{"CC":"cubic","Application":{{"BytesSent":{sent},"BytesReceived":{received}}},"Network":{{}},"ElapsedTime":{elapsed_us},"TCPInfo":{{"MinRTT":4000}}}}"#
    );
    Message::text(text)
}

/// A well-behaved server: load or measurements until the length or the limit, then Close 1000.
async fn behave(asked: Asked, socket: PeerSocket) {
    let _ = serve(&asked, socket, asked.query.limit_bytes.unwrap(), 1).await;
}

/// As [`behave`], with another limit than asked for, and counters that many times too large.
async fn serve(asked: &Asked, mut socket: PeerSocket, limit: u64, lie: u64) -> Result<(), Error> {
    let clock = Stopwatch::start();
    let (mut sent, mut received) = (0_u64, 0_u64);
    let length_us = i64::try_from(asked.query.duration_ms * 1000).unwrap();
    while clock.elapsed_us() < length_us {
        socket
            .send(report(sent, received * lie, clock.elapsed_us()))
            .await?;
        match asked.direction {
            Direction::Download if sent >= limit => break,
            Direction::Download => {
                let size = (limit - sent).min(1 << 13);
                socket
                    .send(Message::binary(vec![1; usize::try_from(size).unwrap()]))
                    .await?;
                sent += size;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Direction::Upload => {
                // Slowly, so that these tests leave the processor to others.
                tokio::time::sleep(Duration::from_millis(10)).await;
                let wait = tokio::time::timeout(Duration::from_millis(50), socket.next());
                match wait.await {
                    Ok(Some(Ok(Message::Binary(load)))) => received += load.len() as u64,
                    Ok(Some(Ok(Message::Close(_))) | None) => return Ok(()),
                    _ => {}
                }
            }
        }
    }
    socket
        .send(report(sent, received * lie, clock.elapsed_us()))
        .await?;
    peer::close(socket).await
}

fn new_run(max_bytes: u64) -> Run {
    loopback::run_of(loopback::net(), max_bytes)
}

fn target(addr: SocketAddr, query: &str) -> Target {
    loopback::target(format!("ws://{addr}/{query}"))
}

async fn measure(addr: SocketAddr, run: &Run) -> Recorded {
    SHORT.run(run, &target(addr, "")).await.unwrap();
    run.take()
}

fn of<'a>(recorded: &'a Recorded, operation: &str) -> Vec<&'a Observation> {
    let all = recorded.observations.iter();
    all.filter(|seen| seen.operation == operation).collect()
}

fn metrics(recorded: &Recorded) -> Vec<&str> {
    recorded
        .samples
        .iter()
        .map(|(name, _)| name.as_str())
        .collect()
}

#[tokio::test]
async fn two_streams_share_an_id_and_give_one_rate_per_direction() {
    let (addr, asked) = start(behave).await;
    let run = new_run(PLENTY);
    let recorded = measure(addr, &run).await;
    assert_eq!(
        metrics(&recorded),
        [
            "throughput1.download_bps/full/domestic",
            "throughput1.min_rtt_us/full/domestic",
            "throughput1.upload_bps/full/domestic"
        ]
    );
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 4);
    let ids: Vec<_> = asked
        .iter()
        .map(|one| one.query.measurement_id.clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert!(asked.iter().all(|one| one.query.streams == "2"));
    let streams = of(&recorded, "stream");
    assert_eq!(streams.len(), 4);
    assert!(streams.iter().all(|seen| seen.succeeded()), "{streams:?}");
    assert_eq!(streams[0].detail["server_cc"], "cubic");
    assert!(streams[0].detail["series"].as_array().unwrap().len() > 1);
    let total = of(&recorded, "streams")[0];
    assert_eq!(total.detail["ended_by"], "length");
    assert_eq!(total.detail["rate_bps"], recorded.samples[0].1);
    let payload: i64 = streams[..2]
        .iter()
        .map(|s| s.detail["payload_bytes"].as_i64().unwrap())
        .sum();
    assert_eq!(total.detail["received_bytes"], payload);
    assert!(run.bytes_used() > payload.unsigned_abs());
    assert_eq!(recorded.outcome, None);
    let limits = of(&recorded, "limits");
    assert_eq!(limits.len(), 2, "one of each direction");
    assert_eq!(limits[0].detail["rate_bps"], recorded.samples[0].1);
    let limited_by = recorded.limited_by.unwrap();
    assert_ne!(
        limited_by,
        LimitedBy::Line,
        "a run that may know nothing of its device never blames the line"
    );
}

#[tokio::test]
async fn the_byte_cap_is_told_to_the_server_kept_and_names_another_metric() {
    let (addr, asked) = start(behave).await;
    let max_bytes = 1 << 20;
    let long = Throughput1 {
        length_ms: 20_000,
        ..SHORT
    };
    let run = new_run(max_bytes);
    long.run(&run, &target(addr, "")).await.unwrap();
    let recorded = run.take();
    assert_eq!(recorded.outcome, Some(Outcome::Capped));
    // The window of an upload's server may be smaller than the cap: the download has no such limit here.
    let download = &of(&recorded, "limits")[0].detail;
    assert_eq!(
        (&download["limited_by"], &download["rule"]),
        (&"cap".into(), &"C1".into())
    );
    assert_ne!(recorded.limited_by, Some(LimitedBy::Line));
    assert!(run.bytes_used() <= max_bytes, "{}", run.bytes_used());
    assert!(metrics(&recorded).contains(&"throughput1.download_bps/capped/domestic"));
    assert!(
        metrics(&recorded)
            .iter()
            .all(|name| name.contains("/capped/"))
    );
    for one in asked.lock().unwrap().iter() {
        let limit = one.query.limit_bytes.unwrap();
        assert!((1..max_bytes / 4).contains(&limit), "{limit}");
    }
    for total in of(&recorded, "streams") {
        assert_eq!(total.detail["ended_by"], "bytes_cap");
    }
    let upload = of(&recorded, "stream")[2];
    assert_eq!(
        upload.detail["payload_bytes"],
        upload.detail["server_received_bytes"]
    );
}

#[tokio::test]
async fn a_server_that_ignores_the_limit_does_not_break_the_byte_cap() {
    let (addr, _) = start(|asked, socket| async move {
        let _ = serve(&asked, socket, u64::MAX, 1).await;
    })
    .await;
    let run = new_run(1 << 20);
    let long = Throughput1 {
        length_ms: 20_000,
        ..SHORT
    };
    long.run(&run, &target(addr, "")).await.unwrap();
    assert!(run.bytes_used() <= 1 << 20, "{}", run.bytes_used());
    assert_eq!(run.take().outcome, Some(Outcome::Capped));
}

#[tokio::test]
async fn a_server_that_claims_more_than_we_sent_gives_no_upload_rate() {
    let (addr, _) = start(|asked, socket| async move {
        let limit = asked.query.limit_bytes.unwrap();
        let _ = serve(&asked, socket, limit, 1_000).await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY)).await;
    assert!(
        metrics(&recorded)
            .iter()
            .all(|name| !name.contains("upload"))
    );
    assert!(!of(&recorded, "streams")[1].detail.contains_key("rate_bps"));
}

#[tokio::test]
async fn a_server_that_stalls_or_never_closes_is_ended_by_our_clock() {
    let (addr, _) = start(|asked, mut socket| async move {
        let _ = socket.send(report(0, 0, 1)).await;
        if asked.direction == Direction::Download {
            let _ = socket.send(Message::binary(vec![0; 1 << 13])).await;
        }
        std::future::pending::<()>().await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY)).await;
    assert!(
        metrics(&recorded)
            .iter()
            .all(|name| !name.contains("upload"))
    );
    let stops: Vec<_> = of(&recorded, "stream")
        .iter()
        .map(|s| s.detail["stop"].clone())
        .collect();
    assert_eq!(
        stops, ["time_up"; 4],
        "stock clients have no other end either"
    );
}

#[tokio::test]
async fn a_server_that_sends_nothing_is_a_timeout() {
    let (addr, _) = start(|_, socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY)).await;
    assert_eq!(
        of(&recorded, "stream")[0].failure,
        Some(Failure::GenericTimeout)
    );
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_early_has_a_failure_and_no_rate() {
    let (addr, _) = start(|_, mut socket| async move {
        let _ = socket.send(Message::binary(vec![0; 1 << 10])).await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY)).await;
    assert_eq!(of(&recorded, "stream")[0].failure, Some(Failure::Eof));
    assert_eq!(of(&recorded, "streams")[0].detail["ended_by"], "broken");
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn a_frame_above_every_limit_ends_the_stream() {
    let (addr, _) = start(|_, mut socket| async move {
        let _ = socket.send(Message::binary(vec![0; (1 << 24) + 1])).await;
    })
    .await;
    let recorded = measure(addr, &new_run(PLENTY)).await;
    let first = of(&recorded, "stream")[0];
    assert!(first.failure.is_some());
    assert_eq!(first.detail["payload_bytes"], 0);
}

#[tokio::test]
async fn another_form_is_measured_and_not_pooled() {
    let (addr, asked) = start(behave).await;
    let run = new_run(PLENTY);
    let other = target(addr, "?streams=3&duration=700&cc=cubic");
    SHORT.run(&run, &other).await.unwrap();
    let recorded = run.take();
    assert!(recorded.samples.is_empty());
    assert_eq!(asked.lock().unwrap().len(), 6);
    let total = of(&recorded, "streams")[0];
    assert!(total.detail["rate_bps"].as_i64().unwrap() > 0);
    assert_eq!(
        (&total.detail["cc"], &total.detail["connected"]),
        (&"cubic".into(), &3.into())
    );
}

#[tokio::test]
async fn a_cancelled_run_keeps_what_it_saw() {
    let (addr, _) = start(behave).await;
    let mut run = new_run(PLENTY);
    let cancel = run.cancel.clone();
    run.progress = Arc::new(move |_, _| cancel.cancel());
    let recorded = measure(addr, &run).await;
    assert_eq!(recorded.outcome, Some(Outcome::Cancelled));
    assert_eq!(
        of(&recorded, "stream")[0].failure,
        Some(Failure::Interrupted)
    );
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn what_cannot_be_measured_is_refused_before_anything_is_sent() {
    let addr: SocketAddr = "127.0.0.1:1".parse().unwrap();
    for (target, max_bytes) in [
        (target(addr, "?streams=9"), PLENTY),
        (target(addr, "?speed=1"), PLENTY),
        (target(addr, ""), 100_000),
    ] {
        let run = new_run(max_bytes);
        assert!(SHORT.run(&run, &target).await.is_err(), "{}", target.value);
        assert!(run.take().observations.is_empty());
    }
}

#[test]
fn an_id_is_random_and_of_one_run() {
    assert_eq!(measurement_id(1).len(), 32);
    assert_ne!(measurement_id(1), measurement_id(2));
}
