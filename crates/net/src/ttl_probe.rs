//! A first message that ends on the way: connects as ever, sends the message with a small TTL, and
//! watches what comes back (the idea of `CenTrace`, Raman et al. 2022, and of OONI ts-037).
//!
//! 1. Operation `ttl_probe`, subject `address:port`. Detail: `ttl` (absent: the system's own, so that
//!    the message reaches the server) and `came`, what came back in its order, each once: `data`,
//!    `reset`, `closed`, `router`, `other`. Nothing is a timeout. A connection that fails is the
//!    observation of [`crate::tcp::connect`] alone.
//! 2. `router` is an ICMP message of a router. On a connection that stands Linux passes on neither its
//!    sender nor which of the messages that end a packet it was (`tcp_v4_err`): who stands at a TTL is
//!    for [`crate::trace`] to say. The TTL of what arrives is not known without a raw socket.
//! 3. What comes after a reset is not seen: the connection is gone.
//! 4. A probe lasts [`SETTLE`], and [`SILENCE`] where nothing came by then, whatever came when: how
//!    far the volunteer's own router is, is his.
//! 5. The system repeats the message at the same TTL until the connection is reset at the end, so
//!    none ever reaches the server; the reset itself may, and frees what the server holds.
use crate::clock::Stopwatch;
use crate::error_queue;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp;
use crate::trace::set_ttl;
use socket2::{SockRef, Socket};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// How long is waited where something came.
pub const SETTLE: Duration = Duration::from_millis(600);
/// How long is waited where nothing comes. Long enough for two repetitions of the message (RFC 6298).
pub const SILENCE: Duration = Duration::from_secs(2);
/// TTL of the reset at the end: what systems use.
const WHOLE_WAY: u8 = 64;
/// Room for what the server says; only that it says something counts.
const BUFFER_BYTES: usize = 4096;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Bytes.
    Data,
    /// A reset.
    Reset,
    /// The end of the stream.
    Closed,
    /// A router's word that the message ended there.
    Router,
    /// Another error of the connection.
    Other,
}

impl Came {
    /// The word of records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Router => "router",
            Self::Other => "other",
        }
    }

    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset => Self::Reset,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Router,
            _ => Self::Other,
        }
    }

    /// Whether nothing can come after it.
    fn is_last(self) -> bool {
        matches!(self, Self::Reset | Self::Closed | Self::Other)
    }
}

/// Sends `message` to `peer` so that it goes `ttl` hops far, or the whole way without one. Gives what
/// came; empty where nothing did, and absent where there was no connection.
pub async fn probe(
    settings: &NetSettings,
    clock: &Stopwatch,
    peer: SocketAddr,
    message: &[u8],
    ttl: Option<u8>,
) -> (Observation, Option<Vec<Came>>) {
    let (connected, stream) = tcp::connect(settings, clock, peer, tcp::CONNECT_TIMEOUT).await;
    let Some(stream) = stream else {
        return (connected, None);
    };
    let mut step = Step::start(clock, "ttl_probe", scrub::endpoint(peer));
    if let Some(ttl) = ttl {
        step.fact("ttl", ttl);
    }
    if let Err(error) = send(&stream, peer, message, ttl) {
        return (step.fail(crate::classify::io_error(&error)), None);
    }
    let came = watch(&stream).await;
    end(&stream, peer);
    let words: Vec<&str> = came.iter().map(|one| one.as_str()).collect();
    step.fact("came", words);
    let observation = match failure(&came) {
        None => step.succeed(),
        Some(failure) => step.fail(failure),
    };
    (observation, Some(came))
}

fn failure(came: &[Came]) -> Option<Failure> {
    if came.is_empty() {
        return Some(Failure::GenericTimeout);
    }
    let ended = came.iter().find_map(|one| match one {
        Came::Reset => Some(Failure::ConnectionReset),
        Came::Other => Some(Failure::ConnectionAborted),
        Came::Closed => Some(Failure::Eof),
        Came::Data | Came::Router => None,
    });
    ended.filter(|failure| *failure != Failure::Eof || !came.contains(&Came::Data))
}

fn send(stream: &TcpStream, peer: SocketAddr, message: &[u8], ttl: Option<u8>) -> io::Result<()> {
    let socket = SockRef::from(stream);
    error_queue::ask(&socket)?;
    // Closing resets: nothing is repeated once nobody watches.
    socket.set_linger(Some(Duration::ZERO))?;
    if let Some(ttl) = ttl {
        set_ttl(&socket, peer.ip(), ttl)?;
    }
    // A new connection has room for more than one segment, so all of it goes at once.
    (&*socket).write_all(message)
}

/// Lets the reset of the closing go the whole way. The message is not repeated in between: the
/// stream is dropped at once.
fn end(stream: &TcpStream, peer: SocketAddr) {
    // Where it fails the connection is gone already, and there is nothing to reset.
    let _ = set_ttl(&SockRef::from(stream), peer.ip(), WHOLE_WAY);
}

async fn watch(stream: &TcpStream) -> Vec<Came> {
    let start = Instant::now();
    let (settled, silent) = (start + SETTLE, start + SILENCE);
    let mut came: Vec<Came> = Vec::new();
    loop {
        let until = if came.is_empty() { silent } else { settled };
        let Ok(one) = timeout_at(until, next(stream)).await else {
            return came;
        };
        if !came.contains(&one) {
            came.push(one);
        }
        if one.is_last() {
            let now = Instant::now();
            sleep_until(if now < settled { settled } else { silent }).await;
            return came;
        }
        if Instant::now() >= settled {
            sleep_until(silent).await;
            return came;
        }
    }
}

/// Waits for what comes next. Errors of routers are no data, so that waiting for data would miss them.
async fn next(stream: &TcpStream) -> Came {
    let interest = Interest::READABLE | Interest::ERROR;
    let read = |mut socket: &Socket| socket.read(&mut [0; BUFFER_BYTES]);
    loop {
        let Ok(ready) = stream.ready(interest).await else {
            return Came::Other;
        };
        // One at a time: of several at once none would be taken back where there is nothing to read.
        let by = if ready.is_error() {
            Interest::ERROR
        } else {
            Interest::READABLE
        };
        match stream.try_io(by, || read(&SockRef::from(stream))) {
            Ok(0) => return Came::Closed,
            Ok(_) => return Came::Data,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Came::of(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// A server that does this with each connection once it has heard something.
    async fn came(does: &'static str) -> (Observation, Vec<Came>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).await.unwrap();
            match does {
                "reset" => SockRef::from(&stream)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap(),
                "answer" => stream.write_all(b"hello").await.unwrap(),
                _ => {}
            }
            if matches!(does, "silence" | "answer") {
                // The end of the probe is a reset.
                stream.read_exact(&mut heard).await.unwrap_err();
            }
        });
        let probed = probe(&settings(), &Stopwatch::start(), peer, b"hello", None).await;
        server.await.unwrap();
        (probed.0, probed.1.unwrap())
    }

    #[tokio::test]
    async fn what_comes_back_is_told_apart() {
        let (answer, reset, closed, silence) = tokio::join!(
            came("answer"),
            came("reset"),
            came("close"),
            came("silence")
        );
        assert_eq!(answer.1, [Came::Data]);
        assert_eq!(answer.0.failure, None);
        assert_eq!(answer.0.detail["came"], serde_json::json!(["data"]));
        assert_eq!(reset.1, [Came::Reset]);
        assert_eq!(reset.0.failure, Some(Failure::ConnectionReset));
        assert_eq!(closed.1, [Came::Closed]);
        assert_eq!(closed.0.failure, Some(Failure::Eof));
        assert_eq!(silence.1, []);
        assert_eq!(silence.0.failure, Some(Failure::GenericTimeout));
    }

    #[tokio::test]
    async fn where_nobody_listens_there_is_only_the_connection_that_failed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        drop(listener);
        let (seen, came) = probe(&settings(), &Stopwatch::start(), peer, b"", Some(1)).await;
        assert_eq!(seen.operation, "connect");
        assert!(came.is_none());
    }
}
