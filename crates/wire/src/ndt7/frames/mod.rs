//! WebSocket frames (RFC 6455) as an ndt7 server needs them.
//!
//! A server throws the payload of an upload away. So [`ClientFrames`] reads headers, counts data
//! bytes without unmasking or keeping them, and keeps control payloads only: whatever a client
//! sends, one connection costs at most 14 + 125 bytes here.
//!
//! ```text
//!  0               1               2
//! |F|R R R|opcode |M|  length     |  length of 16 or 64 bits when 126 or 127 | mask of 32 bits if M |
//! ```
use super::spec::MESSAGE_ACCEPTED_MAX_BYTES;

/// Normal end (RFC 6455, section 7.4.1).
pub const CLOSE_NORMAL: u16 = 1000;
/// The server goes away.
pub const CLOSE_GOING_AWAY: u16 = 1001;
/// The peer broke the framing rules.
pub const CLOSE_PROTOCOL_ERROR: u16 = 1002;
/// Data of a kind that this side does not accept.
pub const CLOSE_UNSUPPORTED: u16 = 1003;
/// A message above the limit.
pub const CLOSE_TOO_BIG: u16 = 1009;

/// Longest header: two bytes, a 64-bit length and the mask.
const HEADER_MAX_BYTES: usize = 14;
/// Longest payload of a control frame (RFC 6455, section 5.5).
const CONTROL_MAX_BYTES: u64 = 125;
/// First bit of the first byte: the frame ends its message.
const FIN: u8 = 0x80;
/// First bit of the second byte: the payload is masked.
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// More of the current message.
    Continuation,
    /// A message of text: JSON, in ndt7.
    Text,
    /// A message of bytes: load, in ndt7.
    Binary,
    /// The end of the connection.
    Close,
    /// Asks for a Pong with the same payload.
    Ping,
    /// Answers a Ping.
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// A whole message as a server writes it: final, unmasked.
#[must_use]
pub fn server_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + HEADER_MAX_BYTES);
    frame.push(FIN | opcode.bits());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A Close frame as a server writes it. `reason` is cut to what a control frame holds.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    server_frame(Opcode::Close, &payload)
}

/// Whether a data message is text or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// JSON, in ndt7.
    Text,
    /// Load, in ndt7.
    Binary,
}

/// What a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Payload bytes of a data message went by.
    Data {
        /// The kind of message they belong to.
        kind: DataKind,
        /// How many.
        bytes: usize,
        /// Whether the message is complete with them.
        ends_message: bool,
    },
    /// Wants a Pong with this payload.
    Ping(Vec<u8>),
    /// Answered a Ping.
    Pong(Vec<u8>),
    /// Ends the connection, perhaps with a code.
    Close(Option<u16>),
}

/// How a client broke the rules. Every one ends the connection.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// Extensions are never negotiated here, so their bits must be zero.
    #[error("reserved bit set")]
    ReservedBit,
    /// An opcode that RFC 6455 does not define.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u8),
    /// Clients must mask.
    #[error("unmasked frame from a client")]
    Unmasked,
    /// A control frame in pieces or above 125 bytes, or a Close with half a code.
    #[error("malformed control frame")]
    BadControl,
    /// A continuation of nothing.
    #[error("continuation without a message")]
    StrayContinuation,
    /// A new message before the last one ended.
    #[error("message inside a message")]
    Interleaved,
    /// A message above [`MESSAGE_ACCEPTED_MAX_BYTES`].
    #[error("message above {MESSAGE_ACCEPTED_MAX_BYTES} bytes")]
    TooBig,
}

impl FrameError {
    /// The code to close with.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::TooBig => CLOSE_TOO_BIG,
            _ => CLOSE_PROTOCOL_ERROR,
        }
    }
}

/// Reads a client's frames from whatever pieces the socket delivers.
#[derive(Debug, Default)]
pub struct ClientFrames {
    header: Vec<u8>,
    body: Body,
    message: Option<OpenMessage>,
}

#[derive(Debug, Default)]
enum Body {
    /// A header comes first.
    #[default]
    None,
    /// Payload of the open message.
    Data { left: u64, fin: bool },
    /// Payload of a control frame.
    Control {
        opcode: Opcode,
        mask: [u8; 4],
        length: usize,
        payload: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy)]
struct OpenMessage {
    kind: DataKind,
    bytes: u64,
}

impl ClientFrames {
    /// Takes bytes off the front of `chunk` until something happened. `None`: all is taken, more
    /// is needed. After an error nothing more can be read.
    pub fn next(&mut self, chunk: &mut &[u8]) -> Result<Option<Event>, FrameError> {
        loop {
            let event = match std::mem::take(&mut self.body) {
                Body::None => {
                    if !self.read_header(chunk)? {
                        return Ok(None);
                    }
                    continue;
                }
                Body::Data { left, fin } => self.pass_data(chunk, left, fin),
                Body::Control {
                    opcode,
                    mask,
                    length,
                    mut payload,
                } => {
                    let missing = (length - payload.len()).min(chunk.len());
                    payload.extend(take(chunk, missing));
                    if payload.len() == length {
                        return control_event(opcode, mask, payload).map(Some);
                    }
                    self.body = Body::Control {
                        opcode,
                        mask,
                        length,
                        payload,
                    };
                    None
                }
            };
            return Ok(event);
        }
    }

    /// Collects a header; true when it is complete and `body` says what follows.
    fn read_header(&mut self, chunk: &mut &[u8]) -> Result<bool, FrameError> {
        while self.header.len() < header_length(&self.header) {
            let Some((first, rest)) = chunk.split_first() else {
                return Ok(false);
            };
            self.header.push(*first);
            *chunk = rest;
        }
        let header = std::mem::take(&mut self.header);
        self.body = self.open(&header)?;
        Ok(true)
    }

    /// What follows a complete header.
    fn open(&mut self, header: &[u8]) -> Result<Body, FrameError> {
        let (first, second) = (header[0], header[1]);
        if first & 0x70 != 0 {
            return Err(FrameError::ReservedBit);
        }
        let bits = first & 0x0f;
        let opcode = Opcode::from_bits(bits).ok_or(FrameError::UnknownOpcode(bits))?;
        if second & MASKED == 0 {
            return Err(FrameError::Unmasked);
        }
        let fin = first & FIN != 0;
        let (length_bytes, mask_bytes) = header[2..].split_at(header.len() - 6);
        let length = match length_bytes {
            [] => u64::from(second & !MASKED),
            extended => extended
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        match opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                if !fin || length > CONTROL_MAX_BYTES {
                    return Err(FrameError::BadControl);
                }
                let length = usize::try_from(length).expect("at most 125");
                Ok(Body::Control {
                    opcode,
                    mask: mask_bytes.try_into().expect("a mask has four bytes"),
                    length,
                    payload: Vec::with_capacity(length),
                })
            }
            Opcode::Text => self.open_data(Some(DataKind::Text), length, fin),
            Opcode::Binary => self.open_data(Some(DataKind::Binary), length, fin),
            Opcode::Continuation => self.open_data(None, length, fin),
        }
    }

    /// Begins or continues a message; `kind` is absent for a continuation.
    fn open_data(
        &mut self,
        kind: Option<DataKind>,
        length: u64,
        fin: bool,
    ) -> Result<Body, FrameError> {
        let before = match (self.message, kind) {
            (None, Some(kind)) => OpenMessage { kind, bytes: 0 },
            (Some(message), None) => message,
            (None, None) => return Err(FrameError::StrayContinuation),
            (Some(_), Some(_)) => return Err(FrameError::Interleaved),
        };
        let bytes = before.bytes.saturating_add(length);
        if bytes > MESSAGE_ACCEPTED_MAX_BYTES as u64 {
            return Err(FrameError::TooBig);
        }
        self.message = Some(OpenMessage { bytes, ..before });
        Ok(Body::Data { left: length, fin })
    }

    /// Lets payload of the open message go by, without looking at it.
    fn pass_data(&mut self, chunk: &mut &[u8], left: u64, fin: bool) -> Option<Event> {
        let passing = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        if passing == 0 && left > 0 {
            self.body = Body::Data { left, fin };
            return None;
        }
        take(chunk, passing);
        let left = left - passing as u64;
        let kind = self.message.expect("opened with its header").kind;
        if left > 0 {
            self.body = Body::Data { left, fin };
        } else if fin {
            self.message = None;
        }
        Some(Event::Data {
            kind,
            bytes: passing,
            ends_message: fin && left == 0,
        })
    }
}

/// How long the header is, as far as its first bytes tell.
fn header_length(header: &[u8]) -> usize {
    let Some(second) = header.get(1) else {
        return 2;
    };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    let extended = match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + extended + mask
}

fn take<'a>(chunk: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = chunk.split_at(count);
    *chunk = rest;
    taken
}

fn control_event(opcode: Opcode, mask: [u8; 4], mut payload: Vec<u8>) -> Result<Event, FrameError> {
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[index % 4];
    }
    match (opcode, payload.as_slice()) {
        (Opcode::Ping, _) => Ok(Event::Ping(payload)),
        (Opcode::Pong, _) => Ok(Event::Pong(payload)),
        (_, []) => Ok(Event::Close(None)),
        (_, [high, low, ..]) => Ok(Event::Close(Some(u16::from_be_bytes([*high, *low])))),
        (_, [_]) => Err(FrameError::BadControl),
    }
}

#[cfg(test)]
mod tests;
