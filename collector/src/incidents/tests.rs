//! The log is never rewritten, looking twice adds nothing, what few saw is told in short, and an alert is
//! sent until it is taken.
use super::alerts::Alerts;
use super::config::{Replier, Role};
use super::detect::group::{Change, Incident, reconcile};
use super::detect::{Finding, Scope, Seen};
use super::published::publish;
use super::reply::{self, ReplyError};
use super::worker::Worker;
use super::{IncidentLog, LogError, schema};
use crate::cells::Cells;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::testing::{NOON_US, ground, key};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tonle_evidence::dsse::{self, types};
use tonle_evidence::hash::{Hash, Hex, sha256};
use tonle_evidence::incident::{Event, Kind, Level};

const UTC_OFFSET_S: i32 = 25_200;

/// A blocking seen by so many agents.
fn finding(target: &str, agents: u32) -> Finding {
    Finding {
        kind: Kind::Blocking,
        key: format!("blocking as100 {target}"),
        onset: 500_000,
        end: None,
        since_before: false,
        level: Level::Corroborated,
        scope: Scope {
            targets: [target.to_owned()].into(),
            networks: ["as100".to_owned()].into(),
            provinces: ["KH-12".to_owned()].into(),
            ..Scope::default()
        },
        fingerprint: Some("http.blockpage p".into()),
        agents,
        agreement_permille: 900,
        worse_permille: None,
        histogram: BTreeMap::from([("blocked".to_owned(), 17)]),
        witnesses: vec![4_711],
        input_hash: sha256(target.as_bytes()),
    }
}

fn seen(findings: Vec<Finding>) -> Seen {
    Seen {
        from: 499_800,
        findings,
        well: BTreeMap::new(),
    }
}

fn opened(agents: u32) -> Vec<Change> {
    reconcile(&[], &seen(vec![finding("https://a.example/", agents)]))
}

fn incident(agents: u32) -> Incident {
    opened(agents).remove(0).incident
}

#[test]
fn what_was_said_stays_and_each_entry_is_hashed_with_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let log = IncidentLog::open(dir.path()).unwrap();
    log.append(&opened(6), 1_000, &[]).unwrap();
    let mut ended = finding("https://a.example/", 6);
    ended.end = Some(500_050);
    let known = [incident(6)];
    let changes = reconcile(&known, &seen(vec![ended]));
    assert_eq!(changes[0].event, Event::Closed);
    log.append(&changes, 2_000, &[]).unwrap();
    drop(log);
    let log = IncidentLog::open(dir.path()).unwrap();
    let history = log.history(&known[0].id).unwrap();
    let events: Vec<Event> = history.iter().map(|one| one.event).collect();
    assert_eq!(events, [Event::Opened, Event::Closed]);
    let mut previous = Hash::ZERO;
    for logged in &history {
        let body = serde_json::to_string(&logged.incident).unwrap();
        let text = format!("{previous}\n{}\n{}\n{body}", logged.at_us, logged.event);
        previous = sha256(text.as_bytes());
        assert_eq!(logged.hash, previous);
    }
    assert_eq!(log.latest().unwrap(), history[1..]);
    let connection = rusqlite::Connection::open(dir.path().join(schema::FILE_NAME)).unwrap();
    for sql in [
        "UPDATE entry SET at_us = 0",
        "DELETE FROM entry",
        "DELETE FROM entry WHERE 1",
    ] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn what_fewer_than_five_saw_is_told_by_target_network_and_day() {
    let few = publish(&incident(4), UTC_OFFSET_S);
    let text = serde_json::to_string(&few).unwrap();
    assert!(!text.contains("KH-12"), "{text}");
    assert!(!text.contains("4711"), "{text}");
    assert!(!text.contains("17"), "{text}");
    assert_eq!(few.findings[0].agents, "1–4");
    assert_eq!(few.onset.len(), "2026-11-10".len());
    let enough = publish(&incident(5), UTC_OFFSET_S);
    assert_eq!(enough.findings[0].agents, "5");
    assert_eq!(enough.scope.provinces, ["KH-12".to_owned()].into());
    assert_eq!(enough.findings[0].witnesses, Some(vec![4_711]));
    assert_eq!(enough.onset.len(), "2026-11-10T12".len());
}

fn repliers() -> Vec<Replier> {
    vec![Replier {
        name: "Example Telecom".into(),
        role: Role::Operator,
        key: Hex(key(1).verifying_key().to_bytes()),
    }]
}

#[test]
fn a_reply_is_attached_once_and_only_with_the_signature_of_who_may_reply() {
    let dir = tempfile::tempdir().unwrap();
    let log = IncidentLog::open(dir.path()).unwrap();
    log.append(&opened(6), 1_000, &[]).unwrap();
    let id = incident(6).id;
    let document = reply::sign(&key(1), &id, "A cable was cut.").unwrap();
    let check =
        |who: &str, id: &str, document: &str| reply::check(&repliers(), who, id, document, 5);
    let checked = check("Example Telecom", &id, &document).unwrap();
    log.attach(&id, &checked).unwrap();
    assert_eq!(log.replies(&id).unwrap(), std::slice::from_ref(&checked));
    assert!(matches!(log.attach(&id, &checked), Err(LogError::Attached)));
    assert!(matches!(
        log.attach("other", &checked),
        Err(LogError::Unknown(_))
    ));

    let forged = reply::sign(&key(2), &id, "A cable was cut.").unwrap();
    let error = check("Example Telecom", &id, &forged).unwrap_err();
    assert!(matches!(error, ReplyError::Signature(_)), "{error}");
    let error = check("Somebody", &id, &document).unwrap_err();
    assert!(matches!(error, ReplyError::Stranger(_)), "{error}");
    let error = check("Example Telecom", "other", &document).unwrap_err();
    assert!(matches!(error, ReplyError::OtherIncident { .. }), "{error}");
    assert!(reply::sign(&key(1), &id, " ").is_err());
}

proptest! {
    #[test]
    fn no_document_makes_the_check_panic(document in "\\PC{0,200}") {
        let checked = reply::check(&repliers(), "Example Telecom", "id", &document, 0);
        prop_assert!(checked.is_err());
    }
}

#[test]
fn looking_twice_at_the_same_cells_adds_nothing_and_notes_the_hour() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), key(200)).unwrap();
    let ground = Arc::new(ground());
    let cells = Cells::open(dir.path(), Arc::clone(&ground), &journal.reader().unwrap()).unwrap();
    let worker = Worker {
        log: Arc::new(IncidentLog::open(dir.path()).unwrap()),
        cells: cells.reader(),
        ground,
        metrics: Arc::new(Metrics::new()),
        every: Duration::from_mins(1),
        webhooks: Vec::new(),
    };
    assert_eq!(worker.look(NOON_US).unwrap(), 0);
    assert_eq!(worker.look(NOON_US).unwrap(), 0);
    let hour = NOON_US / 3_600_000_000;
    assert_eq!(worker.log.awake_since(hour - 1).unwrap(), [hour].into());
    let seconds = worker.metrics.incidents_looked_at_seconds.get();
    assert_eq!(seconds, NOON_US / 1_000_000);
}

/// What a receiver got, and how many it still refuses.
#[derive(Default)]
struct Received {
    refuses: usize,
    alerts: Vec<(HeaderMap, Bytes)>,
}

async fn receive(
    State(received): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut received = received.lock().unwrap();
    received.alerts.push((headers, body));
    if received.refuses > 0 {
        received.refuses -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::NO_CONTENT
}

#[tokio::test]
async fn an_alert_is_signed_and_sent_again_until_it_is_taken() {
    let received = Arc::new(Mutex::new(Received {
        refuses: 1,
        ..Received::default()
    }));
    let router = Router::new()
        .route("/hook", post(receive))
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(IncidentLog::open(dir.path()).unwrap());
    log.append(&opened(4), 1_000, &[url]).unwrap();
    let roots = tonle_net::roots::load(None).unwrap();
    let alerts = Alerts {
        log: Arc::clone(&log),
        key: key(9),
        client: crate::lists::fetch::client(roots).unwrap(),
        metrics: Arc::new(Metrics::new()),
        utc_offset_s: UTC_OFFSET_S,
    };
    alerts.deliver_due().await.unwrap();
    let far = i64::MAX;
    let due = log.due(far).unwrap();
    assert_eq!(due[0].attempts, 1, "it was refused once and is kept");
    log.failed(&due[0], "sooner, for the test", 0).unwrap();
    alerts.deliver_due().await.unwrap();
    assert_eq!(log.due(far).unwrap(), []);

    let received = received.lock().unwrap();
    assert_eq!(received.alerts.len(), 2);
    let name = |index: usize| &received.alerts[index].0["idempotency-key"];
    assert_eq!(name(0), name(1));
    let (headers, body) = &received.alerts[1];
    let text = headers["tonle-signature"].to_str().unwrap();
    let (seconds, signature) = text.split_once(",ed25519=").unwrap();
    let seconds = seconds.strip_prefix("t=").unwrap();
    let signature = base64_of(signature);
    let signed = [seconds.as_bytes(), b".", body].concat();
    let public = key(9).verifying_key();
    assert!(dsse::verify(&public, types::ALERT, &signed, &signature));
    let alert: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(alert["event"], "opened");
    assert_eq!(alert["incident"]["findings"][0]["agents"], "1–4");
    server.abort();
}

fn base64_of(text: &str) -> [u8; 64] {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    bytes.unwrap().try_into().unwrap()
}
