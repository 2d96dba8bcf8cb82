//! A submitted measurement, whichever generation of clients it comes from: its body, its checks, its
//! place in the journal.
//!
//! Rules, in order; the first that fails decides. Nothing of what is refused is kept.
//! 1. The body is bounded, on the wire and unpacked (identity, gzip or zstd).
//! 2. The measurement is one that is taken ([`accept`]).
//! 3. It has country and network of its report, and its test.
//! 4. A client that shares neither its country (`ZZ`) nor its network (`AS0`) is thanked, and its
//!    measurement not kept: nobody could say where it is from.
//! 5. It does not hold the address that it came from: pages echo whom they see, and the address of a
//!    volunteer is written nowhere.
//! 6. It is on the disk before it has a name.
use super::Door;
use crate::ingest::body;
use crate::ingest::plausibility;
use crate::ingest::source::Source;
use crate::journal::NewEntry;
use crate::ooni::{accept, entry, scan};
use crate::web::ApiError;
use axum::body::Body;
use axum::http::HeaderMap;
use rand::{Rng, RngExt};
use serde_json::Value;
use std::net::IpAddr;
use tonle_evidence::entry::Mark;
use tonle_net::clock::wall_us;
use tonle_wire::ooni::name::{ReportId, asn_of};
use tonle_wire::ooni::{MEASUREMENT_MAX_BYTES, Measurement};

/// Most bytes of a body on the wire: a whole measurement that nobody compressed.
const WIRE_MAX_BYTES: usize = MEASUREMENT_MAX_BYTES;
/// Letters of a report's name that nobody can guess.
const RANDOM_LETTERS: usize = 16;

/// The unguessable part of a report's name.
pub(super) fn random_letters(random: &mut impl Rng) -> String {
    let mut letter = || char::from(random.sample(rand::distr::Alphanumeric));
    (0..RANDOM_LETTERS).map(|_| letter()).collect()
}

/// A measurement that may be stored, or that is only to be thanked for.
pub(super) enum Checked {
    /// Rule 4.
    NotShared,
    /// Everything is well.
    Store(Box<Stored>),
}

/// What is stored and what its client is told.
pub(super) struct Stored {
    entry: NewEntry,
    measurement: Measurement,
    digest: [u8; 8],
    /// The report's name.
    pub(super) report: ReportId,
}

/// What a client is told of a measurement.
pub(super) struct Told {
    /// Its name; none when it is not kept.
    pub(super) uid: Option<String>,
    /// Its report's name.
    pub(super) report: Option<String>,
}

impl Door {
    /// Reads and unpacks a body, and has `check` judge it where it holds up nobody else.
    pub(super) async fn take(
        &self,
        source: Source,
        headers: &HeaderMap,
        body: Body,
        check: impl FnOnce(&[u8], Option<IpAddr>) -> Result<Checked, ApiError> + Send + 'static,
    ) -> Result<Told, ApiError> {
        let encoding = body::coding_of(headers)?;
        self.hall.admit(&source)?;
        let bytes = body::read(headers, body, WIRE_MAX_BYTES).await?;
        let _place = self.room.acquire().await.map_err(ApiError::internal)?;
        let judging = tokio::task::spawn_blocking(move || {
            let plain = body::decode(encoding, bytes)?;
            check(&plain, source.client)
        });
        let judged = judging.await.map_err(ApiError::internal)?;
        if judged.is_err() {
            self.count("refused");
        }
        match judged? {
            Checked::NotShared => {
                self.count("unplaced");
                Ok(Told {
                    uid: None,
                    report: None,
                })
            }
            Checked::Store(stored) => self.store(*stored, &source).await,
        }
    }

    /// Rule 6.
    async fn store(&self, stored: Stored, source: &Source) -> Result<Told, ApiError> {
        let arrival = self.hall.arrival(source)?;
        let mut entry = stored.entry;
        entry.marks = marks(&stored.measurement, arrival.received_at_us);
        entry.received_at_us = arrival.received_at_us;
        entry.network = arrival.network;
        arrival.tls.clone_into(&mut entry.tls);
        let appended = self.hall.append(vec![entry]).await?;
        let appended = appended
            .first()
            .ok_or_else(|| ApiError::internal("no answer"))?;
        self.count(if appended.duplicate {
            "duplicate"
        } else {
            "stored"
        });
        // A repeat is told the name that the first was given.
        let own = self.hall.admin.signing_key().verifying_key();
        let receipt = appended.receipt.open(&own).map_err(ApiError::internal)?;
        let uid = entry::uid(&stored.measurement, stored.digest, receipt.received_at_us);
        Ok(Told {
            uid: Some(uid),
            report: Some(stored.report.to_string()),
        })
    }

    fn count(&self, result: &str) {
        let total = &self.hall.metrics.ooni_measurements_total;
        total.with_label_values(&[result]).inc();
    }
}

/// Rules 2 to 5. `report` makes the name of the report from the one that the measurement gives.
pub(super) fn check(
    bytes: &[u8],
    client: Option<IpAddr>,
    report: impl FnOnce(&Measurement) -> Result<ReportId, ApiError>,
) -> Result<Checked, ApiError> {
    let measurement = accept::read(bytes).map_err(|refusal| bad(&refusal.to_string()))?;
    let report = report(&measurement)?;
    agree(&measurement, &report)?;
    if report.asn() == 0 || report.country() == "ZZ" {
        return Ok(Checked::NotShared);
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|_| bad("it is nested too deeply"))?;
    if client.is_some_and(|address| scan::holds(&value, address)) {
        return Err(bad(
            "it holds the address that it came from, which is written nowhere; a page in it, or \
             another text, echoes that address",
        ));
    }
    Ok(Checked::Store(Box::new(Stored {
        entry: entry::of(bytes, wall_us()),
        measurement,
        digest: entry::digest(bytes),
        report,
    })))
}

/// Rule 3.
fn agree(measurement: &Measurement, report: &ReportId) -> Result<(), ApiError> {
    let asn = measurement.probe_asn.as_deref().and_then(asn_of);
    let test = measurement.test_name.as_deref().unwrap_or_default();
    let agrees = measurement.probe_cc.as_deref() == Some(report.country())
        && asn == Some(report.asn())
        && report.is_of(test);
    if agrees {
        return Ok(());
    }
    Err(bad(
        "its probe_cc, probe_asn or test_name are not those of its report_id; open a report anew",
    ))
}

/// What its time says, where it gives one.
fn marks(measurement: &Measurement, received_at_us: i64) -> Vec<Mark> {
    let start_us = measurement
        .start_s()
        .map(|start_s| start_s.saturating_mul(1_000_000));
    start_us.map_or(Vec::new(), |us| {
        plausibility::timing(us, us, received_at_us)
    })
}

pub(super) fn bad(reason: &str) -> ApiError {
    ApiError::BadRequest(format!("the measurement is not taken: {reason}"))
}
