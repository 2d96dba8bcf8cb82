//! The reading half of a test: counts load and throws it away, hears the rest.
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, ReadHalf};
use tokio::sync::mpsc;
use tonle_wire::ndt7::frames::{
    CLOSE_NORMAL, CLOSE_PROTOCOL_ERROR, CLOSE_UNSUPPORTED, ClientFrames, DataKind, Event,
    FrameError,
};

/// Bytes read from the socket at once.
const READ_BYTES: usize = 64 << 10;

/// What ended the client's side.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers) enum Received {
    /// A Close, to be answered with this code.
    Close { answer: u16 },
    /// Something the protocol forbids, to be answered with this code.
    RuleBroken { code: u16 },
    /// The connection ended without a Close: what stock clients do after an upload.
    Lost,
}

/// What a protocol makes of a client's data messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::servers) enum Duty {
    /// Text and binary alike are counted.
    Count,
    /// Text passes uncounted; binary breaks the protocol.
    TextOnly,
}

/// Reads one client's frames.
pub(in crate::servers) struct Receiver<S> {
    half: ReadHalf<S>,
    frames: ClientFrames,
    buffer: Vec<u8>,
    filled: std::ops::Range<usize>,
    duty: Duty,
    pongs: mpsc::Sender<Vec<u8>>,
}

impl<S: AsyncRead> Receiver<S> {
    pub(in crate::servers) fn new(
        half: ReadHalf<S>,
        already_read: &[u8],
        duty: Duty,
        pongs: mpsc::Sender<Vec<u8>>,
    ) -> Self {
        let mut buffer = already_read.to_vec();
        buffer.resize(READ_BYTES.max(already_read.len()), 0);
        Self {
            half,
            frames: ClientFrames::default(),
            buffer,
            filled: 0..already_read.len(),
            duty,
            pongs,
        }
    }

    /// Reads until the client's side ends, adding what is counted to `load_bytes`. May be dropped
    /// and called again: nothing is lost between.
    pub(in crate::servers) async fn run(&mut self, load_bytes: &AtomicU64) -> Received {
        loop {
            match self.digest(load_bytes) {
                Ok(Some(end)) => return end,
                Ok(None) => {}
                Err(broken) => {
                    return Received::RuleBroken {
                        code: broken.close_code(),
                    };
                }
            }
            match self.half.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return Received::Lost,
                Ok(count) => self.filled = 0..count,
            }
        }
    }

    /// Throws away whatever still comes, until the connection ends.
    pub(in crate::servers) async fn drain(&mut self) -> io::Result<()> {
        while self.half.read(&mut self.buffer).await? > 0 {}
        Ok(())
    }

    /// Takes what is in the buffer; says when the client's side ended.
    fn digest(&mut self, load_bytes: &AtomicU64) -> Result<Option<Received>, FrameError> {
        let filled = std::mem::take(&mut self.filled);
        let mut chunk = &self.buffer[filled];
        while let Some(event) = self.frames.next(&mut chunk)? {
            match event {
                Event::Data {
                    kind: DataKind::Binary,
                    ..
                } if self.duty == Duty::TextOnly => {
                    let code = CLOSE_UNSUPPORTED;
                    return Ok(Some(Received::RuleBroken { code }));
                }
                Event::Data { bytes, .. } if self.duty == Duty::Count => {
                    load_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                }
                // Clients may send measurements of their own and may answer Pings; neither is kept.
                Event::Data { .. } | Event::Pong(_) => {}
                // A client that pings faster than it reads loses Pongs, not our memory.
                Event::Ping(payload) => drop(self.pongs.try_send(payload)),
                Event::Close(code) => {
                    let answer = answer_to(code);
                    return Ok(Some(Received::Close { answer }));
                }
            }
        }
        Ok(None)
    }
}

/// The code that answers a Close: the same one, where it may stand on the wire (RFC 6455,
/// section 7.4).
fn answer_to(code: Option<u16>) -> u16 {
    match code {
        None => CLOSE_NORMAL,
        Some(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => code,
        Some(_) => CLOSE_PROTOCOL_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_answered_with_a_code_that_may_be_sent() {
        assert_eq!(answer_to(None), 1000);
        assert_eq!(answer_to(Some(1001)), 1001);
        for reserved in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            assert_eq!(answer_to(Some(reserved)), 1002, "{reserved}");
        }
    }
}
