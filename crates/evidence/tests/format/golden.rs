//! Golden vectors: fixed keys and fixed values give these bytes, hashes and signatures for ever.
//!
//! The kept files are also checked by an implementation that shares no code with this one:
//! `crates/evidence/tests/golden/check.py` (Python, its own JSON writer and Ed25519).
use crate::assert_kept;
use crate::fixture::{self, agent, collector};
use serde_json::{Value, json};
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::{pae, types};
use tonle_evidence::enrolment::{EnrolmentRequest, Invitation};
use tonle_evidence::entry::Mark;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hash, Hex, sha256};
use tonle_evidence::merkle;
use tonle_evidence::receipt::{RECEIPT_SCHEMA, Receipt, sign_batch};
use tonle_evidence::record::{Private, Public, Stream, body_of, seal};
use tonle_evidence::targets::{ListedTarget, TARGETS_SCHEMA, TargetList};

/// Text of a vector: JSON as people read it.
fn text(vector: &Value) -> String {
    serde_json::to_string_pretty(vector).expect("a value is always JSON")
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("canonical JSON is UTF-8")
}

fn record_vector((public, private): (Public, Private)) -> Value {
    let sealed = seal(&public, &private, &agent()).expect("the fixture keeps the number rule");
    let body = body_of(&sha256(&sealed.public), &sha256(&sealed.private));
    json!({
        "secret_key": hex::encode(fixture::AGENT_SEED),
        "public_key": sealed.key,
        "payload_type": types::RECORD,
        "public": utf8(&sealed.public),
        "private": utf8(&sealed.private),
        "public_sha256": sha256(&sealed.public),
        "private_sha256": sha256(&sealed.private),
        "signed_message": hex::encode(pae(types::RECORD, &body)),
        "signature": hex::encode(sealed.signature),
        "record_hash": sealed.hash(),
        "envelope_line": Envelope::new(sealed).to_line(),
    })
}

fn receipts() -> Vec<Receipt> {
    let receipt = |index: u64| Receipt {
        schema: RECEIPT_SCHEMA.into(),
        record_hash: sha256(&[u8::try_from(index).expect("three receipts")]),
        entry_index: 41 + index,
        received_at_us: 1_795_436_200_000_000,
        asn: (index == 0).then_some(38_623),
        network_country: (index == 0).then(|| "KH".into()),
        tls: "none".into(),
        marks: if index == 2 {
            vec![Mark::Late, Mark::Equivocation]
        } else {
            Vec::new()
        },
    };
    (0..3).map(receipt).collect()
}

#[test]
fn a_full_record_has_these_bytes() {
    assert_kept(
        "crates/evidence/tests/golden/record-full.json",
        &text(&record_vector(fixture::full())),
    );
}

#[test]
fn a_minimal_record_has_these_bytes() {
    assert_kept(
        "crates/evidence/tests/golden/record-minimal.json",
        &text(&record_vector(fixture::minimal())),
    );
}

#[test]
fn receipts_of_a_commit_have_these_bytes() {
    let receipts = receipts();
    let signed = sign_batch(&collector(), &receipts);
    let bytes = |receipt| serde_json_canonicalizer::to_vec(receipt).expect("a receipt is JSON");
    let leaves: Vec<Hash> = receipts
        .iter()
        .map(|receipt| merkle::leaf_hash(&bytes(receipt)))
        .collect();
    let vector = json!({
        "secret_key": hex::encode(fixture::COLLECTOR_SEED),
        "public_key": Hex(collector().verifying_key().to_bytes()),
        "payload_type": types::RECEIPTS,
        "receipts": receipts.iter().map(|receipt| utf8(&bytes(receipt)).to_owned()).collect::<Vec<_>>(),
        "leaf_hashes": leaves,
        "root": merkle::root(&leaves),
        "signed": signed,
    });
    assert_kept("crates/evidence/tests/golden/receipts.json", &text(&vector));
}

#[test]
fn joining_has_these_bytes() {
    let token = "BQUFBQUFBQUFBQUFBQUFBQ";
    let invitation = Invitation {
        collector: "https://data.example.org/tonle/".parse().unwrap(),
        token: token.into(),
        collector_key: Hex(collector().verifying_key().to_bytes()),
    };
    let targets = TargetList {
        schema: TARGETS_SCHEMA.into(),
        stream: Stream::Quality,
        targets: vec![ListedTarget {
            experiment: "latency".into(),
            target: fixture::full().0.target,
            source: None,
        }],
        controls: Vec::new(),
        public_resolvers: vec![
            "192.0.2.53".parse().unwrap(),
            "2001:db8::53".parse().unwrap(),
        ],
        silent_addresses: Vec::new(),
        sources: Vec::new(),
    };
    let document = SignedDocument::sign(&collector(), types::TARGETS, &targets).unwrap();
    let vector = json!({
        "invitation_url": invitation.to_string(),
        "enrolment_type": types::ENROLMENT,
        "agent_secret_key": hex::encode(fixture::AGENT_SEED),
        "enrolment_request": EnrolmentRequest::new(token, &agent(), "1"),
        "collector_secret_key": hex::encode(fixture::COLLECTOR_SEED),
        "collector_public_key": invitation.collector_key,
        "targets_type": types::TARGETS,
        "targets": targets,
        "targets_document": document,
    });
    assert_kept("crates/evidence/tests/golden/joining.json", &text(&vector));
}

#[test]
fn the_kept_records_verify_and_open() {
    for (kept, made) in [
        (include_str!("../golden/record-full.json"), fixture::full()),
        (
            include_str!("../golden/record-minimal.json"),
            fixture::minimal(),
        ),
    ] {
        let vector: Value = serde_json::from_str(kept).unwrap();
        let line = vector["envelope_line"].as_str().unwrap();
        let envelope = Envelope::from_line(line.as_bytes()).unwrap();
        assert_eq!(envelope.verify(), Ok(()));
        assert_eq!(envelope.hash().to_string(), vector["record_hash"]);
        let opened = envelope.open().unwrap();
        assert_eq!((opened.public, opened.private), made);
    }
}
