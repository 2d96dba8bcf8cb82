//! A complaint: what a consumer hands in to document one bad line, and the rules it is made by.
//!
//! As a file it is lines of JSON: first `{"complaint": {…}, "key": …}` (signed by the agent as
//! [`types::COMPLAINT`]), then the envelope of each record that it names, then
//! receipts. Everything that it says of a test can be read from the record again: [`Complaint::check`] does so.
mod judge;
mod progress;
#[cfg(test)]
mod tests;

pub use progress::{Next, Progress, progress};

use crate::document::{DocumentError, SignedDocument};
use crate::dsse::types;
use crate::envelope::Opened;
use crate::hash::{Hash, Hex, PublicKey};
use crate::local_time::{LocalDay, LocalHour};
use crate::record::Outcome;
use crate::word_list::word_list;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Schema of the signed document.
pub const COMPLAINT_SCHEMA: &str = "tonle.complaint.v1";
/// The whole test that a complaint rests on.
const DOWNLOAD: &str = "throughput.download_bps/ndt7/";
const UPLOAD: &str = "throughput.upload_bps/ndt7/";
/// And what stands in its place where a cap or an early end cut it short.
const CUT_SHORT: [&str; 2] = ["throughput.download_bps/", "throughput.upload_bps/"];

/// The conditions of the protocol, all of them configurable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Days with measurements.
    pub days: u32,
    /// Tests on each of them.
    pub tests_per_day: u32,
    /// Days without measurements that lie at least between two with them.
    pub days_between: u32,
    /// From the first day to the last, both counted, at most.
    pub within_days: u32,
    /// From the end of a test to the next, seconds.
    pub spacing_s: u32,
    /// After so many tests of a day the pause is longer.
    pub pause_after: u32,
    /// The longer pause, seconds.
    pub pause_s: u32,
    /// Only tests over a cable count.
    pub cable: bool,
    /// Bytes of others during a test, of the test's own at most, thousandths.
    pub others_max_permille: u32,
    /// Only tests count that no cap of bytes and no early end cut short.
    pub whole_tests: bool,
    /// Bytes that one test may use, both directions.
    pub test_max_bytes: u64,
    /// Bytes that all tests together may use.
    pub max_bytes: u64,
    /// Share of the highest rate that has to be reached once a day, thousandths.
    pub max_share_permille: u32,
    /// Days on which that is not reached that make a deviation.
    pub max_missed_days: u32,
    /// Share of tests that have to reach the normal rate, thousandths.
    pub normal_share_permille: u32,
    /// Days with a test below the lowest rate that make a deviation.
    pub min_missed_days: u32,
}

impl Default for Terms {
    /// The German protocol (Breitbandmessung). Its pause in the middle of a day, and how often a rate may lie
    /// below the lowest one, are not known to us: three hours and one day are our choice.
    fn default() -> Self {
        Self {
            days: 3,
            tests_per_day: 10,
            days_between: 1,
            within_days: 14,
            spacing_s: 300,
            pause_after: 5,
            pause_s: 10_800,
            cable: true,
            others_max_permille: 50,
            whole_tests: true,
            test_max_bytes: 300_000_000,
            max_bytes: 10_000_000_000,
            max_share_permille: 900,
            max_missed_days: 2,
            normal_share_permille: 900,
            min_missed_days: 1,
        }
    }
}

impl Terms {
    /// What makes these terms none, with the remedy.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: u32, least: u32, most: u32| {
            let is_within = (least..=most).contains(&value);
            is_within
                .then_some(())
                .ok_or_else(|| format!("{name} is from {least} to {most}"))
        };
        within("days", self.days, 1, 31)?;
        within("tests_per_day", self.tests_per_day, 1, 100)?;
        within("days_between", self.days_between, 0, 31)?;
        within("within_days", self.within_days, 1, 366)?;
        within("spacing_s", self.spacing_s, 0, 86_400)?;
        within("pause_s", self.pause_s, 0, 86_400)?;
        within("others_max_permille", self.others_max_permille, 0, 1_000)?;
        within("max_share_permille", self.max_share_permille, 0, 1_000)?;
        within(
            "normal_share_permille",
            self.normal_share_permille,
            0,
            1_000,
        )?;
        within("max_missed_days", self.max_missed_days, 1, self.days)?;
        within("min_missed_days", self.min_missed_days, 1, self.days)?;
        if (self.days - 1) * (self.days_between + 1) + 1 > self.within_days {
            return Err("days, with days_between, do not fit into within_days".to_owned());
        }
        if self.day_s() >= 86_400 {
            return Err("the tests of a day, with their pauses, do not fit into it".to_owned());
        }
        if self.test_max_bytes == 0 || self.max_bytes < self.test_max_bytes {
            return Err("max_bytes is at least test_max_bytes".to_owned());
        }
        Ok(())
    }

    /// How long the tests of a day take at least, without the tests themselves, seconds.
    fn day_s(&self) -> u64 {
        (1..self.tests_per_day).map(|done| self.wait_s(done)).sum()
    }

    /// From the end of the last of so many tests of a day to the next, seconds.
    fn wait_s(&self, done: u32) -> u64 {
        let wait = if done == self.pause_after {
            self.pause_s.max(self.spacing_s)
        } else {
            self.spacing_s
        };
        u64::from(wait)
    }
}

/// What the contract promises of one direction, bit/s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    /// The highest rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bps: Option<i64>,
    /// The rate that is normally there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_bps: Option<i64>,
    /// The lowest rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bps: Option<i64>,
}

/// What the contract promises, as the consumer says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// To the consumer.
    pub download: Promised,
    /// From the consumer.
    pub upload: Promised,
}

word_list! {
    /// Why a test does not count.
    Breach {
        /// The device was not on a cable.
        NotByCable = "not_by_cable",
        /// Others used the line.
        OtherTraffic = "other_traffic",
        /// A cap of bytes or an early end cut it short.
        CutShort = "cut_short",
        /// It gave no rate in both directions.
        NoRate = "no_rate",
        /// It did not end by itself.
        NotCompleted = "not_completed",
    }
}

/// One test, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// The record.
    pub record_hash: Hash,
    /// Start, by the device's clock, microseconds since the Unix epoch.
    pub t_start_us: i64,
    /// End, by the same clock.
    pub t_end_us: i64,
    /// The country's date at its start.
    pub day: LocalDay,
    /// Download rate, bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_bps: Option<i64>,
    /// Upload rate, bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_bps: Option<i64>,
    /// Bytes that it used, both directions.
    pub bytes_used: i64,
    /// Bytes of others meanwhile, as far as the device could see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_bytes: Option<i64>,
    /// Why it does not count; nothing where it does.
    pub breaches: Vec<Breach>,
}

impl Test {
    /// What a record of the experiment `throughput` says of one test.
    #[must_use]
    pub fn of(record_hash: Hash, record: &Opened, terms: &Terms, utc_offset_s: i32) -> Self {
        let Opened { public, private } = record;
        let rate = |whole: &str, any: &str| {
            let of = |prefix: &str| {
                let mut found = public.samples.iter();
                found
                    .find(|one| one.metric.starts_with(prefix))
                    .map(|one| one.value)
            };
            of(whole).or_else(|| of(any).filter(|_| !terms.whole_tests))
        };
        let is_cut = |prefix: &str, whole: &str| {
            let mut samples = public.samples.iter();
            samples.any(|one| one.metric.starts_with(prefix) && !one.metric.starts_with(whole))
        };
        let download_bps = rate(DOWNLOAD, CUT_SHORT[0]);
        let upload_bps = rate(UPLOAD, CUT_SHORT[1]);
        let context = &public.context;
        let others = context.cross_traffic_bytes.unwrap_or(0).max(0);
        let most = i128::from(context.bytes_used) * i128::from(terms.others_max_permille);
        let is_capped = public.outcome == Outcome::Capped;
        let is_cut = is_capped || is_cut(CUT_SHORT[0], DOWNLOAD) || is_cut(CUT_SHORT[1], UPLOAD);
        let has_ended = is_capped || public.outcome == Outcome::Completed;
        let breaches = [
            (
                Breach::NotByCable,
                terms.cable && context.interface != "ethernet",
            ),
            (Breach::OtherTraffic, i128::from(others) * 1_000 > most),
            (Breach::CutShort, terms.whole_tests && is_cut),
            (
                Breach::NoRate,
                download_bps.is_none() || upload_bps.is_none(),
            ),
            (Breach::NotCompleted, !has_ended),
        ];
        let breaches = breaches.into_iter().filter(|(_, holds)| *holds);
        Self {
            record_hash,
            t_start_us: private.t_start_us,
            t_end_us: private.t_end_us,
            day: LocalHour::at(private.t_start_us, utc_offset_s).day,
            download_bps,
            upload_bps,
            bytes_used: context.bytes_used,
            others_bytes: context.cross_traffic_bytes,
            breaches: breaches.map(|(breach, _)| breach).collect(),
        }
    }

    /// Whether it keeps every condition that can be seen from it alone.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.breaches.is_empty()
    }
}

/// In which way one direction falls short of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `download` or `upload`.
    pub direction: String,
    /// `max`, `normal` or `min`.
    pub promised: String,
    /// The promised rate, bit/s.
    pub promised_bps: i64,
    /// Whether it is a deviation by the terms.
    pub deviates: bool,
    /// Days, or for `normal` tests, that fell short.
    pub short: u32,
    /// Of so many.
    pub of: u32,
}

/// The protocol of a complete complaint: what its key signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// [`COMPLAINT_SCHEMA`].
    pub schema: String,
    /// ISO 3166-1 code.
    pub country: String,
    /// Local time minus UTC, seconds.
    pub utc_offset_s: i32,
    /// When it was signed, by the device's clock, microseconds since the Unix epoch.
    pub signed_at_us: i64,
    /// The operator, as the consumer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The conditions.
    pub terms: Terms,
    /// What was promised.
    pub contract: Contract,
    /// Every test that was made, those that do not count included, in the order of time.
    pub tests: Vec<Test>,
    /// The tests that count.
    pub counted: Vec<Hash>,
    /// What follows from them; nothing of a rate that the contract does not promise.
    pub findings: Vec<Finding>,
}

/// The first line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedComplaint {
    /// The signed document.
    pub complaint: SignedDocument,
    /// The agent's public key.
    pub key: PublicKey,
}

impl SignedComplaint {
    /// Signs a complaint.
    pub fn sign(key: &SigningKey, complaint: &Complaint) -> Result<Self, DocumentError> {
        Ok(Self {
            complaint: SignedDocument::sign(key, types::COMPLAINT, complaint)?,
            key: Hex(key.verifying_key().to_bytes()),
        })
    }

    /// Checks the signature by the key that stands beside it, then reads the complaint. Whether its records are
    /// of the same key says [`Complaint::check`].
    pub fn open(&self) -> Result<Complaint, DocumentError> {
        let key = VerifyingKey::from_bytes(&self.key.0);
        let key = key.map_err(|_| DocumentError::Malformed("the key is none".to_owned()))?;
        self.complaint.open(&key, types::COMPLAINT)
    }
}

impl Complaint {
    /// Everything in it that is not what its records say: nothing where it holds. `records` are the records of
    /// its key whose signatures verify.
    #[must_use]
    pub fn check(&self, records: &BTreeMap<Hash, Opened>) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.schema != COMPLAINT_SCHEMA {
            wrong.push(format!(
                "schema '{}' is not {COMPLAINT_SCHEMA}",
                self.schema
            ));
        }
        if let Err(reason) = self.terms.check() {
            wrong.push(format!("terms: {reason}"));
        }
        for test in &self.tests {
            let hash = test.record_hash;
            match records.get(&hash) {
                None => wrong.push(format!("record {hash} is not here, or of another key")),
                Some(record) if Test::of(hash, record, &self.terms, self.utc_offset_s) != *test => {
                    wrong.push(format!("the test {hash} is not what its record says"));
                }
                Some(_) => {}
            }
        }
        if !wrong.is_empty() {
            return wrong;
        }
        let progress = progress(
            &self.terms,
            &self.tests,
            self.signed_at_us,
            self.utc_offset_s,
        );
        if progress.next != Next::Complete {
            wrong.push("its tests do not make it complete by its own terms".to_owned());
        }
        if progress.counted != self.counted {
            wrong.push("the tests that it counts are not those that its terms count".to_owned());
        }
        if self.findings != self.reckoned() {
            wrong.push("its findings do not follow from its tests".to_owned());
        }
        wrong
    }
}
