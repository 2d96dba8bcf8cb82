//! What the steps of a visit say of the service, by the definitions of ETSI TS 102 250-2 for web
//! browsing. Pure functions over observations; a ratio over one visit is 0 or 1,000,000 ppm, and
//! averaging over visits is the statistics' work.
use crate::steps::left_device;
use serde_json::Value;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// A whole, in parts per million.
const WHOLE_PPM: i64 = 1_000_000;
/// Least content whose rate says something, bytes: more than twice what a server may send at once
/// (ten segments, RFC 6928), so that the time between first and last byte holds a round trip.
const RATE_MIN_BYTES: i64 = 32 << 10;

/// What became of a visit.
enum Fate<'a> {
    /// First content of the last page arrived, in this step.
    Reached(&'a Observation),
    /// It did not.
    Failed,
    /// It says nothing: nothing left the device, or we stopped it ourselves before its end.
    Unknown,
}

fn fate(steps: &[Observation]) -> Fate<'_> {
    let Some(last) = steps.last().filter(|_| steps.iter().any(left_device)) else {
        return Fate::Unknown;
    };
    let is_request = last.operation == "http_request";
    let is_redirect = last.detail.contains_key("location");
    match &last.failure {
        None if is_request && is_redirect => Fate::Unknown,
        None if is_request => Fate::Reached(last),
        Some(_) if is_request && number(last, "body_bytes") > Some(0) => Fate::Reached(last),
        Some(Failure::Interrupted) => Fate::Unknown,
        _ => Fate::Failed,
    }
}

/// Service non-accessibility: first content was not reached.
#[must_use]
pub fn nonaccess_ppm(steps: &[Observation]) -> Option<i64> {
    match fate(steps) {
        Fate::Reached(_) => Some(0),
        Fate::Failed => Some(WHOLE_PPM),
        Fate::Unknown => None,
    }
}

/// Set-up time: from the first question to DNS to the first byte of content, the sum of the steps in
/// between, microseconds. Pauses of our own between steps are no part of it.
#[must_use]
pub fn setup_us(steps: &[Observation]) -> Option<i64> {
    let Fate::Reached(_) = fate(steps) else {
        return None;
    };
    let is_question = |step: &&Observation| step.operation == "resolve";
    // Questions of one page are asked side by side.
    let pages = steps.chunk_by(|one, next| one.operation == next.operation);
    let resolving_us = pages
        .filter(|group| group[0].operation == "resolve")
        .map(|group| {
            let start = group.iter().map(|step| step.t_start_us).min();
            let end = group.iter().map(|step| step.t_end_us).max();
            end.unwrap_or(0) - start.unwrap_or(0)
        });
    let others = steps.iter().filter(|step| !is_question(step));
    let others_us = others.map(|step| match step.operation.as_str() {
        "http_request" => number(step, "first_byte_us").unwrap_or(0),
        _ => step.duration_us(),
    });
    Some(resolving_us.chain(others_us).sum())
}

/// Cut-off ratio: of the transfers that began, this one did not come to its end. One that reached
/// our own cap was not cut off until then.
#[must_use]
pub fn cutoff_ppm(steps: &[Observation]) -> Option<i64> {
    let Fate::Reached(last) = fate(steps) else {
        return None;
    };
    Some(if is_broken(last) { WHOLE_PPM } else { 0 })
}

/// Mean data rate: bits of content over the time from its first byte to its last, bit/s; set-up is
/// no part of it. Undefined for a transfer that was cut off and for one too short to tell.
#[must_use]
pub fn mean_rate_bps(steps: &[Observation]) -> Option<i64> {
    let Fate::Reached(last) = fate(steps) else {
        return None;
    };
    let bytes = number(last, "body_bytes").filter(|bytes| *bytes >= RATE_MIN_BYTES)?;
    let time_us = last.duration_us() - number(last, "first_byte_us")?;
    if is_broken(last) || time_us <= 0 {
        return None;
    }
    bytes.checked_mul(8 * 1_000_000)?.checked_div(time_us)
}

/// Whether the transfer itself broke; a redirect to nowhere arrived whole.
fn is_broken(request: &Observation) -> bool {
    !matches!(
        request.failure,
        None | Some(Failure::HttpInvalidRedirectLocationHost | Failure::HttpUnexpectedRedirectUrl)
    )
}

fn number(step: &Observation, key: &str) -> Option<i64> {
    step.detail.get(key).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests;
