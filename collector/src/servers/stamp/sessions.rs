//! Pure: the sessions of the reflector, and what becomes of a packet.
//!
//! 1. A session belongs to the address that asked for it, over TCP, and so is really there. It ends
//!    after [`LIFE_S`], or with its last packet.
//! 2. A packet is dropped, and nobody told, at the first of these that it fails: its length; a
//!    session of its SSID that has not ended, for the address it came from; the HMAC of that
//!    session's key; the packets left to the session; the rates of the session and of its source.
//! 3. A packet makes no memory before it has passed its HMAC.
//! 4. A reply is as long as its packet, and its number is the session's own count.
//! 5. Open packets (without HMAC) are answered only to networks that the operator named, for tests,
//!    and at the rate of a source; no state is kept of them, so their own number comes back.
use crate::ingest::source::Cidr;
use crate::limit::{Limiter, Rate};
use crate::servers::admission::source_of;
use std::collections::HashMap;
use std::net::IpAddr;
use tonle_wire::stamp::packet::ssid_of;
use tonle_wire::stamp::reflect::{self, Reflection};
use tonle_wire::stamp::{
    AUTHENTICATED_BYTES, ErrorEstimate, Key, OPEN_BYTES, PACKET_MAX_BYTES, SenderPacket, Timestamp,
};

/// Life of a session, seconds: the longest run that uses one.
pub const LIFE_S: u32 = 120;
/// Packets of a session: such a run, at the rate that our agents send at, twice.
pub const PACKETS_MAX: u32 = 2_400;
/// Packets per second of a session, over a long time; as many at once.
pub const RATE_MAX_PPS: u32 = 50;
/// Sessions at the same time.
const SESSIONS_MAX: usize = 8_192;
/// Sessions at the same time from one source for each test that it may run at once: a session
/// outlives the test that it was for.
const SESSIONS_PER_TEST: usize = 4;
/// Sessions per second that one source may ask for over a long time, and at once.
const GRANTS_PER_S: f64 = 1.0;
const GRANTS_BURST: f64 = 32.0;

/// Sessions and open networks of a reflector.
pub struct Sessions {
    by_ssid: HashMap<u16, Session>,
    /// Sessions of each source that has any.
    by_source: HashMap<IpAddr, usize>,
    per_source_max: usize,
    open: Vec<Cidr>,
    grants: Limiter<IpAddr>,
    session_rate: Limiter<u16>,
    source_rate: Limiter<IpAddr>,
}

struct Session {
    key: Key,
    address: IpAddr,
    ends_us: i64,
    reflected: u32,
}

/// Why no session is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSession {
    /// There are as many as there can be.
    #[error("the reflector has as many sessions as it can; try later")]
    Overload,
    /// This source has, or asked for, too many.
    #[error("too many sessions for this source; try later")]
    Source,
}

/// Why a packet is not answered. Nobody outside is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Shorter than its layout, or longer than a packet may be.
    Length,
    /// Of no session, of one that has ended, or not from its address.
    Session,
    /// Not authenticated by the session's key.
    Hmac,
    /// More than the session or its source may send.
    Excess,
}

/// A packet as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub from: IpAddr,
    /// When (T2).
    pub receive: Timestamp,
    /// TTL or hop limit, where it is known.
    pub ttl: Option<u8>,
}

impl Sessions {
    /// None yet. `tests_per_source` is how many tests one source may run at once; `open` are the
    /// networks whose open packets are answered.
    #[must_use]
    pub fn new(tests_per_source: usize, open: Vec<Cidr>) -> Self {
        let pps = f64::from(RATE_MAX_PPS);
        let per_source_max = tests_per_source.saturating_mul(SESSIONS_PER_TEST);
        let of_source = pps * per_source_max.min(SESSIONS_MAX) as f64;
        Self {
            by_ssid: HashMap::new(),
            by_source: HashMap::new(),
            per_source_max,
            open,
            grants: Limiter::new(Rate::new(GRANTS_PER_S, GRANTS_BURST)),
            session_rate: Limiter::new(Rate::new(pps, pps)),
            source_rate: Limiter::new(Rate::new(of_source, of_source)),
        }
    }

    /// Begins a session for `address` with this key, at `now_us` of a monotonic clock, and returns
    /// its SSID: `wish`, or the next one that is free. 0 is nobody's.
    pub fn grant(
        &mut self,
        now_us: i64,
        address: IpAddr,
        key: Key,
        wish: u16,
    ) -> Result<u16, NoSession> {
        let source = source_of(address);
        let asked = self.grants.take(source, 1.0, now_us);
        asked.map_err(|_wait_s| NoSession::Source)?;
        self.forget_ended(now_us);
        let of_source = self.by_source.get(&source).copied().unwrap_or(0);
        if of_source >= self.per_source_max {
            return Err(NoSession::Source);
        }
        if self.by_ssid.len() >= SESSIONS_MAX {
            return Err(NoSession::Overload);
        }
        let mut ssid = wish.max(1);
        while self.by_ssid.contains_key(&ssid) {
            ssid = ssid.wrapping_add(1).max(1);
        }
        let session = Session {
            key,
            address: address.to_canonical(),
            ends_us: now_us + i64::from(LIFE_S) * 1_000_000,
            reflected: 0,
        };
        self.by_ssid.insert(ssid, session);
        self.by_source.insert(source, of_source + 1);
        Ok(ssid)
    }

    /// The reply to a packet, if it gets one. `clock` is asked last: when the reply leaves (T3), and
    /// how good that clock is.
    pub fn reflect(
        &mut self,
        now_us: i64,
        arrived: Arrived<'_>,
        clock: impl FnOnce() -> (Timestamp, ErrorEstimate),
    ) -> Result<Vec<u8>, Dropped> {
        if !(OPEN_BYTES..=PACKET_MAX_BYTES).contains(&arrived.bytes.len()) {
            return Err(Dropped::Length);
        }
        match self.of_session(now_us, arrived) {
            Ok((sender, key, sequence)) => answer(arrived, &sender, Some(&key), sequence, clock),
            Err(Dropped::Session | Dropped::Length) if self.is_open_to(arrived.from) => {
                let sender = self.of_nobody(now_us, arrived)?;
                answer(arrived, &sender, None, sender.sequence, clock)
            }
            Err(dropped) => Err(dropped),
        }
    }

    /// A packet of a session, with the session's key and the number of the reply.
    fn of_session(
        &mut self,
        now_us: i64,
        arrived: Arrived<'_>,
    ) -> Result<(SenderPacket, Key, u32), Dropped> {
        if arrived.bytes.len() < AUTHENTICATED_BYTES {
            return Err(Dropped::Length);
        }
        let ssid = ssid_of(arrived.bytes, true).ok_or(Dropped::Length)?;
        let from = arrived.from.to_canonical();
        let session = self.by_ssid.get_mut(&ssid).ok_or(Dropped::Session)?;
        if session.address != from || session.ends_us <= now_us {
            return Err(Dropped::Session);
        }
        let sender = SenderPacket::read(arrived.bytes, Some(&session.key))
            .map_err(|_not_authenticated| Dropped::Hmac)?;
        let is_within_rates = session.reflected < PACKETS_MAX
            && self.session_rate.take(ssid, 1.0, now_us).is_ok()
            && self.source_rate.take(source_of(from), 1.0, now_us).is_ok();
        if !is_within_rates {
            return Err(Dropped::Excess);
        }
        let sequence = session.reflected;
        session.reflected += 1;
        Ok((sender, session.key.clone(), sequence))
    }

    /// An open packet from a network that may send them.
    fn of_nobody(&self, now_us: i64, arrived: Arrived<'_>) -> Result<SenderPacket, Dropped> {
        let source = source_of(arrived.from);
        let within = self.source_rate.take(source, 1.0, now_us);
        within.map_err(|_wait_s| Dropped::Excess)?;
        SenderPacket::read(arrived.bytes, None).map_err(|_short| Dropped::Length)
    }

    fn is_open_to(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.open.iter().any(|network| network.contains(address))
    }

    fn forget_ended(&mut self, now_us: i64) {
        let by_source = &mut self.by_source;
        self.by_ssid.retain(|_, session| {
            let lives = session.ends_us > now_us && session.reflected < PACKETS_MAX;
            if !lives {
                forget_one(by_source, source_of(session.address));
            }
            lives
        });
    }
}

fn forget_one(by_source: &mut HashMap<IpAddr, usize>, source: IpAddr) {
    if let Some(count) = by_source.get_mut(&source) {
        *count -= 1;
        if *count == 0 {
            by_source.remove(&source);
        }
    }
}

fn answer(
    arrived: Arrived<'_>,
    sender: &SenderPacket,
    key: Option<&Key>,
    sequence: u32,
    clock: impl FnOnce() -> (Timestamp, ErrorEstimate),
) -> Result<Vec<u8>, Dropped> {
    let (transmit, error_estimate) = clock();
    let with = Reflection {
        sequence,
        receive: arrived.receive,
        transmit,
        error_estimate,
        sender_ttl: arrived.ttl.unwrap_or(0),
    };
    reflect::reply(arrived.bytes, sender, key, with).ok_or(Dropped::Length)
}

#[cfg(test)]
mod tests;
