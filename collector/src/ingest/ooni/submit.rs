//! `POST /api/v1/submit_measurement`: submission of clients from 3.30, one request per measurement.
//!
//! The measurement travels as a text in the request; the text's bytes are what is kept. Clients that
//! have anonymous credentials show them beside it; there are none here, so whatever stands there is
//! passed over and the answer says `unverified`.
use super::Door;
use super::submission::{bad, check, random_letters};
use crate::ingest::source::{Peer, Source};
use crate::web::ApiError;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use tonle_net::clock::wall_us;
use tonle_wire::ooni::Measurement;
use tonle_wire::ooni::name::{ReportId, asn_of, is_country};

#[derive(Debug, Deserialize)]
struct Submission<'a> {
    format: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

pub(super) async fn post(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let source = Source::of(peer, &headers, &door.hall.trusted_proxies);
    let told = door
        .take(source, &headers, body, |bytes, client| {
            let submission: Submission<'_> = serde_json::from_slice(bytes)
                .map_err(|error| bad(&format!("not a submission: {error}")))?;
            if submission.format != "json" {
                return Err(bad("its format is not json"));
            }
            check(submission.content.as_bytes(), client, own_report)
        })
        .await?;
    Ok(Json(json!({
        "measurement_uid": told.uid,
        "verification_status": "unverified",
        "submit_response": null,
        "protocol_version": null,
        "error": null,
        "report_id": told.report,
    })))
}

/// The report that the measurement names, as check-in told it; a new one when it names none.
fn own_report(measurement: &Measurement) -> Result<ReportId, ApiError> {
    let named = measurement.report_id.as_deref().unwrap_or_default();
    if !named.is_empty() {
        return named.parse().map_err(|error| bad(&format!("{error}")));
    }
    let asn = measurement.probe_asn.as_deref().and_then(asn_of);
    let country = measurement
        .probe_cc
        .as_deref()
        .filter(|code| is_country(code));
    let test = measurement.test_name.as_deref().unwrap_or_default();
    let (Some(asn), Some(country)) = (asn, country) else {
        return Err(bad(
            "it needs probe_asn (AS0 when not shared) and probe_cc (ZZ)",
        ));
    };
    let letters = random_letters(&mut rand::rng());
    let now_s = wall_us() / 1_000_000;
    Ok(ReportId::new(now_s, test, country, asn, &letters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_measurement_that_names_no_report_gets_one() {
        let mut measurement = Measurement {
            probe_asn: Some("AS38623".into()),
            probe_cc: Some("KH".into()),
            test_name: Some("web_connectivity".into()),
            ..Measurement::default()
        };
        let made = own_report(&measurement).unwrap();
        assert!(made.is_of("web_connectivity") && made.asn() == 38_623);
        let named = "20220911T105037Z_webconnectivity_IT_30722_n1_ruzuQ219SmIO9SrT";
        measurement.report_id = Some(named.into());
        assert_eq!(own_report(&measurement).unwrap().to_string(), named);
        measurement.report_id = Some("nonsense".into());
        assert_eq!(own_report(&measurement).unwrap_err().status().as_u16(), 400);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<Submission<'_>>(&bytes);
        }
    }
}
