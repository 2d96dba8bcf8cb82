//! The verifier on files of real signed records and receipts, whole and tampered with.
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tonle_evidence::SigningKey;
use tonle_evidence::dsse::{self, types};
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hash, Hex, sha256};
use tonle_evidence::receipt::{RECEIPT_SCHEMA, Receipt, sign_batch};
use tonle_evidence::record::{Private, SealedRecord, body_of};
use tonle_verify::report::{Report, verify};

/// A record that the format's own golden vectors vouch for.
const GOLDEN: &str = include_str!("../../evidence/tests/golden/record-full.json");

fn agent() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn collector() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn golden_halves() -> (Vec<u8>, Private) {
    let vector: Value = serde_json::from_str(GOLDEN).expect("the vector is JSON");
    let line = vector["envelope_line"]
        .as_str()
        .expect("the vector has a line");
    let envelope = Envelope::from_line(line.as_bytes()).expect("the vector holds");
    let private = envelope.open().expect("the vector holds").private;
    (envelope.record.public, private)
}

fn signed(public: Vec<u8>, private: Vec<u8>, payload_type: &str) -> Envelope {
    let body = body_of(&sha256(&public), &sha256(&private));
    let record = SealedRecord {
        key: Hex(agent().verifying_key().to_bytes()),
        signature: dsse::sign(&agent(), payload_type, &body),
        public,
        private,
    };
    Envelope {
        payload_type: payload_type.to_owned(),
        record,
    }
}

fn record(sequence: u64, prev_hash: Hash) -> Envelope {
    let (public, mut private) = golden_halves();
    private.sequence = sequence;
    private.prev_hash = prev_hash;
    let private = serde_json::to_vec(&private).expect("a half is JSON");
    signed(public, private, types::RECORD)
}

/// A chain of records that follow each other.
fn chain(length: u64) -> Vec<Envelope> {
    let mut records: Vec<Envelope> = Vec::new();
    for sequence in 0..length {
        let before = records.last().map_or(Hex::ZERO, Envelope::hash);
        records.push(record(sequence, before));
    }
    records
}

fn receipts(records: &[Envelope]) -> Vec<String> {
    let receipt = |(index, record): (u64, &Envelope)| Receipt {
        schema: RECEIPT_SCHEMA.into(),
        record_hash: record.hash(),
        entry_index: index,
        received_at_us: 1,
        asn: None,
        network_country: None,
        tls: "none".into(),
        marks: Vec::new(),
    };
    let receipts: Vec<Receipt> = (0..).zip(records).map(receipt).collect();
    let signed = sign_batch(&collector(), &receipts);
    signed
        .iter()
        .map(|receipt| serde_json::to_string(receipt).expect("it is JSON"))
        .collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    fn write(&self, name: &str, lines: &[String]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, lines.join("\n")).expect("the temporary folder is writable");
        path
    }
}

fn lines(records: &[Envelope]) -> Vec<String> {
    records.iter().map(Envelope::to_line).collect()
}

fn check(path: &Path) -> Report {
    verify(path, Some(&collector().verifying_key())).expect("the path can be read")
}

#[test]
fn a_whole_chain_with_its_receipts_holds() {
    let folder = Folder::new();
    let records = chain(5);
    folder.write("records.ndjson", &lines(&records));
    folder.write("receipts.log", &receipts(&records));
    let report = check(folder.0.path());
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!(
        (report.records, report.receipts, report.receipts_with_record),
        (5, 5, 5)
    );
    assert!(report.chains[0].is_whole());
    assert!(
        report.to_text().ends_with("everything holds\n"),
        "{}",
        report.to_text()
    );
}

#[test]
fn a_changed_half_is_named_by_its_line() {
    let folder = Folder::new();
    let mut records = chain(3);
    let place = records[1].record.public.len() / 2;
    records[1].record.public[place] ^= 1;
    let report = check(&folder.write("records.ndjson", &lines(&records)));
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].line, 2);
    assert!(
        report.problems[0]
            .problem
            .contains("signature does not verify")
    );
    assert_eq!(report.chains[0].gaps, [(1, 1)]);
}

#[test]
fn a_record_under_another_key_does_not_hold() {
    let folder = Folder::new();
    let mut records = chain(1);
    records[0].record.key = Hex(collector().verifying_key().to_bytes());
    assert!(!check(&folder.write("records.ndjson", &lines(&records))).holds());
}

#[test]
fn a_signed_half_that_breaks_the_format_does_not_hold() {
    let folder = Folder::new();
    let (public, private) = golden_halves();
    let private = serde_json::to_vec(&private).unwrap();
    let mut with_float: Value = serde_json::from_slice(&public).unwrap();
    with_float["samples"][0]["value"] = json!(1.5);
    let broken = signed(with_float.to_string().into_bytes(), private, types::RECORD);
    let report = check(&folder.write("records.ndjson", &[broken.to_line()]));
    assert!(
        report.problems[0].problem.contains("float"),
        "{:?}",
        report.problems
    );
}

#[test]
fn a_removed_record_is_a_fact_and_not_a_failure() {
    let folder = Folder::new();
    let mut records = chain(6);
    records.drain(2..4);
    let report = check(&folder.write("records.ndjson", &lines(&records)));
    assert!(report.holds());
    assert_eq!(report.chains[0].gaps, [(2, 3)]);
    assert!(
        report.to_text().contains("missing: 2–3"),
        "{}",
        report.to_text()
    );
}

#[test]
fn an_inserted_record_breaks_the_chain_visibly() {
    let folder = Folder::new();
    let mut records = chain(4);
    records[2] = record(2, sha256(b"somebody else's record"));
    let report = check(&folder.write("records.ndjson", &lines(&records)));
    assert!(report.holds());
    assert_eq!(report.chains[0].breaks, [2, 3]);
}

#[test]
fn two_records_at_one_place_are_told() {
    let folder = Folder::new();
    let mut records = chain(2);
    records.push(record(1, sha256(b"a cloned card")));
    let report = check(&folder.write("records.ndjson", &lines(&records)));
    assert_eq!(report.chains[0].conflicts, [1]);
}

#[test]
fn a_newer_type_is_verified_and_not_read() {
    let folder = Folder::new();
    let newer = signed(
        b"what comes".to_vec(),
        b"next".to_vec(),
        "application/vnd.tonle.record.v2",
    );
    let report = check(&folder.write("records.ndjson", &[newer.to_line()]));
    assert!(report.holds());
    assert_eq!((report.records, report.newer), (1, 1));
}

#[test]
fn a_forged_receipt_does_not_hold() {
    let folder = Folder::new();
    let records = chain(3);
    let mut forged = receipts(&records);
    let mut first: Value = serde_json::from_str(&forged[0]).unwrap();
    let second: Value = serde_json::from_str(&forged[1]).unwrap();
    first["receipt"] = second["receipt"].clone();
    forged[0] = first.to_string();
    let report = check(&folder.write("receipts.ndjson", &forged));
    assert_eq!(report.problems.len(), 1);
    assert!(
        report.problems[0]
            .problem
            .contains("not signed by the pinned collector key")
    );
    assert_eq!(report.receipts, 2);
}

#[test]
fn a_receipt_as_an_agent_keeps_it_holds_for_its_own_record_only() {
    let folder = Folder::new();
    let records = chain(2);
    let kept = |record: &Envelope, receipt: &str| {
        let receipt: Value = serde_json::from_str(receipt).expect("a receipt is JSON");
        json!({ "record_hash": record.hash(), "receipt": receipt }).to_string()
    };
    let receipts = receipts(&records);
    let whole = [
        kept(&records[0], &receipts[0]),
        kept(&records[1], &receipts[1]),
    ];
    assert_eq!(check(&folder.write("receipts.log", &whole)).receipts, 2);
    let swapped = [kept(&records[0], &receipts[1])];
    let report = check(&folder.write("swapped.log", &swapped));
    let problem = &report.problems[0].problem;
    assert!(problem.contains("kept as that of"), "{problem}");
}

#[test]
fn receipts_without_a_key_are_counted_as_unchecked() {
    let folder = Folder::new();
    let path = folder.write("receipts.ndjson", &receipts(&chain(2)));
    let report = verify(&path, None).unwrap();
    assert_eq!((report.receipts, report.receipts_unchecked), (0, 2));
}

#[test]
fn a_line_that_is_neither_is_a_problem_and_stops_nothing() {
    let folder = Folder::new();
    let mut text = lines(&chain(1));
    text.insert(0, "not json".into());
    text.insert(1, "{\"other\":1}".into());
    text.push(text[2].clone());
    let report = check(&folder.write("mixed.txt", &text));
    assert_eq!(
        (report.records, report.repeated, report.problems.len()),
        (1, 1, 2)
    );
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["holds"], false);
    assert_eq!(json["problems"][1]["line"], 2);
}
