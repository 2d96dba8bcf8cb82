//! The echo (`tonle_wire::echo`) on the port that all protocols share: it says what reached it, so that an
//! agent sees what was changed on the way.
//!
//! HTTP's own parser normalises what it reads and refuses what is none, so a connection in clear is looked
//! at before that parser gets it. One connection is one echo, of bounded size and time; how often and how
//! many at a time is bounded by source and over all. It keeps, logs and adds nothing: no address is in an
//! answer but what the client, or who altered its request, wrote into it. A proxy that the operator named
//! is not answered: what it changes is no news of anybody's line.
use super::admission::{Admission, Permit, source_of};
use super::config::ServersConfig;
use crate::ingest::source::Cidr;
use crate::limit::{Limiter, Rate};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonle_net::clock::Stopwatch;
use tonle_wire::echo::{self, Kind};
use tonle_wire::ndt7::Direction;

/// Echoes at the same time: each takes milliseconds.
const AT_A_TIME_MAX: usize = 64;
/// Echoes of one source, per second and at once: a run of an agent is twenty, and carrier-grade NAT puts
/// many agents behind one address.
const PER_SOURCE: (f64, f64) = (5.0, 200.0);
/// Longest time of one echo.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long a client that is answered by its own bytes may say nothing before there is no more to come.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// How often it is looked whether an opening line that came in pieces is whole.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What the echo counts since it started.
#[derive(Debug, Default)]
pub struct EchoCounters {
    /// Echoes that were given.
    pub given: AtomicU64,
    /// Requests for one that there was no room for.
    pub refused: AtomicU64,
}

/// See the top of this file.
pub(super) struct Echo {
    admission: Arc<Admission>,
    sources: Limiter<IpAddr>,
    clock: Stopwatch,
    trusted_proxies: Vec<Cidr>,
    counters: Arc<EchoCounters>,
}

impl Echo {
    pub(super) fn new(
        config: &ServersConfig,
        trusted_proxies: Vec<Cidr>,
        counters: Arc<EchoCounters>,
    ) -> Self {
        let (per_second, burst) = PER_SOURCE;
        Self {
            admission: Arc::new(Admission::new(AT_A_TIME_MAX, config.max_per_source)),
            sources: Limiter::new(Rate::new(per_second, burst)),
            clock: Stopwatch::start(),
            trusted_proxies,
            counters,
        }
    }

    /// Most echoes that ever run at once.
    pub(super) fn echoes_max() -> usize {
        AT_A_TIME_MAX
    }

    /// How a connection's opening line is answered; `None` where it is not for the echo. Reads nothing
    /// off the connection. To be bounded in time: it waits for the line.
    pub(super) async fn asked(&self, stream: &TcpStream, peer: SocketAddr) -> Option<Kind> {
        let peer = peer.ip().to_canonical();
        if self
            .trusted_proxies
            .iter()
            .any(|proxy| proxy.contains(peer))
        {
            return None;
        }
        let mut opening = [0; echo::LINE_MAX_BYTES];
        loop {
            let length = stream.peek(&mut opening).await.ok()?;
            if let Some(line) = echo::opening_line(&opening[..length]) {
                return echo::kind(line);
            }
            if length == 0 || length == opening.len() {
                return None;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Answers a connection, and closes it.
    pub(super) async fn serve(&self, mut stream: TcpStream, peer: SocketAddr, kind: Kind) {
        let Some(_permit) = self.admit(peer.ip()) else {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            let refusing = async {
                stream.write_all(echo::BUSY).await?;
                finish(&mut stream).await
            };
            // Who goes away before he is told loses nothing.
            let _ = timeout(TIME_MAX, refusing).await;
            return;
        };
        self.counters.given.fetch_add(1, Ordering::Relaxed);
        let answering = async {
            match kind {
                Kind::Http => give_head(&mut stream).await,
                Kind::Bytes => give_back(&mut stream).await,
            }
        };
        match timeout(TIME_MAX, answering).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "servers: an echo broke off: {error}"),
            Err(_) => tracing::debug!("servers: an echo took too long"),
        }
    }

    fn admit(&self, peer: IpAddr) -> Option<Permit> {
        let now_us = self.clock.elapsed_us();
        self.sources.take(source_of(peer), 1.0, now_us).ok()?;
        self.admission.admit(Direction::Download, peer).ok()
    }
}

/// The request's head as the content of a response; nothing for a head that is longer than allowed.
async fn give_head(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut received = Vec::with_capacity(echo::REQUEST_MAX_BYTES);
    let mut limited = (&mut *stream).take(echo::REQUEST_MAX_BYTES as u64);
    loop {
        if let Some(length) = echo::head_length(&received) {
            stream.write_all(&echo::answer(&received[..length])).await?;
            return finish(stream).await;
        }
        if limited.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}

/// The bytes as they come, until the client has no more, or none for a while, or too many.
async fn give_back(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut left = echo::REQUEST_MAX_BYTES;
    let mut buffer = [0; echo::REQUEST_MAX_BYTES];
    while left > 0 {
        let Ok(read) = timeout(SILENCE_MAX, stream.read(&mut buffer[..left])).await else {
            break;
        };
        let length = read?;
        if length == 0 {
            break;
        }
        stream.write_all(&buffer[..length]).await?;
        left -= length;
    }
    finish(stream).await
}

/// Says that nothing more comes, and waits for the client to have it: a connection that is closed with
/// bytes unread is reset, and the reset overtakes the answer.
async fn finish(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0; 512];
    let mut left = echo::REQUEST_MAX_BYTES;
    while left > 0 {
        match stream.read(&mut rest).await? {
            0 => return Ok(()),
            length => left = left.saturating_sub(length),
        }
    }
    Ok(())
}
