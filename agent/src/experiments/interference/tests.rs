//! The experiment, against servers on loopback.
use super::*;
use crate::loopback::{net, run_with, target, web};
use crate::openness::Openness;
use proptest::prelude::*;
use serde_json::json;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_wire::echo::{self, Kind};

/// What the echo answers.
fn echo_of(request: &str) -> String {
    let line = echo::opening_line(request.as_bytes()).unwrap();
    match echo::kind(line) {
        Some(Kind::Http) => String::from_utf8(echo::answer(request.as_bytes())).unwrap(),
        Some(Kind::Bytes) => request.to_owned(),
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    }
}

async fn seen(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Vec<Observation> {
    let server = web(answer);
    let run = run_with(net()).compared_with(Openness {
        neutral_name: "example.com".to_owned(),
        echo: Some(format!("http://{server}").parse().unwrap()),
        ..Openness::default()
    });
    measure(&run, &target("http://blocked.example/x"))
        .await
        .unwrap();
    assert!(run.bytes_used() <= LOOKUP_BYTES + EXCHANGES * EXCHANGE_BYTES);
    let all = run.take().observations;
    all.into_iter()
        .filter(|one| one.operation == "echo")
        .collect()
}

fn is_of<'a>(key: &'a str, word: &'a str) -> impl Fn(&&Observation) -> bool + 'a {
    move |one| one.detail.get(key) == Some(&json!(word))
}

#[tokio::test]
async fn where_nobody_meddles_everything_comes_back_as_it_was_sent() {
    let all = seen(echo_of).await;
    assert_eq!(all.len() as u64, EXCHANGES);
    for one in &all {
        assert_eq!(
            (&one.failure, &one.detail["echoed"]),
            (&None, &json!(true)),
            "{one:?}"
        );
        assert_eq!(one.detail["altered"], false);
    }
    for word in ["target", "neutral"] {
        assert_eq!(all.iter().filter(is_of("presented", word)).count(), 3);
    }
    assert_eq!(all.iter().filter(is_of("kind", "headers")).count(), 2);
    assert_eq!(all.iter().filter(is_of("kind", "line")).count(), 10);
}

#[tokio::test]
async fn what_a_proxy_does_is_seen() {
    let all = seen(|request| {
        let line = echo::opening_line(request.as_bytes()).unwrap();
        if echo::kind(line) != Some(Kind::Http) {
            return "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_owned();
        }
        let (line, rest) = request.split_once("\r\n").unwrap();
        let via = format!("{line}\r\nVia: 1.1 box\r\nX-Forwarded-For: 36.37.1.2\r\n");
        echo_of(&(via + &rest.to_lowercase()))
    })
    .await;
    for one in all.iter().filter(is_of("kind", "headers")) {
        assert_eq!(one.detail["added"], json!(["via", "x-forwarded-for"]));
        assert!(!json!(one).to_string().contains("36.37."), "{one:?}");
    }
    for one in all.iter().filter(is_of("kind", "line")) {
        assert_eq!(
            (&one.detail["echoed"], &one.detail["status"]),
            (&json!(false), &json!(400))
        );
    }
}

#[tokio::test]
async fn a_name_that_is_cut_off_is_a_failure_of_its_step_only() {
    let all = seen(|request| {
        if request.contains("blocked.example") {
            String::new()
        } else {
            echo_of(request)
        }
    })
    .await;
    for one in &all {
        let is_targets = is_of("presented", "target")(&one);
        assert_eq!(one.failure, is_targets.then_some(Failure::Eof), "{one:?}");
    }
}

#[tokio::test]
async fn without_an_echo_or_a_name_to_compare_with_nothing_is_sent() {
    let run = run_with(net());
    let refused = measure(&run, &target("site.example")).await;
    assert!(matches!(refused, Err(CannotRun::Missing(_))));
    let run = run_with(net()).compared_with(Openness {
        neutral_name: "example.com".to_owned(),
        ..Openness::default()
    });
    let refused = measure(&run, &target("site.example")).await;
    assert!(matches!(refused, Err(CannotRun::Missing(_))));
    let refused = measure(&run, &target("www.example.com")).await;
    assert!(matches!(refused, Err(CannotRun::Target { .. })));
    assert!(run.take().observations.is_empty());
}

proptest! {
    #[test]
    fn every_kind_comes_in_every_round_of_it(seed: u64) {
        let all = order(&mut StdRng::seed_from_u64(seed));
        prop_assert_eq!(all.len() as u64, EXCHANGES);
        for round in 0..ROUNDS {
            for how in Invalid::ALL {
                prop_assert!(all.contains(&(round, Attempt::Line(how))));
            }
            prop_assert!(all.contains(&(round, Attempt::Headers)));
        }
        for round in 0..HOST_ROUNDS {
            for presented in [Presented::Target, Presented::Neutral] {
                prop_assert!(all.contains(&(round, Attempt::Host(presented))));
            }
        }
    }

    #[test]
    fn any_text_is_a_target_or_refused(value in "\\PC{0,40}") {
        let _ = host_of(&target(value));
    }
}

#[test]
fn a_target_is_a_name_or_a_url_with_one() {
    for value in [
        "site.example",
        "http://site.example/a",
        "https://site.example:8443/",
    ] {
        assert_eq!(host_of(&target(value)).unwrap(), "site.example");
    }
    for value in ["192.0.2.1", "ftp://site.example/", "https://[::1]/", ""] {
        assert!(host_of(&target(value)).is_err(), "{value}");
    }
}
