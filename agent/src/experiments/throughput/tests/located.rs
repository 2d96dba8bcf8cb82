//! Servers that a Locate service names.
use super::*;
use crate::experiments::bulk::connection::{CLIENT_NAME, CLIENT_VERSION};
use crate::locate::{Locating, Locator};
use tonle_wire::locate::{Answer, Request};

const SERVICE: &str = "https://locate.example.org/v2/nearest/ndt/ndt7";

/// An answer that names a server at each of these places, the last one in the volunteer's country.
fn answer(places: &[SocketAddr]) -> Answer {
    let target = |(index, place): (usize, &SocketAddr)| {
        let url = |direction: &str| {
            format!("ws://{place}/ndt/v7/{direction}?access_token=secret&index={index}")
        };
        let country = if index + 1 == places.len() {
            "KH"
        } else {
            "TH"
        };
        serde_json::json!({
            "machine": format!("machine{index}"), "location": {"city": "X", "country": country},
            "urls": {
                "ws:///ndt/v7/download": url("download"), "ws:///ndt/v7/upload": url("upload"),
            },
        })
    };
    let results: Vec<serde_json::Value> = places.iter().enumerate().map(target).collect();
    let body = serde_json::json!({ "results": results }).to_string();
    Answer::parse(body.as_bytes()).unwrap()
}

/// The right to ask, with this answer at hand.
fn locating(places: &[SocketAddr]) -> Locating {
    let dir = tempfile::tempdir().unwrap();
    let service = SERVICE.parse().unwrap();
    let asked = Request {
        service: &service,
        client: (CLIENT_NAME, CLIENT_VERSION),
        place: None,
    };
    let locator = Locator::open(dir.path());
    locator.hold(asked.url(), answer(places));
    Locating {
        locator: Arc::new(locator),
        place: None,
        country: "KH".to_owned(),
    }
}

async fn measured(run: Run) -> Recorded {
    let target = target(SERVICE, PathClass::Unknown);
    SHORT.run(&run, &target).await.unwrap();
    run.take()
}

#[tokio::test]
async fn a_server_that_refuses_is_followed_by_the_next_whose_place_counts() {
    let full = start_refusing(Some(StatusCode::SERVICE_UNAVAILABLE)).await;
    let works = peer::start(|direction, socket| async move {
        let _ = behave(direction, socket, 1_000_000).await;
    })
    .await;
    let run = new_run(PLENTY, true).locating(Some(locating(&[full, works])));
    let recorded = measured(run).await;
    let handshakes: Vec<Option<&Failure>> = recorded
        .observations
        .iter()
        .filter(|seen| seen.operation == "websocket_handshake")
        .map(|seen| seen.failure.as_ref())
        .collect();
    assert_eq!(
        handshakes,
        [Some(&Failure::HttpUnexpectedStatusCode), None, None]
    );
    assert_eq!(recorded.samples.len(), 4);
    let is_domestic = |(id, _): &(String, i64)| id.ends_with("/domestic");
    assert!(recorded.samples.iter().all(is_domestic), "{recorded:?}");
    let written = serde_json::to_string(&recorded.observations).unwrap();
    assert!(!written.contains("secret"), "{written}");
}

#[tokio::test]
async fn a_hostile_answer_leads_into_nobodys_own_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let places = [
        listener.local_addr().unwrap(),
        "192.168.1.1:80".parse().unwrap(),
        "[::1]:80".parse().unwrap(),
    ];
    let run = new_run(PLENTY, false).locating(Some(locating(&places)));
    let recorded = measured(run).await;
    let refused: Vec<&Observation> = recorded
        .observations
        .iter()
        .filter(|seen| seen.operation == "locate_target")
        .collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|seen| seen.detail["contacted"] == false));
    assert_eq!(operations(&recorded).len(), 4, "nothing else was tried");
    let untouched = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(untouched.is_err(), "something connected");
}

#[tokio::test]
async fn without_consent_no_service_is_asked() {
    let run = new_run(PLENTY, true);
    let refused = SHORT.run(&run, &target("locate", PathClass::Unknown)).await;
    let Err(CannotRun::Permission(why)) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("tonle agent consent"), "{why}");
    assert!(run.take().observations.is_empty());
}
