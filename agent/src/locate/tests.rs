//! A Locate service on loopback: answers, refusals, and what is remembered of them.
use super::*;
use crate::loopback::{self, page, redirect, steps, web};
use std::sync::atomic::{AtomicUsize, Ordering};
use tonle_evidence::observation::Observation;

const CLIENT: (&str, &str) = ("tonle-agent", "1");

/// An answer with one server.
pub(crate) fn answer() -> String {
    let url = |direction: &str| {
        format!("ws://ndt.example.org/ndt/v7/{direction}?access_token=secret&metro_rank=2&index=0")
    };
    json!({"results": [{
        "machine": "mlab1-bkk01", "location": {"city": "Bangkok", "country": "TH"},
        "urls": {"ws:///ndt/v7/download": url("download"), "ws:///ndt/v7/upload": url("upload")},
    }]})
    .to_string()
}

fn with_status(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn locating(dir: &Path) -> Locating {
    Locating {
        locator: Arc::new(Locator::open(dir)),
        place: Some(Place {
            lat_udeg: 11_452_000,
            lon_udeg: 104_995_500,
        }),
        country: "KH".into(),
    }
}

/// Asks a service that answers each request by `respond`; gives the run too.
async fn ask(
    locating: &Locating,
    service: &Url,
) -> (Result<Vec<Target>, CannotRun>, Vec<Observation>) {
    let run = loopback::run_with(loopback::net());
    let said = locating.servers(&run, service, CLIENT).await;
    assert!(run.bytes_used() <= run.max_bytes);
    (said, run.take().observations)
}

fn service(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Url {
    let address = web(respond);
    Url::parse(&format!("http://{address}/v2/nearest/ndt/ndt7")).unwrap()
}

#[test]
fn a_target_is_a_service_or_a_server_and_is_published_without_its_query() {
    assert_eq!(service_of("locate").unwrap().as_str(), MLAB);
    let target = |value: &str| loopback::target(value);
    let with_key = "https://locate.example.org/v2/nearest/ndt/ndt7?key=secret";
    let published_as = |value: &str| published(&target(value)).value;
    assert_eq!(
        published_as(with_key),
        "https://locate.example.org/v2/nearest/ndt/ndt7?[scrubbed]"
    );
    assert_eq!(published_as("locate"), MLAB);
    let with_token = "wss://ndt.example.org/ndt/v7/download?access_token=secret";
    assert!(service_of(with_token).is_none());
    assert_eq!(
        published_as(with_token),
        "wss://ndt.example.org/ndt/v7/download?[scrubbed]"
    );
    for server in [
        "wss://ndt.example.org/",
        "ws://x/",
        "stamp://x:862",
        "nonsense",
        "",
    ] {
        assert!(service_of(server).is_none(), "{server}");
        assert_eq!(published_as(server), server);
    }
}

#[tokio::test]
async fn an_answer_serves_as_long_as_its_tokens_live_and_is_recorded_without_them() {
    let dir = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = service(move |request| {
        count.fetch_add(1, Ordering::Relaxed);
        assert!(request.starts_with("GET /v2/nearest/ndt/ndt7?client_name=tonle-agent&"));
        assert!(request.contains("lat=11.452000&lon=104.995500 HTTP/1.1\r\n"));
        assert!(
            request
                .to_lowercase()
                .contains("user-agent: tonle-agent/1\r\n")
        );
        page(&answer())
    });
    let locating = locating(dir.path());
    let (first, seen) = ask(&locating, &service).await;
    assert_eq!(first.unwrap()[0].machine, "mlab1-bkk01");
    let told = seen.last().unwrap();
    assert_eq!(
        (told.operation.as_str(), told.succeeded()),
        ("locate", true)
    );
    let expected = json!([{
        "machine": "mlab1-bkk01", "city": "Bangkok", "country": "TH",
        "metro_rank": 2, "index": 0,
    }]);
    assert_eq!(told.detail["targets"], expected);
    let written = serde_json::to_string(&seen).unwrap();
    assert!(
        !written.contains("secret") && !written.contains("11.452"),
        "{written}"
    );
    let (second, seen) = ask(&locating, &service).await;
    assert_eq!(second.unwrap().len(), 1);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].detail["cached"], true);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    locating.locator.forget();
    ask(&locating, &service).await.0.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn after_a_refusal_the_service_is_left_alone_also_by_the_next_agent() {
    for status in [
        "204 No Content",
        "401 Unauthorized",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let body = r#"{"error":{"title":"Too many periodic requests"}}"#;
        let body = if status.starts_with("204") { "" } else { body };
        let service = service(move |_| with_status(status, body));
        let (said, seen) = ask(&locating(dir.path()), &service).await;
        assert!(said.unwrap().is_empty(), "{status}");
        let told = seen.last().unwrap();
        assert_eq!(told.failure, Some(Failure::HttpUnexpectedStatusCode));
        let wait_us = told.detail["wait_us"].as_i64().unwrap();
        assert!((48_000_000..72_000_000).contains(&wait_us), "{wait_us}");
        if !body.is_empty() {
            assert_eq!(told.detail["reason"], "Too many periodic requests");
        }
        let (said, seen) = ask(&locating(dir.path()), &service).await;
        assert!(
            matches!(said, Err(CannotRun::NotYet { wait_s: 1..=73, .. })),
            "{said:?}"
        );
        assert!(seen.is_empty(), "nothing is sent");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_refusal_too() {
    let dir = tempfile::tempdir().unwrap();
    for body in ["{}", "<html>", r#"{"results":[]}"#] {
        let service = service(move |_| page(body));
        let locating = locating(dir.path());
        let (said, seen) = ask(&locating, &service).await;
        assert!(said.unwrap().is_empty(), "{body}");
        assert_eq!(seen.last().unwrap().failure, Some(Failure::JsonParse));
        std::fs::remove_file(dir.path().join("locate.json")).unwrap();
    }
}

#[tokio::test]
async fn a_line_that_does_not_reach_the_service_is_no_reason_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let service = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let locating = locating(dir.path());
    for _ in 0..2 {
        let (said, seen) = ask(&locating, &service).await;
        assert!(said.unwrap().is_empty());
        assert_eq!(seen[0].failure, Some(Failure::ConnectionRefused));
        assert!(!seen.last().unwrap().detail.contains_key("wait_us"));
    }
}

#[tokio::test]
async fn redirects_are_followed_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let moved = service(|request| {
        if request.starts_with("GET /v2/") {
            redirect("/moved")
        } else {
            page(&answer())
        }
    });
    let (said, _) = ask(&locating(dir.path()), &moved).await;
    assert_eq!(said.unwrap().len(), 1);
    let endless = service(|_| redirect("/again"));
    let run = loopback::run_with(loopback::net());
    let said = locating(dir.path()).servers(&run, &endless, CLIENT).await;
    assert!(said.unwrap().is_empty());
    let recorded = run.take();
    let asked = steps(&recorded)
        .into_iter()
        .filter(|(operation, _)| operation == "http_request");
    assert_eq!(asked.count(), 6);
}

#[tokio::test]
async fn a_secure_service_does_not_lead_to_an_insecure_one() {
    let dir = tempfile::tempdir().unwrap();
    let plain = web(|_| page(&answer()));
    let to = format!("http://{plain}/");
    let (address, roots) = loopback::web_tls("locate.example.org", move |_| redirect(&to));
    let resolver = loopback::resolver(&["127.0.0.1"]);
    let net = tonle_net::settings::NetSettings {
        roots,
        resolvers: vec![resolver],
        ..loopback::net()
    };
    let run = loopback::run_with(net);
    let service = format!("https://locate.example.org:{}/", address.port());
    let service = Url::parse(&service).unwrap();
    let said = locating(dir.path()).servers(&run, &service, CLIENT).await;
    assert!(said.unwrap().is_empty());
    let recorded = run.take();
    let last = recorded.observations.last().unwrap();
    assert_eq!(last.failure, Some(Failure::HttpUnexpectedRedirectUrl));
}
