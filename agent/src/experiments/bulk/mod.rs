//! What the experiments that fill the line have in common: how a connection is opened and bounded
//! (`connection`, `allowance`), how messages are awaited and why a transfer ends (`ending`), and the
//! load that is sent (`load`).
pub(super) mod allowance;
pub(super) mod connection;
pub(super) mod ending;
pub(super) mod load;

use super::{CannotRun, Run};
use std::time::Duration;
use tonle_wire::ndt7::spec::MESSAGE_TIMEOUT_US;
use url::Url;

/// Longest wait for each step of the set-up and for one message (stock clients wait as long).
pub(super) const MESSAGE_TIMEOUT: Duration =
    Duration::from_micros(MESSAGE_TIMEOUT_US.unsigned_abs());
/// Longest text that is read as a measurement, bytes; those of stock servers have 2 KiB.
const TEXT_MAX_BYTES: usize = 64 << 10;
/// Bytes of a direction's half that are kept back: one part in this many.
const RESERVE_SHARE: u64 = 8;

/// The count of the run's bytes at which a direction stops: it may use half of them, of which an
/// eighth is kept for headers and for what is on its way when we stop. `bytes_before` is the count
/// when the direction began.
pub(super) fn stop_at_bytes(run: &Run, bytes_before: u64) -> u64 {
    let left = run.max_bytes.saturating_sub(bytes_before);
    let share = (run.max_bytes / 2).min(left);
    bytes_before + share - share / RESERVE_SHARE
}

/// The server's URL as the target names it; a path there is replaced by the protocol's own.
pub(super) fn base_url(value: &str) -> Result<Url, CannotRun> {
    let bad = |reason: &str| CannotRun::Target {
        target: value.to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(value).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(bad("it is no ws or wss URL"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    Ok(url)
}

/// A text message that may be read as a measurement.
pub(super) fn readable(text: &[u8]) -> Option<&[u8]> {
    (text.len() <= TEXT_MAX_BYTES).then_some(text)
}

#[cfg(test)]
pub(super) mod peer;
