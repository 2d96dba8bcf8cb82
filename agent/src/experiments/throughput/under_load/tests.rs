//! The train beside transfers, against a reflector of the tests.
use super::super::transfer::ServerView;
use super::*;
use crate::experiments::stamp::reflector::{Fate, with_door};
use crate::loopback::{net, run_with, sample, steps, web};
use tonle_net::stamp::Answer;
use tonle_wire::ndt7::Direction;

fn transfer(direction: Direction, elapsed_us: i64, stop: Stop) -> Transfer {
    Transfer {
        direction,
        payload_bytes: 1,
        elapsed_us,
        stop,
        server: ServerView::default(),
        own: None,
        estimate_bps: None,
    }
}

#[tokio::test]
async fn a_train_goes_before_and_beside_and_costs_no_more_than_its_share() {
    let run = run_with(net());
    let base = Url::parse(&with_door(|_| Fate::Answered)).unwrap();
    let companion = Companion::begin(&run, &net(), &base).await.unwrap();
    assert!(run.clock.elapsed_us() >= 2_000_000);
    companion.end(&run, PathClass::Domestic).await;
    assert!(run.bytes_used() <= run.max_bytes / SHARE + SESSION_MAX_BYTES);
    let recorded = run.take();
    let idle = recorded.observations.last().unwrap();
    assert_eq!(
        (idle.operation.as_str(), &idle.detail["phase"]),
        ("rtt_phase", &"idle".into())
    );
    let answered = idle.detail["answered"].as_u64().unwrap();
    assert!((10..=40).contains(&answered), "{idle:?}");
    let median_us = sample(&recorded, "throughput.idle_rtt_median_us/domestic").unwrap();
    assert_eq!(idle.detail["rtt_median_us"], median_us);
}

#[tokio::test]
async fn without_a_reflector_or_the_bytes_for_a_train_an_observation_says_so() {
    let refuse = web(|_| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned());
    let base = Url::parse(&format!("ws://{refuse}/")).unwrap();
    let mut run = run_with(net());
    assert!(Companion::begin(&run, &net(), &base).await.is_none());
    let last = steps(&run.take()).pop().unwrap();
    let expected = (
        "stamp_session".to_owned(),
        Some("http_unexpected_status_code".to_owned()),
    );
    assert_eq!(last, expected);
    run.max_bytes = THROUGHPUT_MIN_BYTES - 1;
    assert!(Companion::begin(&run, &net(), &base).await.is_none());
    let recorded = run.take();
    assert_eq!(recorded.observations.len(), 1);
    assert_eq!(recorded.observations[0].detail["reason"], "run_max_bytes");
}

/// A train of a packet every 100 ms whose round trips are 10 ms, and 110 to 149 ms from second 2 to
/// second 6; every tenth packet is lost.
fn made() -> TrainResult {
    let sent_ns: Vec<i64> = (0..100).map(|n| n * 100_000_000).collect();
    let answers = (0..)
        .zip(&sent_ns)
        .filter(|(sequence, _)| sequence % 10 != 9);
    let answers = answers.map(|(sequence, &sent_ns)| Answer {
        sequence,
        sent_ns,
        rtt_ns: match i64::from(sequence) {
            busy @ 20..60 => (90 + busy) * 1_000_000,
            _ => 10_000_000,
        },
        one_way_ns: None,
    });
    TrainResult {
        answers: answers.collect(),
        sent_ns: sent_ns.clone(),
        ..TrainResult::default()
    }
}

fn phases(of: Option<(&'static str, &'static str)>) -> [Phase; 2] {
    let idle = Phase {
        name: "idle",
        from_us: 0,
        until_us: 2_000_000,
        of: None,
    };
    let busy = Phase {
        name: "download",
        from_us: 2_000_000,
        until_us: 6_000_000,
        of,
    };
    [idle, busy]
}

#[test]
fn what_load_adds_is_its_95th_percentile_over_the_idle_median() {
    let run = run_with(net());
    report(
        &run,
        PathClass::Abroad,
        &phases(Some(("download", "ndt7_early"))),
        &made(),
    );
    let recorded = run.take();
    let of = |metric: &str| sample(&recorded, &format!("throughput.{metric}"));
    assert_eq!(of("idle_rtt_median_us/abroad"), Some(10_000));
    assert_eq!(
        of("loaded_rtt_median_us/download/ndt7_early/abroad"),
        Some(129_000)
    );
    let p95_us = of("loaded_rtt_p95_us/download/ndt7_early/abroad").unwrap();
    assert!((146_000..=148_000).contains(&p95_us));
    assert_eq!(
        of("added_latency_us/download/ndt7_early/abroad"),
        Some(p95_us - 10_000)
    );
    let busy = &recorded.observations[1].detail;
    assert_eq!((&busy["sent"], &busy["answered"]), (&40.into(), &36.into()));
}

#[test]
fn a_transfer_without_a_result_and_a_phase_of_few_replies_have_no_figures() {
    let run = run_with(net());
    report(&run, PathClass::Abroad, &phases(None), &made());
    let recorded = run.take();
    assert_eq!(recorded.observations.len(), 2);
    assert_eq!(recorded.samples.len(), 1, "idle alone");
    let short = TrainResult {
        answers: made().answers[..9].to_vec(),
        sent_ns: made().sent_ns[..10].to_vec(),
        ..TrainResult::default()
    };
    report(
        &run,
        PathClass::Abroad,
        &phases(Some(("download", "ndt7"))),
        &short,
    );
    assert!(run.take().samples.is_empty());
}

#[tokio::test]
async fn a_transfers_phase_is_its_own_time_and_variant() {
    let run = run_with(net());
    let base = Url::parse(&with_door(|_| Fate::Answered)).unwrap();
    let mut companion = Companion::begin(&run, &net(), &base).await.unwrap();
    companion.saw(&transfer(Direction::Upload, 3_000, Stop::Capped), 5_000);
    companion.saw(&transfer(Direction::Download, 3_000, Stop::Broken), 9_000);
    let [_, upload, broken] = companion.phases.as_slice() else {
        panic!("three phases");
    };
    assert_eq!((upload.from_us, upload.until_us), (5_000, 8_000));
    assert_eq!(upload.of, Some(("upload", "ndt7_capped")));
    assert_eq!(broken.of, None);
}
