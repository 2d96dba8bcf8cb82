//! The protocol of a complete complaint as files: lines of JSON that can be checked, and a text that can be read.
use super::{ComplaintError, UnderWay};
use crate::device::Device;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use tonle_evidence::complaint::{COMPLAINT_SCHEMA, Complaint, Finding, SignedComplaint, Test};
use tonle_evidence::hash::{Hash, PublicKey};
use tonle_evidence::local_time::LocalHour;
use tonle_net::datadir::write_atomic;

/// The files of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What `tonle verify` checks.
    pub signed: PathBuf,
    /// What a person reads.
    pub readable: PathBuf,
    /// What the consumer's key signed.
    pub complaint: Complaint,
}

/// Signs the protocol of a complete complaint and writes its files into the data directory.
pub fn write(
    device: &Device,
    under_way: &UnderWay,
    now_us: i64,
) -> Result<Written, ComplaintError> {
    let enrolment = device.enrolment();
    let enrolment = enrolment
        .ok_or_else(|| ComplaintError::Protocol("this agent has not joined".to_owned()))?;
    let country = &enrolment.enrolled.country;
    let tests = under_way.tests(country.utc_offset_s);
    let counted = under_way.progress(now_us, country.utc_offset_s).counted;
    let mut complaint = Complaint {
        schema: COMPLAINT_SCHEMA.to_owned(),
        country: country.code.clone(),
        utc_offset_s: country.utc_offset_s,
        signed_at_us: now_us,
        operator: device.operator(),
        terms: under_way.terms.clone(),
        contract: under_way.contract,
        tests,
        counted,
        findings: Vec::new(),
    };
    complaint.findings = complaint.reckoned();
    let failed = |error: &dyn std::fmt::Display| ComplaintError::Protocol(error.to_string());
    let signed = device
        .sign_complaint(&complaint)
        .map_err(|error| failed(&error))?;
    let hashes: BTreeSet<Hash> = complaint
        .tests
        .iter()
        .map(|test| test.record_hash)
        .collect();
    let receipts = device
        .receipts_of(&hashes)
        .map_err(|error| failed(&error))?;
    let mut lines = vec![line(&signed)];
    lines.extend(under_way.records.iter().cloned());
    lines.extend(receipts.iter().map(line));
    let name = format!(
        "complaint-{}",
        LocalHour::at(now_us, country.utc_offset_s).day
    );
    let paths = |ending: &str| device.data_dir().join(format!("{name}.{ending}"));
    let (signed_path, readable) = (paths("ndjson"), paths("txt"));
    write_atomic(&signed_path, (lines.join("\n") + "\n").as_bytes())?;
    let text = text(&complaint, &signed, &enrolment.collector_key);
    write_atomic(&readable, text.as_bytes())?;
    Ok(Written {
        signed: signed_path,
        readable,
        complaint,
    })
}

fn line<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("strings and integers are always JSON")
}

/// The protocol for a person: what was promised, what was measured, what follows, and how to check it.
fn text(complaint: &Complaint, signed: &SignedComplaint, collector: &PublicKey) -> String {
    let mut text = String::new();
    let mut say = |line: &str| writeln!(text, "{line}").expect("a string takes any text");
    say("Protocol of measurements of one Internet line");
    say("");
    let operator = complaint.operator.as_deref().unwrap_or("not stated");
    say(&format!(
        "Country: {}. Operator, as the consumer says: {operator}.",
        complaint.country
    ));
    let terms = &complaint.terms;
    say(&format!(
        "{} tests on each of {} days, {} s apart at least, {} s after the first {}; days with {} between; within {} days.",
        terms.tests_per_day,
        terms.days,
        terms.spacing_s,
        terms.pause_s,
        terms.pause_after,
        terms.days_between,
        terms.within_days,
    ));
    say(if terms.cable {
        "Tests count over a cable only, as far as the device can see."
    } else {
        "Tests count over whatever the device was connected by."
    });
    say(&format!(
        "Other traffic may be at most {} of 1000 parts of a test's own; where the device cannot see it, none is assumed.",
        terms.others_max_permille
    ));
    say("");
    say("What follows by these conditions (no authority has judged it):");
    for finding in &complaint.findings {
        say(&format!("  {}", finding_text(finding)));
    }
    if complaint.findings.is_empty() {
        say("  nothing: the contract's rates were not stated");
    }
    say("");
    say("Tests (local time; rates in kbit/s, download and upload):");
    for test in &complaint.tests {
        say(&format!("  {}", test_text(test, complaint)));
    }
    say("");
    say(&format!("Signed by the agent's key {}", signed.key));
    say(&format!(
        "The collector that received the records has the key {collector}"
    ));
    say("Check: tonle verify --collector-key COLLECTOR-KEY the file that ends in .ndjson");
    say(
        "That file names your device by its key, and the exact times: give it only to whom you complain to.",
    );
    text
}

fn finding_text(finding: &Finding) -> String {
    let Finding {
        direction,
        promised,
        promised_bps,
        deviates,
        short,
        of,
    } = finding;
    let unit = if promised == "normal" {
        "tests"
    } else {
        "days"
    };
    let said = if *deviates {
        "DEVIATES"
    } else {
        "does not deviate"
    };
    format!(
        "{direction}, {promised} {promised_bps} bit/s: {said} ({short} of {of} {unit} fell short)"
    )
}

fn test_text(test: &Test, complaint: &Complaint) -> String {
    let local_s = test.t_start_us.div_euclid(1_000_000) + i64::from(complaint.utc_offset_s);
    let of_day = local_s.rem_euclid(86_400);
    let rate =
        |bps: Option<i64>| bps.map_or_else(|| "-".to_owned(), |bps| (bps / 1_000).to_string());
    let counts = if complaint.counted.contains(&test.record_hash) {
        "counts".to_owned()
    } else {
        let why: Vec<&str> = test.breaches.iter().map(|one| one.as_str()).collect();
        format!(
            "does not count: {}",
            if why.is_empty() {
                "day or time".to_owned()
            } else {
                why.join(", ")
            }
        )
    };
    format!(
        "{} {:02}:{:02} {:>9} {:>9}  {counts}",
        test.day,
        of_day / 3_600,
        of_day / 60 % 60,
        rate(test.download_bps),
        rate(test.upload_bps),
    )
}
