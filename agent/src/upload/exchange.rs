//! One batch to one collector, and what the answer means.
use super::retry_after;
use crate::http;
use crate::outbox::Fate;
use crate::receipts::Acknowledged;
use crate::refused::one_line;
use crate::spool::Batch;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use tonle_evidence::VerifyingKey;
use tonle_evidence::receipt::{BatchReply, ItemResult};
use tonle_net::clock::{Stopwatch, wall_us};
use url::Url;

/// Longest answer that is read: 500 receipts take about 600 KiB.
const REPLY_MAX_BYTES: usize = 4 << 20;
/// Longest problem description that is read.
const PROBLEM_MAX_BYTES: usize = 64 << 10;
/// Effort of the compression: the default of zstd, fast enough for the smallest devices.
const ZSTD_LEVEL: i32 = 3;

/// What the answer to a batch means.
#[derive(Debug)]
pub(super) enum Answer {
    /// A result per record.
    Reply(Reply),
    /// The batch is too large: 413.
    TooLarge(String),
    /// The batch, or a line of it, cannot be processed: 422.
    Unprocessable(String),
    /// The compression is not understood: 415.
    WrongEncoding(String),
    /// Not now: 429 and 503.
    Busy {
        retry_after_s: Option<u64>,
        detail: String,
    },
    /// This agent may not: 401 and 403.
    Forbidden { status: u16, detail: String },
    /// Any other status: a wrong URL, a captive portal, a broken server.
    Unexpected { status: u16, detail: String },
    /// No answer, or not one that can be read.
    Unreachable(String),
}

/// A reply, with the collector's clock beside ours.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) results: Vec<ItemResult>,
    pub(super) clock: ClockOffset,
}

/// How far the collector's clock is from this device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// Collector's time minus ours, microseconds, if the request took as long as the answer.
    pub offset_us: i64,
    /// How wrong that may be: half the round trip, microseconds.
    pub uncertainty_us: i64,
}

impl ClockOffset {
    /// The offset from the collector's time in an answer, the wall clock at the request and the
    /// monotonic round trip, all in microseconds (the estimate of RFC 5905 with one remote time).
    fn estimate(collector_us: i64, asked_at_us: i64, round_trip_us: i64) -> Self {
        let uncertainty_us = round_trip_us / 2;
        let midpoint_us = asked_at_us.saturating_add(uncertainty_us);
        Self {
            offset_us: collector_us.saturating_sub(midpoint_us),
            uncertainty_us,
        }
    }
}

/// The part of an RFC 9457 problem that a person can use.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

/// Sends a batch and reads the answer.
pub(super) async fn send(
    client: &reqwest::Client,
    collector: &Url,
    batch: &Batch,
    compresses: bool,
) -> Answer {
    let Ok(url) = collector.join("api/v1/records") else {
        return Answer::Unreachable("the collector's URL cannot be a base".into());
    };
    let mut request = client
        .post(url)
        .header(CONTENT_TYPE, "application/x-ndjson");
    let mut body = lines(batch);
    if compresses && let Ok(compressed) = zstd::bulk::compress(&body, ZSTD_LEVEL) {
        request = request.header(CONTENT_ENCODING, "zstd");
        body = compressed;
    }
    let asked_at_us = wall_us();
    let stopwatch = Stopwatch::start();
    let answer = match request.body(body).send().await {
        Ok(answer) => answer,
        Err(error) => return Answer::Unreachable(http::reason(&error)),
    };
    let status = answer.status();
    if status != StatusCode::OK {
        return refusal(status, answer).await;
    }
    let body = match http::body(answer, REPLY_MAX_BYTES).await {
        Ok(body) => body,
        Err(reason) => return Answer::Unreachable(reason),
    };
    match read_reply(&body, batch.items.len()) {
        Ok(reply) => Answer::Reply(Reply {
            clock: ClockOffset::estimate(reply.now_us, asked_at_us, stopwatch.elapsed_us()),
            results: reply.results,
        }),
        Err(reason) => Answer::Unexpected {
            status: status.as_u16(),
            detail: reason,
        },
    }
}

fn lines(batch: &Batch) -> Vec<u8> {
    let mut body = Vec::new();
    for item in &batch.items {
        body.extend_from_slice(item.line.as_bytes());
        body.push(b'\n');
    }
    body
}

/// Reads a reply of exactly one result per record: from any other, no result can be told whose it is.
fn read_reply(body: &[u8], records: usize) -> Result<BatchReply, String> {
    let reply: BatchReply = serde_json::from_slice(body)
        .map_err(|error| format!("the answer is not a batch reply: {error}"))?;
    if reply.results.len() != records {
        let results = reply.results.len();
        return Err(format!(
            "the answer has {results} results for {records} records"
        ));
    }
    Ok(reply)
}

async fn refusal(status: StatusCode, answer: reqwest::Response) -> Answer {
    let header = answer.headers().get(RETRY_AFTER);
    let retry_after_s = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after::parse(value, wall_us()));
    let body = http::body(answer, PROBLEM_MAX_BYTES)
        .await
        .unwrap_or_default();
    let detail = describe(&body);
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge(detail),
        StatusCode::UNPROCESSABLE_ENTITY => Answer::Unprocessable(detail),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Answer::WrongEncoding(detail),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Answer::Busy {
            retry_after_s,
            detail,
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Answer::Forbidden {
            status: status.as_u16(),
            detail,
        },
        _ => Answer::Unexpected {
            status: status.as_u16(),
            detail,
        },
    }
}

/// What a problem says, as one short line; empty when the answer is no problem.
fn describe(body: &[u8]) -> String {
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    problem.map_or_else(String::new, |problem| {
        let joint = if problem.detail.is_empty() { "" } else { ": " };
        one_line(&format!("{}{joint}{}", problem.title, problem.detail))
    })
}

/// What a result means for its record. A receipt is believed only if it verifies and is the record's.
pub(super) fn judge(
    batch: &Batch,
    results: Vec<ItemResult>,
    collector: &VerifyingKey,
) -> (Vec<Fate>, usize) {
    let mut disbelieved = 0;
    let mut fate = |(item, result): (&crate::spool::BatchItem, ItemResult)| match result {
        ItemResult::Stored { receipt, .. } => {
            match Acknowledged::check(item.hash, receipt, collector) {
                Ok(acknowledged) => Fate::Acknowledged(acknowledged),
                Err(error) => {
                    tracing::warn!(record.id = %item.hash, %error, "a receipt is not believed, the record stays");
                    disbelieved += 1;
                    Fate::Later
                }
            }
        }
        ItemResult::Refused { reason, detail } => Fate::Refused { reason, detail },
        ItemResult::Retry { .. } => Fate::Later,
    };
    let fates = batch.items.iter().zip(results).map(&mut fate).collect();
    (fates, disbelieved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_offset_is_taken_at_the_middle_of_the_round_trip() {
        let offset = ClockOffset::estimate(1_000_500, 1_000_000, 400);
        assert_eq!((offset.offset_us, offset.uncertainty_us), (300, 200));
    }

    #[test]
    fn a_reply_with_another_number_of_results_is_not_used() {
        let body =
            br#"{"results":[{"status":"retry","reason":"storage","detail":"later"}],"now_us":5}"#;
        assert!(read_reply(body, 1).is_ok());
        assert!(read_reply(body, 2).is_err());
    }

    #[test]
    fn a_problem_is_told_in_one_line() {
        let body =
            br#"{"type":"about:blank","title":"too large","detail":"send\nless","status":413}"#;
        assert_eq!(describe(body), "too large: send less");
        assert_eq!(describe(b"<html>"), "");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body: Vec<u8>, text in ".*", records in 0..9_usize) {
            let _ = read_reply(&body, records);
            let _ = read_reply(text.as_bytes(), records);
            let _ = describe(&body);
        }

        #[test]
        fn no_clock_makes_it_panic(collector: i64, asked: i64, trip in 0..i64::MAX) {
            let _ = ClockOffset::estimate(collector, asked, trip);
        }
    }
}
