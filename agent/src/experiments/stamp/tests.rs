//! The experiment against a reflector of these tests, on loopback.
use super::reflector::{Fate, start, with_door};
use super::*;
use crate::experiments::Recorded;
use crate::loopback::{net, run_with, steps, web};
use tonle_net::settings::NetSettings;
use tonle_net::stamp::Answer;
use tonle_wire::stamp::Key;

/// A target on this machine, where a train takes two seconds.
fn target(value: impl Into<String>) -> Target {
    Target {
        value: value.into(),
        category: None,
        path_class: PathClass::Local,
    }
}

async fn measure(value: impl Into<String>) -> Recorded {
    let run = run_with(net());
    Stamp.run(&run, &target(value)).await.unwrap();
    assert!(run.bytes_used() <= Stamp.estimate(&target(""), run.max_bytes).bytes);
    run.take()
}

fn sample(recorded: &Recorded, base: &str) -> Option<i64> {
    crate::loopback::sample(recorded, &format!("stamp.{base}/local"))
}

#[tokio::test]
async fn a_train_in_a_session_has_every_figure_but_those_that_need_good_clocks() {
    let recorded = measure(with_door(|_| Fate::Answered)).await;
    let expected = ["connect", "http_request", "stamp_session", "stamp_train"];
    let steps = steps(&recorded);
    assert!(
        steps.iter().all(|(_, failure)| failure.is_none()),
        "{steps:?}"
    );
    let operations: Vec<&str> = steps
        .iter()
        .map(|(operation, _)| operation.as_str())
        .collect();
    assert_eq!(operations, expected);
    let train = &recorded.observations[3].detail;
    assert_eq!(
        (&train["sent"], &train["answered"]),
        (&100.into(), &100.into())
    );
    assert_eq!(train["authenticated"], true);
    for base in ["loss_ppm", "loss_up_ppm", "loss_down_ppm", "duplicated_ppm"] {
        assert_eq!(sample(&recorded, base), Some(0), "{base}");
    }
    let rtts =
        ["rtt_min_us", "rtt_median_us", "rtt_p95_us"].map(|base| sample(&recorded, base).unwrap());
    assert!(rtts.is_sorted() && rtts[0] >= 0);
    assert!(sample(&recorded, "ipdv_mean_abs_us").is_some());
    assert_eq!(sample(&recorded, "pdv_p95_us"), Some(rtts[2] - rtts[0]));
    assert_eq!(
        sample(&recorded, "delay_up_us"),
        None,
        "nobody steers the reflector's clock"
    );
}

#[test]
fn a_delay_of_one_direction_is_claimed_of_clocks_that_agree() {
    let of = |ways_ns: &[(i64, i64)]| {
        let answers = ways_ns.iter().map(|ways_ns| Answer {
            sequence: 0,
            sent_ns: 0,
            rtt_ns: 5_000_000,
            one_way_ns: Some(*ways_ns),
        });
        one_way_us(&TrainResult {
            answers: answers.collect(),
            ..TrainResult::default()
        })
    };
    let good = [(1_000_000, 3_000_000), (2_000_000, 4_000_000)];
    assert_eq!(of(&good), Some((1_500, 3_500)));
    assert_eq!(of(&[(-1_000_000, 6_000_000)]), None);
    assert_eq!(of(&[]), None);
}

#[tokio::test]
async fn loss_has_its_direction_and_duplicates_are_no_replies() {
    let recorded = measure(with_door(|number| match number % 10 {
        2 => Fate::LostUp,
        3 | 4 => Fate::LostDown,
        5 => Fate::Doubled,
        _ => Fate::Answered,
    }))
    .await;
    assert_eq!(sample(&recorded, "loss_ppm"), Some(300_000));
    assert_eq!(sample(&recorded, "loss_up_ppm"), Some(100_000));
    // 20 of the 90 that reached the reflector.
    assert_eq!(sample(&recorded, "loss_down_ppm"), Some(222_222));
    // 10 of the 70 that were answered.
    assert_eq!(sample(&recorded, "duplicated_ppm"), Some(142_857));
}

#[tokio::test]
async fn a_server_without_a_reflector_is_an_observation_and_no_figure() {
    for (answer, failure) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "http_unexpected_status_code",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "json_parse_error",
        ),
    ] {
        let recorded = measure(format!("ws://{}/", web(move |_| answer.to_owned()))).await;
        let last = steps(&recorded).pop().unwrap();
        assert_eq!(last, ("stamp_session".to_owned(), Some(failure.to_owned())));
        assert!(recorded.samples.is_empty());
    }
}

#[tokio::test]
async fn a_reflector_of_somebody_else_has_no_loss_by_direction() {
    let key = Key::new(vec![5; 16]).unwrap();
    for key in [None, Some(key)] {
        let address = start(key.clone(), |number| {
            if number == 50 {
                Fate::LostUp
            } else {
                Fate::Answered
            }
        });
        let run = run_with(net()).with_stamp_key(key.clone());
        Stamp
            .run(&run, &target(format!("stamp://{address}")))
            .await
            .unwrap();
        let recorded = run.take();
        assert_eq!(
            recorded.observations[0].detail["authenticated"],
            key.is_some()
        );
        assert_eq!(sample(&recorded, "loss_ppm"), Some(10_000));
        assert_eq!(sample(&recorded, "loss_up_ppm"), None);
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_failure_and_no_loss() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let recorded = measure(format!("stamp://{closed}")).await;
    let seen = steps(&recorded);
    assert_eq!(
        seen,
        [(
            "stamp_train".to_owned(),
            Some("connection_refused".to_owned())
        )]
    );
    assert!(recorded.samples.is_empty());
}

#[tokio::test]
async fn what_is_no_reflector_is_refused_and_a_strangers_lies_on_the_internet() {
    let run = run_with(NetSettings {
        allow_loopback: false,
        ..net()
    });
    for value in [
        "http://127.0.0.1/",
        "stamp:",
        "stamp://127.0.0.1",
        "ws://[::1]/",
    ] {
        let refused = Stamp.run(&run, &crate::loopback::target(value)).await;
        assert!(matches!(refused, Err(CannotRun::Target { .. })), "{value}");
    }
}

#[tokio::test]
async fn a_run_of_few_bytes_sends_as_many_packets_as_they_pay_for() {
    let url = with_door(|_| Fate::Answered);
    let mut run = run_with(net());
    run.max_bytes = SESSION_MAX_BYTES + PAIR_BYTES;
    Stamp.run(&run, &target(url.as_str())).await.unwrap();
    assert!(run.bytes_used() <= run.max_bytes);
    run.max_bytes -= 1;
    let refused = Stamp.run(&run, &target(url)).await;
    assert!(matches!(refused, Err(CannotRun::Missing(_))));
}
