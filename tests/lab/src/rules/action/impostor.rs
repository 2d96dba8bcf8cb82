//! Plays the server to the one who opened a TCP connection: sends a page or nothing, then FIN. The real
//! server hears no more.
//!
//! It begins with the first payload of the flow, so the handshake is the server's own. It then sends
//! as TCP does, without timers: again what the client shows to be missing, acknowledging what comes.
use crate::packet::craft::{self, FORGED_WINDOW, Segment};
use crate::packet::{Flags, Flow, Packet, Tcp, Transport};
use crate::rules::Outcome;
use crate::rules::flows::{End, is_before};

/// Payload of one forged segment, bytes: fits the least MTU of IPv6.
const SEGMENT_BYTES: usize = 1200;
/// Bytes sent at once: ten segments, as a server begins (RFC 6928).
const BURST_BYTES: usize = 10 * SEGMENT_BYTES;

#[derive(Debug)]
pub(in crate::rules) struct Impostor {
    /// What it says before its FIN.
    says: Vec<u8>,
    play: Option<Play>,
}

/// The connection as it took it over.
#[derive(Debug, Clone, Copy)]
struct Play {
    /// Sequence number of the first byte it says.
    first: u32,
    /// What it acknowledges: the client's next byte.
    client_next: u32,
    /// How much it has said; the FIN counts one.
    said: usize,
}

impl Impostor {
    /// Says nothing.
    pub(super) fn fin() -> Self {
        Self {
            says: Vec::new(),
            play: None,
        }
    }

    /// Says an HTTP response with this body.
    pub(super) fn block_page(body: &str) -> Self {
        let length = body.len();
        Self::response(&format!(
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    /// Says this text.
    pub(super) fn response(text: &str) -> Self {
        Self {
            says: text.as_bytes().to_vec(),
            play: None,
        }
    }

    /// None: nothing to answer yet, the packet passes.
    pub(super) fn meet(&mut self, packet: &Packet, sender: End) -> Option<Outcome> {
        let Transport::Tcp(segment) = packet.transport() else {
            return None;
        };
        let to_client = match sender {
            End::Client => packet.flow().reversed(),
            End::Server => packet.flow(),
        };
        let Some(play) = self.play else {
            return self.begin(&segment, sender, &to_client);
        };
        if sender == End::Server || segment.flags.has(Flags::RST) {
            return Some(Outcome::instead(Vec::new()));
        }
        Some(Outcome::instead(self.go_on(play, &segment, &to_client)))
    }

    /// Takes the connection over at its first payload.
    fn begin(&mut self, segment: &Tcp<'_>, sender: End, to_client: &Flow) -> Option<Outcome> {
        if segment.payload.is_empty() || !segment.flags.has(Flags::ACK) {
            return None;
        }
        let (first, client_next) = match sender {
            End::Client => (segment.ack, segment.seq_end()),
            End::Server => (segment.seq, segment.ack),
        };
        let play = Play {
            first,
            client_next,
            said: 0,
        };
        Some(Outcome::instead(self.say(play, 0, to_client)))
    }

    /// Answers a segment of the client.
    fn go_on(&mut self, mut play: Play, segment: &Tcp<'_>, to_client: &Flow) -> Vec<Packet> {
        let heard = usize::try_from(segment.ack.wrapping_sub(play.first)).unwrap_or(usize::MAX);
        let heard = if heard > play.said { 0 } else { heard };
        let asks = segment.seq_end() != segment.seq;
        let again = asks && is_before(segment.seq, play.client_next);
        if is_before(play.client_next, segment.seq_end()) {
            play.client_next = segment.seq_end();
        }
        let from = if again { heard } else { play.said };
        let said = self.say(play, from, to_client);
        if said.is_empty() && asks {
            return Vec::from_iter(acknowledge(play, to_client));
        }
        said
    }

    /// Says what is to be said from this place on, at most one burst, and remembers it.
    fn say(&mut self, mut play: Play, from: usize, to_client: &Flow) -> Vec<Packet> {
        let end = (from + BURST_BYTES).min(self.says.len());
        let rest = self.says.get(from..end).unwrap_or_default();
        let mut segments = Vec::new();
        let mut at = from;
        for payload in rest.chunks(SEGMENT_BYTES) {
            let ends = at + payload.len() == self.says.len();
            segments.extend(forged(play, at, payload, ends, to_client));
            at += payload.len() + usize::from(ends);
        }
        if from == self.says.len() {
            segments.extend(forged(play, at, &[], true, to_client));
            at += 1;
        }
        play.said = play.said.max(at);
        self.play = Some(play);
        segments
    }
}

/// One segment at this place of what is said.
fn forged(play: Play, at: usize, payload: &[u8], ends: bool, to_client: &Flow) -> Option<Packet> {
    let flags = if ends {
        Flags::ACK | Flags::PSH | Flags::FIN
    } else {
        Flags::ACK
    };
    craft::tcp(to_client, &segment(play, at, flags, payload))
}

/// An acknowledgment alone.
fn acknowledge(play: Play, to_client: &Flow) -> Option<Packet> {
    craft::tcp(to_client, &segment(play, play.said, Flags::ACK, &[]))
}

fn segment(play: Play, at: usize, flags: Flags, payload: &[u8]) -> Segment<'_> {
    let place = u32::try_from(at).expect("a page is below 4 GiB");
    Segment {
        seq: play.first.wrapping_add(place),
        ack: play.client_next,
        flags,
        window: FORGED_WINDOW,
        payload,
    }
}
