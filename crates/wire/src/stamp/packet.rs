//! The sender's packet and the reflector's, open (44 bytes) and authenticated (112 bytes):
//! RFC 8762, sections 4.2 and 4.3, with the SSID of RFC 8972, section 3.
use super::key::{HMAC_BYTES, Key};
use super::time::{ErrorEstimate, Timestamp};
use super::{AUTHENTICATED_BYTES, base_bytes};

/// Shortest packet of a sender: sequence number, timestamp and error estimate. What a shorter
/// layout (TWAMP Light) leaves out reads as zero (RFC 8762, section 4.6).
const SENDER_MIN_BYTES: usize = 14;
/// Where the HMAC of the authenticated layout stands.
const HMAC_AT: usize = AUTHENTICATED_BYTES - HMAC_BYTES;

/// Why bytes are no packet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadPacket {
    /// Too short for what must be in it.
    #[error("{0} bytes are too short for a STAMP packet")]
    Short(usize),
    /// The HMAC is not that of the key.
    #[error("the HMAC is not that of the session's key")]
    Hmac,
}

/// What a sender sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderPacket {
    /// Number of the packet, from 0.
    pub sequence: u32,
    /// When it was sent (T1).
    pub timestamp: Timestamp,
    /// Of the sender's clock.
    pub error_estimate: ErrorEstimate,
    /// Identifier of the sender's session, 0 for none.
    pub ssid: u16,
}

/// What a reflector sends back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReflectorPacket {
    /// The reflector's own number when it keeps state, else the sender's.
    pub sequence: u32,
    /// When it was sent back (T3).
    pub transmit: Timestamp,
    /// Of the reflector's clock.
    pub error_estimate: ErrorEstimate,
    /// The sender's SSID.
    pub ssid: u16,
    /// When the sender's packet arrived (T2).
    pub receive: Timestamp,
    /// The sender's number.
    pub sender_sequence: u32,
    /// The sender's timestamp (T1).
    pub sender_timestamp: Timestamp,
    /// The sender's error estimate.
    pub sender_error_estimate: ErrorEstimate,
    /// TTL or hop limit that the sender's packet arrived with.
    pub sender_ttl: u8,
}

/// The SSID of a packet whose key is not known yet; `None` when the packet is too short to have one.
#[must_use]
pub fn ssid_of(packet: &[u8], authenticated: bool) -> Option<u16> {
    let at = if authenticated { 26 } else { 14 };
    Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?))
}

impl SenderPacket {
    /// The packet without options; authenticated when there is a key.
    #[must_use]
    pub fn write(&self, key: Option<&Key>) -> Vec<u8> {
        let mut bytes = vec![0; base_bytes(key)];
        put(&mut bytes, 0, &self.sequence.to_be_bytes());
        let times_at = if key.is_some() { 16 } else { 4 };
        put_clock(&mut bytes, times_at, self.timestamp, self.error_estimate);
        put(&mut bytes, times_at + 10, &self.ssid.to_be_bytes());
        sign(&mut bytes, key);
        bytes
    }

    /// Reads a packet; with a key it must be authenticated by it. Options after it are not read.
    pub fn read(packet: &[u8], key: Option<&Key>) -> Result<Self, BadPacket> {
        if packet.len() < SENDER_MIN_BYTES {
            return Err(BadPacket::Short(packet.len()));
        }
        let base = padded(packet, key)?;
        let times_at = if key.is_some() { 16 } else { 4 };
        Ok(Self {
            sequence: u32_at(&base, 0),
            timestamp: timestamp_at(&base, times_at),
            error_estimate: estimate_at(&base, times_at + 8),
            ssid: u16_at(&base, times_at + 10),
        })
    }
}

/// Where the fields of the reflector's packet stand: 44 bytes, 112 bytes.
struct Places {
    transmit: usize,
    receive: usize,
    sender_sequence: usize,
    sender_timestamp: usize,
    sender_ttl: usize,
}

const OPEN: Places = Places {
    transmit: 4,
    receive: 16,
    sender_sequence: 24,
    sender_timestamp: 28,
    sender_ttl: 40,
};

const AUTHENTICATED: Places = Places {
    transmit: 16,
    receive: 32,
    sender_sequence: 48,
    sender_timestamp: 64,
    sender_ttl: 80,
};

impl ReflectorPacket {
    /// The packet without options; authenticated when there is a key.
    #[must_use]
    pub fn write(&self, key: Option<&Key>) -> Vec<u8> {
        let at = if key.is_some() { AUTHENTICATED } else { OPEN };
        let mut bytes = vec![0; base_bytes(key)];
        put(&mut bytes, 0, &self.sequence.to_be_bytes());
        put_clock(&mut bytes, at.transmit, self.transmit, self.error_estimate);
        put(&mut bytes, at.transmit + 10, &self.ssid.to_be_bytes());
        put(&mut bytes, at.receive, &self.receive.0.to_be_bytes());
        put(
            &mut bytes,
            at.sender_sequence,
            &self.sender_sequence.to_be_bytes(),
        );
        put_clock(
            &mut bytes,
            at.sender_timestamp,
            self.sender_timestamp,
            self.sender_error_estimate,
        );
        put(&mut bytes, at.sender_ttl, &[self.sender_ttl]);
        sign(&mut bytes, key);
        bytes
    }

    /// Reads a packet; with a key it must be authenticated by it. A reply is never shorter than its
    /// layout. Options after it are not read.
    pub fn read(packet: &[u8], key: Option<&Key>) -> Result<Self, BadPacket> {
        if packet.len() < base_bytes(key) {
            return Err(BadPacket::Short(packet.len()));
        }
        let at = if key.is_some() { AUTHENTICATED } else { OPEN };
        let base = padded(packet, key)?;
        Ok(Self {
            sequence: u32_at(&base, 0),
            transmit: timestamp_at(&base, at.transmit),
            error_estimate: estimate_at(&base, at.transmit + 8),
            ssid: u16_at(&base, at.transmit + 10),
            receive: timestamp_at(&base, at.receive),
            sender_sequence: u32_at(&base, at.sender_sequence),
            sender_timestamp: timestamp_at(&base, at.sender_timestamp),
            sender_error_estimate: estimate_at(&base, at.sender_timestamp + 8),
            sender_ttl: base[at.sender_ttl],
        })
    }
}

/// The base of a packet, what is missing of it as zero, its HMAC checked.
fn padded(packet: &[u8], key: Option<&Key>) -> Result<[u8; AUTHENTICATED_BYTES], BadPacket> {
    let mut base = [0; AUTHENTICATED_BYTES];
    let there = packet.len().min(base_bytes(key));
    base[..there].copy_from_slice(&packet[..there]);
    match key {
        Some(key) if !key.verifies(&[&base[..HMAC_AT]], &base[HMAC_AT..]) => Err(BadPacket::Hmac),
        _ => Ok(base),
    }
}

fn sign(bytes: &mut [u8], key: Option<&Key>) {
    if let Some(key) = key {
        let hmac = key.sign(&[&bytes[..HMAC_AT]]);
        put(bytes, HMAC_AT, &hmac);
    }
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

fn put_clock(bytes: &mut [u8], at: usize, timestamp: Timestamp, estimate: ErrorEstimate) {
    put(bytes, at, &timestamp.0.to_be_bytes());
    put(bytes, at + 8, &estimate.0.to_be_bytes());
}

fn field<const N: usize>(base: &[u8; AUTHENTICATED_BYTES], at: usize) -> [u8; N] {
    let field = base[at..].first_chunk();
    *field.expect("every field lies within the packet")
}

fn u16_at(base: &[u8; AUTHENTICATED_BYTES], at: usize) -> u16 {
    u16::from_be_bytes(field(base, at))
}

fn u32_at(base: &[u8; AUTHENTICATED_BYTES], at: usize) -> u32 {
    u32::from_be_bytes(field(base, at))
}

fn timestamp_at(base: &[u8; AUTHENTICATED_BYTES], at: usize) -> Timestamp {
    Timestamp(u64::from_be_bytes(field(base, at)))
}

fn estimate_at(base: &[u8; AUTHENTICATED_BYTES], at: usize) -> ErrorEstimate {
    ErrorEstimate(u16_at(base, at))
}
