//! The OONI data formats: one measurement as OONI Probe writes it, read with tolerance.
//!
//! 1. A measurement is one JSON object (df-000) with the keys of its experiment in `test_keys`.
//!    Source: <https://github.com/ooni/spec/tree/master/data-formats>, version 0.2.0 of the envelope.
//! 2. Any field may be null, absent, or of a type that its format does not have: it then counts as
//!    absent. Unknown keys are passed over. Old clients wrote `failure: false`, for example.
//! 3. An entry of a list that is no object counts as an empty one, so that the place of every other
//!    entry stays what it is in the file.
//! 4. What is refused: text that is not JSON, that is no object, that is longer than
//!    [`MEASUREMENT_MAX_BYTES`], that repeats a key we read, or that has a list of more than
//!    [`EVENTS_MAX`] entries.
//! 5. Failures stay text here. Their vocabulary (df-007) is `tonle_evidence::failure`, which keeps
//!    names outside it as they are.
mod binary;
mod control;
mod events;
mod lenient;
mod measurement;
pub mod name;
mod title;

pub use binary::Binary;
pub use control::{
    CONTROL_ANSWER_MAX_BYTES, CONTROL_REQUEST_MAX_BYTES, ControlDns, ControlHttp, ControlRequest,
    ControlResponse, ControlTcp, ControlTls, IpInfo, NO_RESPONSE,
};
pub use events::{
    Answer, HttpTransaction, Leaf, NetworkEvent, Query, Request, Response, Tagged, TcpConnect,
    TcpStatus, TlsHandshake,
};
pub use measurement::{Measurement, TestKeys, Whoami, WhoamiAnswer};
pub use title::title;

use serde::de::DeserializeOwned;

/// Largest measurement that is read, bytes: eleven pages at OONI's body limit of 2^19 bytes, base64,
/// and as much again for everything else.
pub const MEASUREMENT_MAX_BYTES: usize = 16 << 20;
/// Most entries of any list of a measurement.
pub const EVENTS_MAX: usize = 10_000;
/// The test that gives verdicts on web pages.
pub const WEB_CONNECTIVITY: &str = "web_connectivity";

/// Why a text is no measurement.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadMeasurement {
    /// Longer than what is read.
    #[error("JSON of {0} bytes is longer than {1}")]
    TooLarge(usize, usize),
    /// Not JSON, or a rule of this module broken.
    #[error("not the JSON that was expected: {0}")]
    Json(String),
}

impl Measurement {
    /// Reads one measurement.
    pub fn parse(json: &[u8]) -> Result<Self, BadMeasurement> {
        if json.len() > MEASUREMENT_MAX_BYTES {
            return Err(BadMeasurement::TooLarge(json.len(), MEASUREMENT_MAX_BYTES));
        }
        object(json)
    }
}

/// Reads one object.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, BadMeasurement> {
    let wrong = |error: serde_json::Error| BadMeasurement::Json(error.to_string());
    let mut reader = serde_json::Deserializer::from_slice(json);
    let object = lenient::object(&mut reader).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    object.ok_or_else(|| BadMeasurement::Json("it is no JSON object".to_owned()))
}

#[cfg(test)]
mod tests;
