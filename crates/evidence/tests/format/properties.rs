//! Properties of every parser of outside bytes: nothing panics, what was written reads back, and no
//! changed byte is believed.
use crate::fixture::{self, agent, collector};
use proptest::collection::vec;
use proptest::prelude::*;
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest};
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hash, sha256};
use tonle_evidence::receipt::{BatchReply, RECEIPT_SCHEMA, Receipt, SignedReceipt, sign_batch};
use tonle_evidence::record::{SealedRecord, body_of, seal};
use tonle_evidence::strict_json;
use tonle_evidence::targets::TargetList;
use tonle_evidence::{SigningKey, dsse};

/// A record over any two byte strings, properly signed: what a foreign program may send.
fn signed(public: Vec<u8>, private: Vec<u8>, key: &SigningKey) -> Envelope {
    let body = body_of(&sha256(&public), &sha256(&private));
    Envelope::new(SealedRecord {
        key: tonle_evidence::hash::Hex(key.verifying_key().to_bytes()),
        signature: dsse::sign(key, types::RECORD, &body),
        public,
        private,
    })
}

fn receipt_of(hash: Hash, entry_index: u64) -> Receipt {
    Receipt {
        schema: RECEIPT_SCHEMA.into(),
        record_hash: hash,
        entry_index,
        received_at_us: 1,
        asn: None,
        network_country: None,
        tls: "none".into(),
        marks: Vec::new(),
    }
}

/// Text that is nearly what the parsers expect, so that they are reached beyond their first check.
fn nearly_json() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("type"),
        Just("public"),
        Just("private"),
        Just("key"),
        Just("sig"),
        Just("body"),
        Just("receipt"),
        Just("index"),
        Just("count"),
        Just("path"),
        Just("results"),
        Just("token"),
    ];
    let value = prop_oneof![
        "[A-Za-z0-9+/]{0,90}={0,2}".prop_map(|text| format!("\"{text}\"")),
        "[0-9a-f]{64}".prop_map(|text| format!("\"{text}\"")),
        any::<u64>().prop_map(|number| number.to_string()),
        Just("\"application/vnd.tonle.record.v2\"".to_owned()),
        Just("[]".to_owned()),
        Just("null".to_owned()),
    ];
    vec((field, value), 0..8).prop_map(|pairs| {
        let fields: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// Every parser of outside bytes; none may panic.
fn read_in_every_way(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::from_line(bytes) {
        let _ = (envelope.verify(), envelope.open(), envelope.hash());
    }
    let _ = strict_json::parse(bytes);
    if let Ok(document) = serde_json::from_slice::<SignedDocument>(bytes) {
        let _ = document.open::<Enrolled>(&collector().verifying_key(), types::ENROLLED);
        let _ = document.open::<TargetList>(&collector().verifying_key(), types::TARGETS);
    }
    if let Ok(receipt) = serde_json::from_slice::<SignedReceipt>(bytes) {
        let _ = receipt.open(&collector().verifying_key());
    }
    if let Ok(request) = serde_json::from_slice::<EnrolmentRequest>(bytes) {
        let _ = request.proves_possession();
    }
    let _ = serde_json::from_slice::<BatchReply>(bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_in_every_way(&bytes);
    }

    #[test]
    fn no_nearly_right_json_makes_a_parser_panic(text in nearly_json()) {
        read_in_every_way(text.as_bytes());
    }

    #[test]
    fn an_envelope_of_any_halves_reads_back_and_verifies(
        public in vec(any::<u8>(), 0..200),
        private in vec(any::<u8>(), 0..200),
        seed in any::<[u8; 32]>(),
    ) {
        let envelope = signed(public, private, &SigningKey::from_bytes(&seed));
        let read = Envelope::from_line(envelope.to_line().as_bytes()).unwrap();
        prop_assert_eq!(read.verify(), Ok(()));
        prop_assert_eq!(read, envelope);
    }

    #[test]
    fn a_record_with_a_changed_byte_does_not_verify(
        in_public: bool,
        place in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let (public, private) = fixture::full();
        let mut record = seal(&public, &private, &agent()).unwrap();
        let half = if in_public { &mut record.public } else { &mut record.private };
        let place = place.index(half.len());
        half[place] ^= flip;
        prop_assert!(Envelope::new(record).verify().is_err());
    }

    #[test]
    fn a_changed_line_is_never_taken_for_another_record(
        place in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let (public, private) = fixture::full();
        let envelope = Envelope::new(seal(&public, &private, &agent()).unwrap());
        let mut line = envelope.to_line().into_bytes();
        let place = place.index(line.len());
        line[place] = byte;
        if let Ok(read) = Envelope::from_line(&line) {
            let same_record = read.record == envelope.record && read.payload_type == envelope.payload_type;
            prop_assert_eq!(read.verify().is_ok(), same_record);
        }
    }

    #[test]
    fn each_receipt_of_any_batch_proves_its_own_record_only(
        hashes in vec(any::<[u8; 32]>(), 1..20),
        pick in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let batch: Vec<Receipt> = hashes
            .iter()
            .zip(0..)
            .map(|(hash, index)| receipt_of(sha256(hash), index))
            .collect();
        let signed = sign_batch(&collector(), &batch);
        let (pick, other) = (pick.index(batch.len()), other.index(batch.len()));
        let opened = signed[pick].open(&collector().verifying_key());
        prop_assert_eq!(opened.as_ref(), Ok(&batch[pick]));
        let mut swapped = signed[pick].clone();
        swapped.receipt.clone_from(&signed[other].receipt);
        prop_assert_eq!(swapped.open(&collector().verifying_key()).is_ok(), pick == other);
    }

    #[test]
    fn an_enrolment_request_reads_back_with_its_proof(
        token in "[A-Za-z0-9_-]{22,43}",
        seed in any::<[u8; 32]>(),
        consent in "[0-9.]{1,8}",
    ) {
        let request = EnrolmentRequest::new(&token, &SigningKey::from_bytes(&seed), &consent);
        let text = serde_json::to_string(&request).unwrap();
        let read: EnrolmentRequest = serde_json::from_str(&text).unwrap();
        prop_assert!(read.proves_possession());
        prop_assert_eq!(read, request);
    }

    #[test]
    fn a_proof_holds_for_its_own_token_and_consent_only(
        token in "[A-Za-z0-9_-]{22}",
        other in "[A-Za-z0-9_-]{22}",
    ) {
        prop_assume!(token != other);
        let mut request = EnrolmentRequest::new(&token, &agent(), "1");
        request.token = other;
        prop_assert!(!request.proves_possession());
        request.token = token;
        request.consent_version = "2".into();
        prop_assert!(!request.proves_possession());
    }

    #[test]
    fn a_signed_document_opens_under_its_own_type_and_key_only(values in vec(-1000i64..1000, 0..20)) {
        let document = SignedDocument::sign(&collector(), types::TARGETS, &values).unwrap();
        let open = |key: &SigningKey, kind| document.open::<Vec<i64>>(&key.verifying_key(), kind);
        prop_assert_eq!(open(&collector(), types::TARGETS), Ok(values.clone()));
        prop_assert!(open(&collector(), types::ENROLLED).is_err());
        prop_assert!(open(&agent(), types::TARGETS).is_err());
    }
}
