//! Submission of clients up to 3.29: a report is opened, measurements are put into it, it is closed.
use super::Door;
use super::submission::{bad, check, random_letters};
use crate::ingest::body;
use crate::ingest::source::{Peer, Source};
use crate::web::ApiError;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use tonle_net::clock::wall_us;
use tonle_wire::ooni::Measurement;
use tonle_wire::ooni::name::{ReportId, asn_of, is_country, is_test_name};

/// Most bytes of a request to open a report.
const REQUEST_MAX_BYTES: usize = 64 << 10;
/// The only version of the format that clients write.
const FORMAT_VERSION: &str = "0.2.0";
/// The only form of it.
const FORMAT: &str = "json";

#[derive(Debug, Deserialize)]
struct Opening {
    data_format_version: String,
    format: String,
    probe_asn: String,
    probe_cc: String,
    test_name: String,
}

#[derive(Debug, Deserialize)]
struct Update<'a> {
    format: String,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// `POST /report`.
pub(super) async fn open(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let source = Source::of(peer, &headers, &door.hall.trusted_proxies);
    let encoding = body::coding_of(&headers)?;
    door.hall.admit(&source)?;
    let bytes = body::read(&headers, body, REQUEST_MAX_BYTES).await?;
    let bytes = body::decode(encoding, bytes)?;
    let report = opened(&bytes, wall_us() / 1_000_000)?;
    Ok(Json(json!({
        "backend_version": env!("CARGO_PKG_VERSION"),
        "report_id": report.to_string(),
        "supported_formats": [FORMAT],
    })))
}

fn opened(bytes: &[u8], now_s: i64) -> Result<ReportId, ApiError> {
    let opening: Opening = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::BadRequest(format!("not a report: {error}")))?;
    if opening.data_format_version != FORMAT_VERSION || opening.format != FORMAT {
        let detail =
            format!("reports are of format {FORMAT}, data_format_version {FORMAT_VERSION}");
        return Err(ApiError::BadRequest(detail));
    }
    let Opening {
        probe_asn,
        probe_cc,
        test_name,
        ..
    } = &opening;
    let asn = asn_of(probe_asn).filter(|_| is_country(probe_cc) && is_test_name(test_name));
    let asn = asn.ok_or_else(|| {
        let detail = "a report needs probe_asn (AS0 when not shared), probe_cc (ZZ) and test_name";
        ApiError::BadRequest(detail.to_owned())
    })?;
    let letters = random_letters(&mut rand::rng());
    Ok(ReportId::new(now_s, test_name, probe_cc, asn, &letters))
}

/// `POST /report/{id}`.
pub(super) async fn update(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let report = named(&id)?;
    let source = Source::of(peer, &headers, &door.hall.trusted_proxies);
    let told = door
        .take(source, &headers, body, move |bytes, client| {
            let update: Update<'_> = serde_json::from_slice(bytes)
                .map_err(|error| bad(&format!("not an update of a report: {error}")))?;
            if update.format != FORMAT {
                return Err(bad("its format is not json"));
            }
            check(update.content.get().as_bytes(), client, |read| {
                of_report(read, report)
            })
        })
        .await?;
    Ok(Json(json!({ "measurement_uid": told.uid })))
}

/// The report that a measurement is put into must be its own.
fn of_report(measurement: &Measurement, report: ReportId) -> Result<ReportId, ApiError> {
    let own = measurement.report_id.as_deref().unwrap_or_default();
    if own.is_empty() || own == report.to_string() {
        return Ok(report);
    }
    Err(bad(
        "its report_id is not that of the report it is put into",
    ))
}

/// `POST /report/{id}/close`. Reports need no closing; who asks is answered.
pub(super) async fn close(Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    named(&id)?;
    Ok(Json(json!({})))
}

fn named(id: &str) -> Result<ReportId, ApiError> {
    id.parse()
        .map_err(|error| ApiError::BadRequest(format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_report_is_named_after_what_it_is_opened_for() {
        let opening = json!({
            "data_format_version": "0.2.0", "format": "json", "probe_asn": "AS38623",
            "probe_cc": "KH", "software_name": "miniooni", "software_version": "3.29.0",
            "test_name": "web_connectivity", "test_start_time": "2026-11-10 05:00:00",
            "test_version": "0.5.28",
        });
        let name = |value: &Value| opened(value.to_string().as_bytes(), 1_794_286_800);
        let report = name(&opening).unwrap().to_string();
        assert!(
            report.starts_with("20261110T050000Z_webconnectivity_KH_38623_n1_"),
            "{report}"
        );
        assert_ne!(report, name(&opening).unwrap().to_string());
        for (key, wrong) in [
            ("format", json!("yaml")),
            ("data_format_version", json!("0.5.0")),
            ("probe_asn", json!("38623")),
            ("probe_cc", json!("KHM")),
            ("test_name", json!("Web Connectivity")),
            ("test_name", Value::Null),
        ] {
            let mut changed = opening.clone();
            changed[key] = wrong;
            assert_eq!(name(&changed).unwrap_err().status().as_u16(), 400, "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), second: i64) {
            let _ = opened(&bytes, second);
            let _ = serde_json::from_slice::<Update<'_>>(&bytes);
        }
    }
}
