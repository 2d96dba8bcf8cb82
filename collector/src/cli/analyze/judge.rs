//! One document: what it is, and both verdicts on it.
use crate::analysis::probes;
use crate::analysis::web::{Facts, Fingerprints, ooni, tonle};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tonle_evidence::envelope::{Envelope, Opened};
use tonle_evidence::record::{PUBLIC_SCHEMA, Private, Public};
use tonle_evidence::strict_json;
use tonle_wire::ooni::{Measurement, WEB_CONNECTIVITY};

/// What tells kinds of documents apart.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    public: Option<IgnoredAny>,
}

/// Both verdicts on a document, or why there are none; an error where it cannot be read.
pub(super) fn judge(bytes: &[u8], prints: &Fingerprints) -> Result<Value, String> {
    let measurement = Measurement::parse(bytes).map_err(|error| error.to_string())?;
    if measurement.test_name.is_some() || measurement.test_keys.is_some() {
        return Ok(of_measurement(&measurement, prints));
    }
    let shape: Shape = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if shape.public.is_some() {
        return of_envelope(bytes, prints);
    }
    if shape.schema.as_ref().and_then(Value::as_str) == Some(PUBLIC_SCHEMA) {
        let public: Public = strict_json::parse_as(bytes).map_err(|error| error.to_string())?;
        return Ok(of_record(&public, None, prints));
    }
    Err("neither an OONI measurement nor a record".to_owned())
}

fn of_measurement(measurement: &Measurement, prints: &Fingerprints) -> Value {
    let about = json!({
        "kind": "ooni",
        "measurement_uid": measurement.measurement_uid,
        "report_id": measurement.report_id,
        "input": measurement.input,
        "measurement_start_time": measurement.measurement_start_time,
        "probe_cc": measurement.probe_cc,
        "probe_asn": measurement.probe_asn,
        "resolver_asn": measurement.resolver_asn,
        "test_version": measurement.test_version,
    });
    let name = measurement.test_name.as_deref().unwrap_or(WEB_CONNECTIVITY);
    if name != WEB_CONNECTIVITY {
        return passed_over(about, name);
    }
    verdicts(about, &Facts::from_ooni(measurement), prints)
}

fn of_envelope(bytes: &[u8], prints: &Fingerprints) -> Result<Value, String> {
    let envelope = Envelope::from_line(bytes.trim_ascii()).map_err(|error| error.to_string())?;
    envelope.verify().map_err(|error| error.to_string())?;
    let Opened { public, private } = envelope.open().map_err(|error| error.to_string())?;
    let mut said = of_record(&public, Some(&private), prints);
    said["record_hash"] = envelope.hash().to_string().into();
    Ok(said)
}

fn of_record(public: &Public, private: Option<&Private>, prints: &Fingerprints) -> Value {
    let mut about = json!({
        "kind": "record",
        "input": public.target.value,
        "local_hour": public.local_hour,
        "country": public.country,
        "method_version": public.method.version,
    });
    if let Some(said) = probes::verdict(public, prints) {
        about["experiment"] = public.method.id.as_str().into();
        about["fingerprints"] = prints.version().into();
        about["tonle"] = said;
        return about;
    }
    if public.method.id != WEB_CONNECTIVITY {
        return passed_over(about, &public.method.id);
    }
    verdicts(about, &Facts::from_record(public, private), prints)
}

fn passed_over(mut about: Value, name: &str) -> Value {
    let short: String = name.chars().take(80).collect();
    about["skipped"] = format!("no verdict is given on {short}").into();
    about
}

fn verdicts(mut about: Value, facts: &Facts, prints: &Fingerprints) -> Value {
    about["fingerprints"] = prints.version().into();
    about["ooni"] = json!(ooni::keys(facts));
    about["tonle"] = json!(tonle::verdict(facts, prints));
    about
}
