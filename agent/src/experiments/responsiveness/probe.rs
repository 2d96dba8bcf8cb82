//! The probes of a direction: on a connection of their own, and on one that carries load.
use super::load::Loads;
use super::server::{Server, expect_content};
use rand::rngs::StdRng;
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::clock::Stopwatch;
use tonle_net::http::channel::Channel;
use tonle_wire::responsiveness::Direction;
use tonle_wire::responsiveness::spec::SMALL_BYTES;
use url::Url;

/// Longest wait for a small object: queues of seconds are what is looked for.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Times of a probe on a connection of its own, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ForeignTimes {
    pub(super) tcp_us: i64,
    pub(super) tls_us: Option<i64>,
    pub(super) http_us: i64,
    /// What it cost, bytes.
    pub(super) bytes: u64,
}

/// What came of a probe.
#[derive(Debug)]
pub(super) enum Probed {
    Foreign(Result<ForeignTimes, Failure>),
    Own(Result<i64, Failure>),
}

/// A connection of its own, a small object, and its end.
pub(super) async fn foreign(server: &Server<'_>) -> Probed {
    let opened = match server.open().await {
        Ok(opened) => opened,
        Err(step) => {
            let failure = step.failure.unwrap_or(Failure::HttpRequestFailed);
            return Probed::Foreign(Err(failure));
        }
    };
    let http_us = small(&opened.channel, &server.config.small).await;
    Probed::Foreign(http_us.map(|http_us| ForeignTimes {
        tcp_us: opened.tcp_us,
        tls_us: opened.tls_us,
        http_us,
        bytes: opened.line.own.bytes(),
    }))
}

/// A small object on a connection that carries load.
pub(super) async fn own(channel: Channel, url: &Url) -> Probed {
    Probed::Own(small(&channel, url).await)
}

/// What stands for a probe on a connection of HTTP/1.1, which can carry one thing at a time: the
/// kernel's own round trip.
pub(super) fn own_by_kernel(
    loads: &Loads,
    direction: Direction,
    rng: &mut StdRng,
) -> Option<Probed> {
    let rtt_us = loads.any_round_trip_us(direction, rng)?;
    Some(Probed::Own(Ok(rtt_us)))
}

/// Time from the request to the end of the response.
async fn small(channel: &Channel, url: &Url) -> Result<i64, Failure> {
    let clock = Stopwatch::start();
    let asking = async {
        let received = channel.get(url).await?;
        expect_content(&received)?;
        received.whole(SMALL_BYTES).await
    };
    match tokio::time::timeout(PROBE_TIMEOUT, asking).await {
        Ok(Ok(content)) if content.len() == SMALL_BYTES => Ok(clock.elapsed_us().max(1)),
        Ok(Ok(_)) => Err(Failure::Eof),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::GenericTimeout),
    }
}
