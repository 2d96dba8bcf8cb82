//! The same bytes from the same server, in two looks.
//!
//! Both are timed alike: from the first byte that follows the server's answer to the last.
use super::places::Places;
use crate::experiments::Run;
use crate::experiments::bulk::connection::{CLIENT_NAME, CLIENT_VERSION, Server};
use crate::experiments::bulk::ending::{self, End, next_message};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_net::http::{self, Fetched, Get, Limits};
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_net::websocket::Message;
use tonle_wire::ndt7::Direction;
use tonle_wire::ndt7::query::describe_client;
use tonle_wire::ndt7::spec::SUBPROTOCOL;

/// Longest transfer: one that takes longer has no rate.
const TRANSFER_MAX: Duration = Duration::from_secs(10);

/// What a download looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ndt7 test.
    Test,
    /// A file.
    File,
}

/// Fetches so many bytes and says how fast they came; every step is recorded, `None` when they did
/// not come.
pub(super) async fn rate_bps(
    run: &Run,
    places: &mut Places,
    kind: Kind,
    bytes: u64,
) -> Option<i64> {
    let (bytes, took_us) = match kind {
        Kind::Test => test(run, &mut places.tests, bytes).await?,
        Kind::File => file(run, places.files(), bytes).await?,
    };
    let rate = u128::from(bytes) * 8_000_000 / u128::from(took_us.max(1).unsigned_abs());
    i64::try_from(rate).ok().filter(|rate| *rate > 0)
}

/// Operation `test_transfer`, subject the URL; detail `payload_bytes`.
async fn test(run: &Run, server: &mut Server, bytes: u64) -> Option<(u64, i64)> {
    let query = describe_client(CLIENT_NAME, CLIENT_VERSION);
    let path = Direction::Download.path();
    let connected = server.connect_to(run, path, &query, SUBPROTOCOL).await?;
    let mut socket = connected.socket;
    let mut step = Step::start(&run.clock, "test_transfer", scrub::url(&connected.url));
    let mut payload_bytes = 0;
    let reading = async {
        while payload_bytes < bytes {
            match next_message(&mut socket).await? {
                Message::Binary(load) => payload_bytes += load.len() as u64,
                Message::Text(said) => payload_bytes += said.len() as u64,
                Message::Close(_) => return Err(End::broken(Failure::Eof)),
                _ => {}
            }
        }
        Ok(())
    };
    let failure = match timeout(TRANSFER_MAX, reading).await {
        Ok(Ok(())) => None,
        Ok(Err(end)) => Some(end.failure.unwrap_or(Failure::Interrupted)),
        Err(_) => Some(Failure::GenericTimeout),
    };
    step.result_known();
    step.fact("payload_bytes", payload_bytes);
    let took_us = step.elapsed_us();
    // Not listened to any longer: every byte still costs.
    ending::close(run, socket, connected.kernel, &connected.own, false).await;
    if let Some(failure) = failure {
        run.observe(step.fail(failure));
        return None;
    }
    run.observe(step.succeed());
    Some((payload_bytes, took_us))
}

/// The ordinary request step; see `tonle_net::http`.
async fn file(run: &Run, server: &Server, bytes: u64) -> Option<(u64, i64)> {
    let (seen, fetched, _) = fetch(run, server, bytes).await?;
    let came = seen
        .detail
        .get("body_bytes")
        .and_then(serde_json::Value::as_u64);
    let is_whole = seen.failure.is_none() && came == Some(bytes);
    let took_us = seen.duration_us();
    run.observe(seen);
    let fetched = fetched.filter(|fetched| is_whole && fetched.status == 200)?;
    Some((bytes, took_us - fetched.first_byte_us))
}

/// Asks a server for a file of so many bytes; `None` when no connection came about.
pub(super) async fn fetch(
    run: &Run,
    server: &Server,
    bytes: u64,
) -> Option<(Observation, Option<Fetched>, SocketAddr)> {
    let opened = server.open_stream(run).await?;
    let mut url = server.http_url()?;
    url.set_path(&tonle_wire::files::file_path(bytes));
    // It is to look like what anybody would download.
    let get = Get::to(&url, opened.peer.ip());
    let limits = Limits {
        head: TRANSFER_MAX,
        whole: TRANSFER_MAX,
        body_max_bytes: usize::try_from(bytes).ok()?,
        notes_progress: false,
    };
    let peer = opened.peer;
    let (seen, fetched) = http::get(&run.clock, opened.stream, get, &limits).await;
    if let Some(kernel) = opened.kernel {
        ending::count_the_rest(&run.meter, kernel, &opened.own);
    }
    Some((seen, fetched, peer))
}
