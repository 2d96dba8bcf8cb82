//! Tests of the hall over its router: what each kind of batch is answered.
mod streams;

use super::*;
use crate::admin::{AdminSettings, InviteOptions};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use source::Peer;
use std::path::Path;
use tempfile::TempDir;
use tonle_evidence::SigningKey;
use tonle_evidence::country::Country;
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest};
use tonle_evidence::entry::Mark;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hex, sha256};
use tonle_evidence::receipt::{BatchReply, ItemResult};
use tonle_evidence::record::{SealedRecord, Stream, body_of};
use tonle_net::clock::wall_us;
use tower::ServiceExt;

const CATALOGUE: &str = r#"
    [[metric]]
    base = "latency.rtt_median_us"
    unit = "us"
    better = "lower"
    experiment = "latency"
    variants = [["icmp"], ["domestic"]]
    max = 60000000
    en = "Round-trip time"
    km = "Round-trip time"
"#;
const TABLE: &[u8] = b"203.0.113.0\t203.0.113.255\t64500\tKH\tEXAMPLE\n";
const PLANTED: &str = "203.0.113.77";

struct Hall {
    dir: TempDir,
    router: Router,
    admin: Arc<Admin>,
    journal: Journal,
}

fn hall() -> Hall {
    hall_with(Limits::default())
}

fn hall_with(limits: Limits) -> Hall {
    hall_of(limits, Stream::ALL)
}

fn hall_of(limits: Limits, streams: &[Stream]) -> Hall {
    let dir = tempfile::tempdir().unwrap();
    let settings = AdminSettings {
        public_url: "http://127.0.0.1:8080/".parse().unwrap(),
        country: Country {
            code: "XX".into(),
            en: "Test".into(),
            km: "Test".into(),
            utc_offset_s: 25_200,
            peak: None,
            provinces: Vec::new(),
            operators: Vec::new(),
        },
        ndt7_url: None,
        streams: streams.to_vec(),
    };
    let admin = Arc::new(Admin::open(dir.path(), settings).unwrap());
    let journal = Journal::open(dir.path(), admin.signing_key().clone()).unwrap();
    let ingest = Ingest::new(Parts {
        admin: admin.clone(),
        journal: journal.clone(),
        catalogue: Arc::new(Catalogue::parse(CATALOGUE).unwrap()),
        network: Arc::new(NetworkTable::parse(TABLE.to_vec()).unwrap()),
        trusted_proxies: vec!["10.0.0.1".parse().unwrap()],
        limits,
        metrics: Arc::default(),
    });
    Hall {
        router: routes(ingest, None).into(),
        dir,
        admin,
        journal,
    }
}

fn agent(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(value: i64) -> Value {
    json!({
        "schema": "tonle.record/1", "kind": "measurement",
        "method": {"id": "latency", "version": 1, "stream": "quality"},
        "target": {"value": "a.example", "path_class": "domestic"},
        "samples": [{"metric": "latency.rtt_median_us/icmp/domestic", "value": value, "unit": "us"}],
        "observations": [], "outcome": "completed", "country": "XX",
        "province": {"code": "XX-1", "known": "self_declared"},
        "place": "home", "operator": {}, "technology": {},
        "context": {"interface": "ethernet", "ip_family": "ipv4",
                    "plan": {"quota": "unknown"}, "clock": {"state": "synchronised"}, "bytes_used": 1},
        "local_hour": "2026-11-23T10", "consent_version": "1",
        "software": {"name": "tonle-agent", "version": "0", "build": "unknown"},
    })
}

fn private(sequence: u64, at_us: i64) -> Value {
    json!({
        "schema": "tonle.record.private/1", "record_id": Hex([1; 16]), "key_id": "k",
        "chain_id": Hex([2; 8]), "sequence": sequence, "prev_hash": Hex::<32>::ZERO,
        "t_start_us": at_us, "t_end_us": at_us, "blind": Hex([3; 16]),
    })
}

fn sign(key: &SigningKey, payload_type: &str, public: &[u8], private: &[u8]) -> Envelope {
    let body = body_of(&sha256(public), &sha256(private));
    Envelope {
        payload_type: payload_type.to_owned(),
        record: SealedRecord {
            public: public.to_vec(),
            private: private.to_vec(),
            key: Hex(key.verifying_key().to_bytes()),
            signature: dsse::sign(key, payload_type, &body),
        },
    }
}

fn record(key: &SigningKey, public: &Value, private: &Value) -> Envelope {
    let bytes = |half: &Value| half.to_string().into_bytes();
    sign(key, dsse::types::RECORD, &bytes(public), &bytes(private))
}

fn records(key: &SigningKey, count: u64) -> Vec<String> {
    let now_us = wall_us();
    (0..count)
        .map(|sequence| record(key, &public(1), &private(sequence, now_us)).to_line())
        .collect()
}

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    body: Value,
}

impl Answer {
    fn results(&self) -> Vec<ItemResult> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        let reply: BatchReply = serde_json::from_value(self.body.clone()).unwrap();
        reply.results
    }
}

impl Hall {
    async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from("192.0.2.1", request).await
    }

    async fn send_from(&self, peer: &str, mut request: Request<Body>) -> Answer {
        let peer = Peer {
            address: (peer.parse::<std::net::IpAddr>().unwrap(), 9).into(),
            tls: false,
        };
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let header = response.headers().get("retry-after");
        let retry_after = header.map(|value| value.to_str().unwrap().to_owned());
        if !status.is_success() {
            assert_eq!(
                response.headers()["content-type"],
                crate::web::problem::PROBLEM_JSON
            );
        }
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        Answer {
            status,
            retry_after,
            body: serde_json::from_slice(&bytes.unwrap()).unwrap(),
        }
    }

    async fn post(&self, lines: &[String]) -> Answer {
        self.send(batch(lines.join("\n").into())).await
    }

    fn enrol(&self, number: u8) -> Enrolled {
        let options = InviteOptions::default();
        let invitation = self.admin.create_invitation(&options, wall_us()).unwrap();
        let request = EnrolmentRequest::new(&invitation.token, &agent(number), "1");
        self.admin.enrol(&request, wall_us()).unwrap()
    }

    fn marks(&self, result: &ItemResult) -> Vec<Mark> {
        let ItemResult::Stored { receipt, .. } = result else {
            panic!("not stored: {result:?}");
        };
        let key = self.admin.signing_key().verifying_key();
        receipt.open(&key).unwrap().marks
    }
}

fn batch(body: Body) -> Request<Body> {
    Request::post("/api/v1/records")
        .header("content-type", body::NDJSON)
        .body(body)
        .unwrap()
}

fn reason(result: &ItemResult) -> &str {
    match result {
        ItemResult::Stored { .. } => "stored",
        ItemResult::Refused { reason, .. } | ItemResult::Retry { reason, .. } => reason,
    }
}

#[tokio::test]
async fn one_bad_line_among_500_refuses_itself_only() {
    let hall = hall();
    hall.enrol(1);
    let mut lines = records(&agent(1), 500);
    lines[250] = lines[250].replace("\"sig\":\"", "\"sig\":\"AAAA");
    let results = hall.post(&lines).await.results();
    assert_eq!(results.len(), 500);
    for (index, result) in results.iter().enumerate() {
        let expected = if index == 250 { "format" } else { "stored" };
        assert_eq!(reason(result), expected, "line {index}");
    }
    assert_eq!(*hall.journal.committed().borrow(), 499);
}

#[tokio::test]
async fn a_replay_is_answered_with_the_same_receipts_in_any_batch_and_encoding() {
    let hall = hall();
    hall.enrol(1);
    let lines = records(&agent(1), 20);
    let first = hall.post(&lines).await.results();
    let (left, right) = lines.split_at(7);
    let mut again = hall.post(right).await.results();
    let packed = zstd::encode_all(left.join("\n").as_bytes(), 3).unwrap();
    let mut request = batch(packed.into());
    let headers = request.headers_mut();
    headers.insert("content-encoding", "zstd".parse().unwrap());
    again.splice(0..0, hall.send(request).await.results());
    let text = |results: &Vec<ItemResult>| serde_json::to_string(results).unwrap();
    assert_eq!(text(&first), text(&again));
}

#[tokio::test]
async fn lines_that_break_the_format_are_refused_for_ever() {
    let hall = hall();
    hall.enrol(1);
    let now_us = wall_us();
    let good_private = private(0, now_us).to_string();
    let good_public = public(1).to_string();
    let line = |public: &str, private: &str| {
        let (public, private) = (public.as_bytes(), private.as_bytes());
        sign(&agent(1), dsse::types::RECORD, public, private).to_line()
    };
    let duplicate_key = good_public.replacen('{', r#"{"kind":"measurement","#, 1);
    let with_value =
        |value: &str| good_public.replace("\"value\":1}", &format!("\"value\":{value}}}"));
    assert_ne!(with_value("2"), good_public);
    let lines = [
        line(&duplicate_key, &good_private),
        line(&with_value("1.5"), &good_private),
        line(&with_value("9007199254740992"), &good_private),
        line(
            r#"{"schema":"tonle.record/1","kind":"measurement"}"#,
            &good_private,
        ),
        line(&good_public, "[]x"),
        "not json".to_owned(),
    ];
    for result in hall.post(&lines).await.results() {
        assert_eq!(reason(&result), "format", "{result:?}");
    }
    let not_utf8 = sign(&agent(1), dsse::types::RECORD, b"\"\xff\"", b"{}").to_line();
    let long = format!("{{\"public\":\"{}\"}}", "A".repeat(1 << 20));
    let forged = record(&agent(1), &public(1), &private(1, now_us));
    let forged = Envelope {
        record: SealedRecord {
            public: public(2).to_string().into_bytes(),
            ..forged.record
        },
        ..forged
    };
    let results = hall
        .post(&[not_utf8, long, forged.to_line()])
        .await
        .results();
    let reasons: Vec<&str> = results.iter().map(reason).collect();
    assert_eq!(reasons, ["format", "too_long", "signature"]);
    assert_eq!(*hall.journal.committed().borrow(), 0);
}

#[tokio::test]
async fn unknown_kinds_and_newer_versions_are_stored_acknowledged_and_marked() {
    let hall = hall();
    hall.enrol(1);
    let key = agent(1);
    let now_us = wall_us();
    let mut other_kind = public(1);
    other_kind["kind"] = json!("diary");
    other_kind["target"] = json!(7);
    let mut newer_schema = public(1);
    newer_schema["schema"] = json!("tonle.record/2");
    let lines = [
        record(&key, &other_kind, &private(0, now_us)).to_line(),
        record(&key, &newer_schema, &private(1, now_us)).to_line(),
        sign(&key, "application/vnd.tonle.record.v9", b"\x00", b"\x01").to_line(),
    ];
    let results = hall.post(&lines).await.results();
    let marks: Vec<_> = results.iter().map(|result| hall.marks(result)).collect();
    let newer = vec![Mark::NewerVersion];
    assert_eq!(marks, [vec![Mark::UnknownKind], newer.clone(), newer]);
    let entry = hall.journal.reader().unwrap().entries_from(2, 1).unwrap();
    assert_eq!(entry[0].public, b"\x00");
}

#[tokio::test]
async fn late_future_and_implausible_records_are_stored_and_marked() {
    let hall = hall();
    hall.enrol(1);
    let key = agent(1);
    let now_us = wall_us();
    let minute_us = 60_000_000;
    let mut ahead_but_known = public(1);
    ahead_but_known["context"]["clock"]["offset_us"] = json!(-9 * minute_us);
    let lines = [
        record(&key, &public(1), &private(0, now_us - 61 * minute_us)).to_line(),
        record(&key, &public(1), &private(1, now_us + 6 * minute_us)).to_line(),
        record(&key, &public(60_000_001), &private(2, now_us)).to_line(),
        record(&key, &public(-1), &private(3, now_us)).to_line(),
        record(&key, &ahead_but_known, &private(4, now_us + 9 * minute_us)).to_line(),
        record(
            &key,
            &public(60_000_000),
            &private(5, now_us - 59 * minute_us),
        )
        .to_line(),
        record(&key, &public(2), &private(5, now_us)).to_line(),
    ];
    let results = hall.post(&lines).await.results();
    let marks: Vec<_> = results.iter().map(|result| hall.marks(result)).collect();
    let expected = [
        vec![Mark::Late],
        vec![Mark::Future],
        vec![Mark::Implausible],
        vec![Mark::Implausible],
        vec![],
        vec![],
        vec![Mark::Equivocation],
    ];
    assert_eq!(marks, expected);
}

#[tokio::test]
async fn keys_that_may_not_send_are_told_so() {
    let hall = hall();
    let stranger = hall.post(&records(&agent(9), 2)).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let enrolled = hall.enrol(1);
    hall.enrol(2);
    hall.admin
        .revoke(&enrolled.key_id, wall_us(), wall_us())
        .unwrap();
    let revoked = hall.post(&records(&agent(1), 2)).await;
    assert_eq!(revoked.status, StatusCode::FORBIDDEN);
    let mixed = [
        records(&agent(9), 1),
        records(&agent(1), 1),
        records(&agent(2), 1),
    ];
    let results = hall.post(&mixed.concat()).await.results();
    let reasons: Vec<&str> = results.iter().map(reason).collect();
    assert_eq!(reasons, ["unknown_key", "revoked", "stored"]);
    assert!(matches!(results[0], ItemResult::Retry { .. }));
    assert!(matches!(results[1], ItemResult::Refused { .. }));
}

#[tokio::test]
async fn batches_of_the_wrong_form_are_refused_by_the_right_status() {
    let hall = hall();
    let bomb = zstd::encode_all(vec![0; body::DECODED_MAX_BYTES + 1].as_slice(), 1).unwrap();
    let with = |header: &'static str, value: &str, body: Vec<u8>| {
        let mut request = batch(body.into());
        request.headers_mut().insert(header, value.parse().unwrap());
        request
    };
    let cases = [
        (
            with("content-type", "application/json", b"{}".to_vec()),
            415,
        ),
        (with("content-encoding", "br", b"{}".to_vec()), 415),
        (with("content-encoding", "gzip", b"not gzip".to_vec()), 422),
        (with("content-encoding", "zstd", bomb), 413),
        (batch(vec![b'x'; body::BODY_MAX_BYTES + 1].into()), 413),
        (batch("{}\n".repeat(501).into()), 413),
        (batch("\n\n".into()), 422),
    ];
    for (request, expected) in cases {
        let answer = hall.send(request).await;
        assert_eq!(answer.status.as_u16(), expected, "{}", answer.body);
        assert_eq!(answer.body["status"], expected);
        assert!(answer.body["detail"].as_str().unwrap().len() > 10);
    }
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_again() {
    let rate = Rate::new(0.001, 3.0);
    let limits = Limits {
        batches_per_network: Rate::new(1.0, 100.0),
        enrolments_per_network: rate,
        records_per_key: rate,
    };
    let hall = hall_with(limits);
    hall.enrol(1);
    hall.enrol(2);
    hall.post(&records(&agent(1), 3)).await.results();
    let held = hall.post(&records(&agent(1), 1)).await;
    assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(held.retry_after.as_deref(), Some("1000"));
    let both = [records(&agent(1), 1), records(&agent(2), 1)].concat();
    let results = hall.post(&both).await.results();
    assert_eq!(
        [reason(&results[0]), reason(&results[1])],
        ["rate_limited", "stored"]
    );
}

#[tokio::test]
async fn the_source_address_is_nowhere_on_the_disk() {
    let hall = hall();
    hall.enrol(1);
    let lines = records(&agent(1), 3).join("\n");
    let mut request = batch(lines.into());
    let forwarded = format!("for={PLANTED}").parse().unwrap();
    request.headers_mut().insert("forwarded", forwarded);
    hall.send_from("10.0.0.1", request).await.results();
    let entry = hall.journal.reader().unwrap().entries_from(0, 1).unwrap();
    assert_eq!(entry[0].network.asn, Some(64_500));
    assert_eq!(entry[0].network.country.as_deref(), Some("KH"));
    assert!(entry[0].network.group_id.is_some());
    let binary = [203, 0, 113, 77];
    assert!(files(hall.dir.path()) >= 4); // two databases with their logs, at least
    for needle in [PLANTED.as_bytes(), &binary, &PLANTED.as_bytes()[..10]] {
        assert!(!on_disk(hall.dir.path(), needle), "{needle:?}");
    }
    assert!(
        on_disk(hall.dir.path(), b"ip2asn"),
        "the search finds what is there"
    );
}

fn files(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

fn on_disk(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|part| part == needle)
    })
}

#[tokio::test]
async fn joining_over_http_stands_in_the_journal_before_the_answer() {
    let hall = hall();
    let invitation = hall
        .admin
        .create_invitation(&InviteOptions::default(), wall_us())
        .unwrap();
    let join = |number: u8, token: &str| {
        let request = EnrolmentRequest::new(token, &agent(number), "1");
        Request::post("/api/v1/enrolments")
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&request).unwrap().into())
            .unwrap()
    };
    let answer = hall.send(join(1, &invitation.token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(*hall.journal.committed().borrow(), 1);
    let document: SignedDocument = serde_json::from_value(answer.body.clone()).unwrap();
    let collector = hall.admin.signing_key().verifying_key();
    let enrolled: Enrolled = document.open(&collector, dsse::types::ENROLLED).unwrap();
    assert_eq!(enrolled.key.0, agent(1).verifying_key().to_bytes());
    let again = hall.send(join(1, &invitation.token)).await;
    assert_eq!(again.body, answer.body);
    let used_up = hall.send(join(2, &invitation.token)).await;
    assert_eq!(used_up.status, StatusCode::CONFLICT);
    let unknown = hall.send(join(2, "AAAAAAAAAAAAAAAAAAAAAA")).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
}
