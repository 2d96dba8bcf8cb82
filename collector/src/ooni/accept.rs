//! Which measurements are taken into the journal, whether imported or submitted.
//!
//! 1. It is a JSON object in UTF-8 of bounded size ([`Measurement::parse`]).
//! 2. It names its test and has the keys of a test.
//! 3. It does not give the address of its probe: `probe_ip` is absent, empty or `127.0.0.1`. An
//!    address that was written down stays written down.
//! 4. It is no record of our own, which has a door of its own.
use tonle_wire::ooni::name::is_test_name;
use tonle_wire::ooni::{BadMeasurement, Measurement};

/// What OONI Probe writes in place of an address that is not shared.
const NOT_SHARED: &str = "127.0.0.1";

/// Why a measurement is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// Not JSON of a measurement, or too large.
    #[error(transparent)]
    Format(#[from] BadMeasurement),
    /// Not text.
    #[error("not a measurement: it is no UTF-8")]
    NotText,
    /// No test is named, or its keys are missing.
    #[error("not an OONI measurement: it needs test_name (such as web_connectivity) and test_keys")]
    NoTest,
    /// It gives the address of its probe.
    #[error("probe_ip holds an address; nothing of the volunteer's side is kept: remove it first")]
    ProbeAddress,
}

/// Reads a measurement that may be kept.
pub fn read(bytes: &[u8]) -> Result<Measurement, Refusal> {
    std::str::from_utf8(bytes).map_err(|_| Refusal::NotText)?;
    let measurement = Measurement::parse(bytes)?;
    let test = measurement.test_name.as_deref().unwrap_or_default();
    if !is_test_name(test) || measurement.test_keys.is_none() {
        return Err(Refusal::NoTest);
    }
    if !is_shared_with_nobody(measurement.probe_ip.as_deref()) {
        return Err(Refusal::ProbeAddress);
    }
    Ok(measurement)
}

/// Rule 3.
#[must_use]
pub fn is_shared_with_nobody(probe_ip: Option<&str>) -> bool {
    matches!(probe_ip.unwrap_or_default(), "" | NOT_SHARED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn told(value: &Value) -> Result<(), Refusal> {
        read(value.to_string().as_bytes()).map(|_| ())
    }

    #[test]
    fn only_measurements_that_hide_their_probe_are_taken() {
        let with =
            |probe_ip: Value| json!({ "test_name": "ndt", "test_keys": {}, "probe_ip": probe_ip });
        for hidden in [Value::Null, json!(""), json!("127.0.0.1")] {
            assert_eq!(told(&with(hidden.clone())), Ok(()), "{hidden}");
        }
        assert_eq!(told(&with(json!("36.37.1.2"))), Err(Refusal::ProbeAddress));
        let without = json!({ "test_name": "ndt", "test_keys": {} });
        assert_eq!(told(&without), Ok(()));
    }

    #[test]
    fn what_is_no_measurement_says_why() {
        for wrong in [
            json!({}),
            json!({ "test_name": "web_connectivity" }),
            json!({ "test_name": "Web Connectivity", "test_keys": {} }),
            json!({ "test_keys": {} }),
        ] {
            assert_eq!(told(&wrong), Err(Refusal::NoTest), "{wrong}");
        }
        assert!(matches!(read(b"[]"), Err(Refusal::Format(_))));
        assert_eq!(read(b"{\"a\":\"\xff\"}"), Err(Refusal::NotText));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
