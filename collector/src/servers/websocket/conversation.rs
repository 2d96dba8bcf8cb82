//! Both halves of a test on one connection, from the first message to the end.
//!
//! Rules:
//! 1. When the server's side is done it sends Close and gives the client a moment to answer,
//!    reading on meanwhile: closing with unread data would reset the connection under the Close.
//! 2. A client may end at any time, with or without a Close; neither is an error.
//! 3. A broken rule is answered with its close code.
//! 4. One message is written at a time and never abandoned halfway.
use super::receiver::{Received, Receiver};
use std::future::Future;
use std::io;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonle_wire::ndt7::frames::{CLOSE_GOING_AWAY, Opcode, close_frame, server_frame};

/// How long the other side may take to answer a Close, so that a test of ndt7 ends by 13 s (the
/// upper bound of its specification).
const FAREWELL: Duration = Duration::from_secs(3);
/// Pongs that wait for a place between load messages.
const PONGS_MAX: usize = 8;
/// Reason of the Close when the server stops.
const GOING_AWAY: &str = "server stops";

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::servers) enum End {
    /// With a Close from either side.
    Closed,
    /// The client broke the protocol.
    RuleBroken,
    /// The connection ended without a Close.
    Lost,
    /// At the hard limit.
    CutOff,
}

/// What the sender is told while it writes.
pub(in crate::servers) struct Inbox {
    pongs: mpsc::Receiver<Vec<u8>>,
    close: watch::Receiver<Option<u16>>,
    cancel: CancellationToken,
}

/// The ways to tell the sender something: payloads to answer Pings with, and a code to close with.
pub(in crate::servers) fn orders(
    cancel: CancellationToken,
) -> (mpsc::Sender<Vec<u8>>, watch::Sender<Option<u16>>, Inbox) {
    let (pongs_in, pongs) = mpsc::channel(PONGS_MAX);
    let (close_in, close) = watch::channel(None);
    let inbox = Inbox {
        pongs,
        close,
        cancel,
    };
    (pongs_in, close_in, inbox)
}

/// Whether the sender may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::servers) enum Obeyed {
    /// Nothing was ordered, or Pongs only.
    GoOn,
    /// The Close that was ordered is written.
    Closed,
}

/// The writing half, and what it is told.
pub(in crate::servers) struct Outgoing<S> {
    writer: WriteHalf<S>,
    inbox: Inbox,
}

impl<S: AsyncWrite> Outgoing<S> {
    pub(in crate::servers) fn new(writer: WriteHalf<S>, inbox: Inbox) -> Self {
        Self { writer, inbox }
    }

    /// Does what the other half and the server ordered meanwhile.
    pub(in crate::servers) async fn obeyed(&mut self) -> io::Result<Obeyed> {
        let ordered = *self.inbox.close.borrow_and_update();
        if let Some(code) = ordered {
            self.close(code, "").await?;
            return Ok(Obeyed::Closed);
        }
        if self.inbox.cancel.is_cancelled() {
            self.close(CLOSE_GOING_AWAY, GOING_AWAY).await?;
            return Ok(Obeyed::Closed);
        }
        while let Ok(payload) = self.inbox.pongs.try_recv() {
            self.write(&server_frame(Opcode::Pong, &payload)).await?;
        }
        Ok(Obeyed::GoOn)
    }

    pub(in crate::servers) async fn text(&mut self, text: &str) -> io::Result<()> {
        self.write(&server_frame(Opcode::Text, text.as_bytes()))
            .await
    }

    pub(in crate::servers) async fn ping(&mut self, payload: &[u8]) -> io::Result<()> {
        self.write(&server_frame(Opcode::Ping, payload)).await
    }

    pub(in crate::servers) async fn close(&mut self, code: u16, reason: &str) -> io::Result<()> {
        self.write(&close_frame(code, reason)).await
    }

    /// Writes a frame of load. The next frame of another kind flushes it.
    pub(in crate::servers) async fn write_load(&mut self, frame: &[u8]) -> io::Result<()> {
        self.writer.write_all(frame).await
    }

    async fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.writer.write_all(frame).await?;
        self.writer.flush().await
    }

    /// Waits, without load, until something is to be done.
    pub(in crate::servers) async fn wait(&mut self, wait_us: i64) -> io::Result<()> {
        let time = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
        let pong = tokio::select! {
            Some(payload) = self.inbox.pongs.recv() => payload,
            _ = self.inbox.close.changed() => return Ok(()),
            () = self.inbox.cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(time) => return Ok(()),
        };
        self.write(&server_frame(Opcode::Pong, &pong)).await
    }

    /// Says to the other side that nothing more comes, unless it is gone. For TLS this is the proof
    /// that nothing was cut off; the connection ends either way.
    pub(in crate::servers) async fn shut_down(&mut self, end: End) {
        if end != End::Lost {
            let _ = tokio::time::timeout(FAREWELL, self.writer.shutdown()).await;
        }
    }
}

/// Runs both halves until one ends the conversation, then lets the other finish.
pub(in crate::servers) async fn converse<S: AsyncRead>(
    sending: impl Future<Output = io::Result<()>>,
    receiver: &mut Receiver<S>,
    close: &watch::Sender<Option<u16>>,
    load_bytes: &AtomicU64,
) -> End {
    tokio::pin!(sending);
    let first = tokio::select! {
        sent = &mut sending => Err(sent),
        heard = receiver.run(load_bytes) => Ok(heard),
    };
    match first {
        Err(Err(_)) | Ok(Received::Lost) => End::Lost,
        Err(Ok(())) => {
            // Whatever the client answers, or not: the test is complete.
            let _ = tokio::time::timeout(FAREWELL, receiver.run(load_bytes)).await;
            End::Closed
        }
        Ok(Received::Close { answer }) => {
            close.send_replace(Some(answer));
            let _ = tokio::time::timeout(FAREWELL, sending).await;
            End::Closed
        }
        Ok(Received::RuleBroken { code }) => {
            close.send_replace(Some(code));
            let goodbye = async { tokio::join!(sending, receiver.drain()) };
            let _ = tokio::time::timeout(FAREWELL, goodbye).await;
            End::RuleBroken
        }
    }
}

/// Does something when it goes out of scope, also when the test is dropped halfway.
pub(in crate::servers) struct OnDrop<F: FnMut()>(pub(in crate::servers) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
