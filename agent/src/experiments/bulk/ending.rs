//! How a transfer ends: why, what the last messages were, and how the connection is closed.
use super::connection::Socket;
use super::{MESSAGE_TIMEOUT, allowance};
use crate::experiments::Run;
use futures_util::{SinkExt, Stream, StreamExt};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tonle_evidence::failure::Failure;
use tonle_net::meter::Meter;
use tonle_net::tcp_info;
use tonle_net::websocket::{self, CloseFrame, Error, Message};
use tonle_wire::ndt7::{Direction, TcpInfo};

/// How long the server may take to answer our Close, or we to answer its.
pub(in crate::experiments) const FAREWELL: Duration = Duration::from_secs(1);

/// What ended a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::experiments) enum Stop {
    /// The server's Close, before any limit of ours.
    ServerClosed,
    /// The rate was known well enough.
    Stable,
    /// The time limit.
    TimeUp,
    /// A byte limit.
    Capped,
    /// The run was cancelled.
    Cancelled,
    /// The connection or the protocol broke; the observation says how.
    Broken,
    /// Nothing came any more for as long as a message is waited for.
    Stalled,
}

impl Stop {
    pub(in crate::experiments) fn as_str(self) -> &'static str {
        match self {
            Self::ServerClosed => "server_closed",
            Self::Stable => "stable",
            Self::TimeUp => "time_up",
            Self::Capped => "bytes_cap",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
            Self::Stalled => "stalled",
        }
    }
}

/// How a transfer ended.
#[derive(Debug)]
pub(in crate::experiments) struct End {
    pub(in crate::experiments) stop: Stop,
    pub(in crate::experiments) failure: Option<Failure>,
}

impl End {
    pub(in crate::experiments) fn by(stop: Stop) -> Self {
        Self {
            stop,
            failure: None,
        }
    }

    pub(in crate::experiments) fn broken(failure: Failure) -> Self {
        Self {
            stop: Stop::Broken,
            failure: Some(failure),
        }
    }

    fn stalled() -> Self {
        Self {
            stop: Stop::Stalled,
            failure: Some(Failure::GenericTimeout),
        }
    }

    pub(in crate::experiments) fn cancelled() -> Self {
        Self {
            stop: Stop::Cancelled,
            failure: Some(Failure::Interrupted),
        }
    }

    /// What an error of the connection means: bytes that are spent are a limit of ours.
    pub(in crate::experiments) fn of_error(error: &Error) -> Self {
        if allowance::is_spent(error) {
            return Self::by(Stop::Capped);
        }
        Self::broken(websocket::failure(error))
    }
}

/// The server's Close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::experiments) struct ServerClose {
    /// Its code, if it has one.
    pub(in crate::experiments) code: Option<u16>,
}

impl ServerClose {
    pub(in crate::experiments) fn of(frame: Option<CloseFrame>) -> Self {
        Self {
            code: frame.map(|frame| frame.code.into()),
        }
    }
}

/// The next message, or what ended the wait for it.
pub(in crate::experiments) async fn next_message<S>(messages: &mut S) -> Result<Message, End>
where
    S: Stream<Item = Result<Message, Error>> + Unpin,
{
    within(messages, MESSAGE_TIMEOUT, End::stalled()).await
}

/// As [`next_message`]; when `left_us` are over before, time is up.
pub(in crate::experiments) async fn next_message_before<S>(
    messages: &mut S,
    left_us: i64,
) -> Result<Message, End>
where
    S: Stream<Item = Result<Message, Error>> + Unpin,
{
    let left_us = u64::try_from(left_us).ok().filter(|left_us| *left_us > 0);
    let Some(left) = left_us.map(Duration::from_micros) else {
        return Err(End::by(Stop::TimeUp));
    };
    if left <= MESSAGE_TIMEOUT {
        return within(messages, left, End::by(Stop::TimeUp)).await;
    }
    next_message(messages).await
}

async fn within<S>(messages: &mut S, wait: Duration, else_end: End) -> Result<Message, End>
where
    S: Stream<Item = Result<Message, Error>> + Unpin,
{
    match tokio::time::timeout(wait, messages.next()).await {
        Ok(Some(Ok(message))) => Ok(message),
        Ok(Some(Err(error))) => Err(End::of_error(&error)),
        Ok(None) => Err(End::broken(Failure::Eof)),
        Err(_) => Err(else_end),
    }
}

/// Closes the connection, and adds to the run's bytes what crossed the line and no stream of ours
/// saw: headers, retransmissions, and what had arrived when we stopped reading. `own` counted what
/// the connection moved. Gives our kernel's last counters.
pub(in crate::experiments) async fn close(
    run: &Run,
    mut socket: Socket,
    kernel: Option<OwnedFd>,
    own: &Meter,
    is_polite: bool,
) -> Option<TcpInfo> {
    if is_polite {
        say_goodbye(&mut socket).await;
    }
    count_the_rest(&run.meter, kernel?, own)
}

/// Adds to the run's bytes what crossed the line on a connection and no stream of ours saw; gives
/// our kernel's counters.
pub(in crate::experiments) fn count_the_rest(
    all: &Meter,
    kernel: impl AsFd,
    own: &Meter,
) -> Option<TcpInfo> {
    let info = tcp_info::read(kernel).ok()?;
    let on_line = tcp_info::bytes_on_line(&info);
    all.add(on_line.saturating_sub(own.bytes()));
    Some(info)
}

/// Whether a Close is sent or answered. A download that we end is not listened to any longer: every
/// byte still costs.
pub(in crate::experiments) fn closes_politely(
    direction: Direction,
    stop: Stop,
    closed: Option<ServerClose>,
) -> bool {
    match stop {
        _ if closed.is_some() => true,
        Stop::TimeUp | Stop::Capped | Stop::Stable | Stop::ServerClosed => {
            direction == Direction::Upload
        }
        Stop::Cancelled | Stop::Broken | Stop::Stalled => false,
    }
}

/// Sends or answers a Close and lets the server close first. Whatever fails here changes nothing.
async fn say_goodbye(socket: &mut Socket) {
    let goodbye = async {
        if socket.send(Message::Close(None)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = tokio::time::timeout(FAREWELL, goodbye).await;
}
