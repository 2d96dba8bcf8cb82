//! Complaints as a stranger checks them: what one says has to follow from the records in its file.
use std::fs;
use tonle_evidence::SigningKey;
use tonle_evidence::complaint::{
    COMPLAINT_SCHEMA, Complaint, Contract, Promised, SignedComplaint, Terms, Test,
};
use tonle_evidence::envelope::{Envelope, Opened};
use tonle_evidence::record::{Outcome, Sample, seal};
use tonle_verify::report::{Report, verify};

/// A record that the format's own golden vectors vouch for.
const GOLDEN: &str = include_str!("../../evidence/tests/golden/record-full.json");

fn agent() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

/// A test of 90 Mbit/s both ways.
fn record() -> Envelope {
    let vector: serde_json::Value = serde_json::from_str(GOLDEN).expect("the vector is JSON");
    let line = vector["envelope_line"].as_str().expect("it has a line");
    let envelope = Envelope::from_line(line.as_bytes()).expect("it holds");
    let Opened {
        mut public,
        private,
    } = envelope.open().expect("it holds");
    let sample = |metric: &str| Sample {
        metric: metric.to_owned(),
        value: 90_000_000,
        unit: "bps".to_owned(),
    };
    public.samples = vec![
        sample("throughput.download_bps/ndt7/domestic"),
        sample("throughput.upload_bps/ndt7/domestic"),
    ];
    public.outcome = Outcome::Completed;
    Envelope::new(seal(&public, &private, &agent()).expect("a record"))
}

/// A complaint of one test.
fn complaint(record: &Envelope) -> Complaint {
    let terms = Terms {
        days: 1,
        tests_per_day: 1,
        days_between: 0,
        within_days: 1,
        cable: false,
        others_max_permille: 1_000,
        max_missed_days: 1,
        ..Terms::default()
    };
    let opened = record.open().expect("it holds");
    let test = Test::of(record.hash(), &opened, &terms, 0);
    let mut complaint = Complaint {
        schema: COMPLAINT_SCHEMA.to_owned(),
        country: "KH".to_owned(),
        utc_offset_s: 0,
        signed_at_us: test.t_end_us,
        operator: None,
        terms,
        contract: Contract {
            download: Promised {
                max_bps: Some(200_000_000),
                ..Promised::default()
            },
            upload: Promised::default(),
        },
        counted: vec![record.hash()],
        tests: vec![test],
        findings: Vec::new(),
    };
    complaint.findings = complaint.reckoned();
    complaint
}

fn checked(complaint: &Complaint, key: &SigningKey, record: &Envelope) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("complaint.ndjson");
    let signed = SignedComplaint::sign(key, complaint).expect("it can be signed");
    let first = serde_json::to_string(&signed).expect("it is JSON");
    fs::write(&path, format!("{first}\n{}\n", record.to_line())).expect("a file");
    verify(&path, None).expect("it can be read")
}

#[test]
fn a_complaint_that_follows_from_its_records_holds() {
    let record = record();
    let report = checked(&complaint(&record), &agent(), &record);
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!((report.records, report.complaints[0].counted), (1, 1));
    assert!(report.complaints[0].findings[0].deviates);
    assert!(report.to_text().contains("deviates: download max"));
}

#[test]
fn a_figure_a_finding_or_a_key_that_is_not_that_of_the_records_is_found() {
    let record = record();
    let good = complaint(&record);
    let problem = |complaint: &Complaint, key: &SigningKey, says: &str| {
        let report = checked(complaint, key, &record);
        assert!(report.complaints.is_empty());
        let found = report.problems.iter().any(|one| one.problem.contains(says));
        assert!(found, "{says}: {:?}", report.problems);
    };
    let mut slower = good.clone();
    slower.tests[0].download_bps = Some(1);
    problem(&slower, &agent(), "not what its record says");
    let mut milder = good.clone();
    milder.findings[0].deviates = false;
    problem(&milder, &agent(), "do not follow");
    let mut longer = good.clone();
    longer.terms.tests_per_day = 2;
    problem(&longer, &agent(), "complete");
    problem(&good, &SigningKey::from_bytes(&[7; 32]), "another key");
}

#[test]
fn a_complaint_whose_signature_is_broken_is_a_problem() {
    let record = record();
    let mut signed =
        SignedComplaint::sign(&agent(), &complaint(&record)).expect("it can be signed");
    signed.key.0[0] ^= 1;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("complaint.ndjson");
    fs::write(&path, serde_json::to_string(&signed).expect("it is JSON")).expect("a file");
    let report = verify(&path, None).expect("it can be read");
    assert!(!report.holds() && report.complaints.is_empty());
}
