//! The load of a direction: connections that download or upload without end, and what they moved.
use super::direction::Test;
use super::server::{Opened, expect_content};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::http::channel::{Body, BodyExt, Bytes, Channel, Frame};
use tonle_net::meter::Meter;
use tonle_net::tcp_info;
use tonle_net::unsent::UnsentLimit;
use tonle_wire::responsiveness::Direction;

/// Longest wait for the head of a large object.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// What uploads are cut from.
const NOISE_BYTES: usize = 1 << 20;
/// Shortest and longest piece of an upload: as the server's large object.
const PIECE_BYTES: std::ops::RangeInclusive<usize> = 1 << 10..=16 << 10;

/// A connection that carries load.
#[derive(Clone)]
struct Carrier {
    channel: Channel,
    kernel: Option<Arc<OwnedFd>>,
}

/// Every load of a direction.
pub(super) struct Loads {
    carriers: Mutex<Vec<Carrier>>,
    received_bytes: AtomicU64,
    noise: Bytes,
}

/// Why a load ended; none ends well before its direction does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LoadEnd {
    /// The bytes of the direction are spent.
    Capped,
    /// The connection or the server's answer broke it.
    Broken(Failure),
}

impl Loads {
    pub(super) fn new(direction: Direction, seed: u64) -> Self {
        let mut noise = vec![0; NOISE_BYTES];
        if direction == Direction::Upload {
            StdRng::seed_from_u64(seed).fill_bytes(&mut noise);
        }
        Self {
            carriers: Mutex::default(),
            received_bytes: AtomicU64::new(0),
            noise: noise.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Carrier>> {
        // Every change under the lock is a single push.
        self.carriers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many carry load now.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// What was moved so far: of a download the content that we received, of an upload what the
    /// other side has acknowledged.
    pub(super) fn moved_bytes(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Download => self.received_bytes.load(Ordering::Relaxed),
            Direction::Upload => self.lock().iter().map(Carrier::acknowledged_bytes).sum(),
        }
    }

    /// A random connection under load, to ask something on.
    pub(super) fn any_channel(&self, rng: &mut StdRng) -> Option<Channel> {
        self.any(rng).map(|carrier| carrier.channel)
    }

    /// What the kernel knows of the round trip of a random connection under load: of a download the
    /// receiver's estimate, because it sends too little for the sender's.
    pub(super) fn any_round_trip_us(&self, direction: Direction, rng: &mut StdRng) -> Option<i64> {
        let info = tcp_info::read(&*self.any(rng)?.kernel?).ok()?;
        let rtt_us = match direction {
            Direction::Download => info.rcv_rtt_us,
            Direction::Upload => info.rtt_us,
        };
        rtt_us.map(i64::from).filter(|rtt_us| *rtt_us > 0)
    }

    fn any(&self, rng: &mut StdRng) -> Option<Carrier> {
        let carriers = self.lock();
        if carriers.is_empty() {
            return None;
        }
        Some(carriers[rng.random_range(0..carriers.len())].clone())
    }

    fn add(&self, opened: &Opened) {
        self.lock().push(Carrier {
            channel: opened.channel.clone(),
            kernel: opened.line.kernel.clone(),
        });
    }
}

impl Carrier {
    fn acknowledged_bytes(&self) -> u64 {
        let info = self
            .kernel
            .as_ref()
            .and_then(|kernel| tcp_info::read(&**kernel).ok());
        let acked = info.and_then(|info| info.bytes_acked).unwrap_or(0);
        u64::try_from(acked).unwrap_or(0)
    }
}

/// Opens a connection and moves load on it until something ends it.
pub(super) async fn run(test: &Test<'_>, loads: &Loads) -> LoadEnd {
    let opened = match test.server.open().await {
        Ok(opened) => opened,
        Err(step) => {
            let failure = step.failure.clone();
            test.run.observe(step);
            return LoadEnd::Broken(failure.unwrap_or(Failure::HttpRequestFailed));
        }
    };
    let ended = match test.direction {
        Direction::Download => download(test, loads, &opened).await,
        Direction::Upload => upload(test, loads, &opened).await,
    };
    match ended {
        // A connection that is not read any further breaks by our own doing.
        Err(_) | Ok(()) if test.is_spent() => LoadEnd::Capped,
        Err(failure) => LoadEnd::Broken(failure),
        Ok(()) => LoadEnd::Broken(Failure::Eof),
    }
}

async fn download(test: &Test<'_>, loads: &Loads, opened: &Opened) -> Result<(), Failure> {
    let head = opened.channel.get(&test.server.config.large);
    let mut large = tokio::time::timeout(HEAD_TIMEOUT, head)
        .await
        .map_err(|_| Failure::GenericTimeout)??;
    expect_content(&large)?;
    loads.add(opened);
    while let Some(piece) = large.next().await {
        let size = piece?.len() as u64;
        loads.received_bytes.fetch_add(size, Ordering::Relaxed);
        if test.is_spent() {
            break;
        }
    }
    Ok(())
}

async fn upload(test: &Test<'_>, loads: &Loads, opened: &Opened) -> Result<(), Failure> {
    let kernel = opened.line.kernel.as_ref();
    let handle = kernel.and_then(|kernel| kernel.try_clone().ok());
    let content = Unending {
        noise: loads.noise.clone(),
        from: 0,
        limit: handle.map(UnsentLimit::new),
        meter: test.run.meter.clone(),
        stop_at_bytes: test.stop_at_bytes,
    };
    loads.add(opened);
    let url = &test.server.config.upload;
    let answered = opened.channel.post(url, content.boxed_unsync()).await?;
    expect_content(&answered)
}

/// Content that never ends: it stops where the bytes of the direction are spent.
struct Unending {
    noise: Bytes,
    from: usize,
    limit: Option<UnsentLimit>,
    meter: Meter,
    stop_at_bytes: u64,
}

impl Body for Unending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let size = self
            .limit
            .as_mut()
            .map_or(*PIECE_BYTES.end(), UnsentLimit::bytes)
            .clamp(*PIECE_BYTES.start(), *PIECE_BYTES.end());
        if self.meter.bytes() + size as u64 > self.stop_at_bytes {
            // Never woken: the direction sees that its bytes are spent, and ends.
            return Poll::Pending;
        }
        let until = self.noise.len().min(self.from + size);
        let piece = self.noise.slice(self.from..until);
        self.from = until % self.noise.len();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
