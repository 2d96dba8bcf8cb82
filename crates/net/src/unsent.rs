//! Keeping a socket's own queue short: what waits unsent in the kernel delays whatever is written
//! next, and a test of responsiveness would measure the sender's buffer instead of the line.
//!
//! `TCP_NOTSENT_LOWAT` is set to what the line takes in 5 ms (draft-ietf-ippm-responsiveness-09,
//! "Send Buffer"), and again as the rate changes. Best effort: where the kernel has no such option
//! the queue stays as it is.
use crate::clock::Stopwatch;
use crate::tcp_info;
use socket2::SockRef;
use std::os::fd::OwnedFd;

/// Time that unsent bytes may wait, microseconds.
const WAIT_US: u64 = 5_000;
/// Least that may wait: half a segment.
const MIN_BYTES: u64 = 625;
/// Most that may wait, of a rate that no line has.
const MAX_BYTES: u64 = 4 << 20;
/// What may wait before the rate is known: the first flight of a connection.
const START_BYTES: u32 = 16 << 10;
/// Shortest time between two looks at the rate, microseconds.
const LOOK_EVERY_US: i64 = 20_000;

/// The limit of one connection.
#[derive(Debug)]
pub struct UnsentLimit {
    socket: OwnedFd,
    clock: Stopwatch,
    next_look_us: i64,
    bytes: u32,
}

impl UnsentLimit {
    /// Limits the connection of `socket`, which may be a second handle on it.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        let limit = Self {
            socket,
            clock: Stopwatch::start(),
            next_look_us: 0,
            bytes: START_BYTES,
        };
        limit.set();
        limit
    }

    /// What may wait now; follows the rate when it is asked again and again. A sender writes pieces
    /// no larger than this.
    pub fn bytes(&mut self) -> usize {
        let now_us = self.clock.elapsed_us();
        if now_us >= self.next_look_us {
            self.next_look_us = now_us + LOOK_EVERY_US;
            self.follow_the_rate();
        }
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// The kernel's pacing rate is that of its congestion window, so it does not sink because a
    /// sender was late with its next piece, as a measured rate would.
    fn follow_the_rate(&mut self) {
        let info = tcp_info::read(&self.socket).ok();
        let rate = info.and_then(|info| info.pacing_rate_bytes_per_s);
        let Some(rate) = rate.and_then(|rate| u64::try_from(rate).ok()) else {
            return;
        };
        let bytes = waiting_bytes(rate);
        if bytes != self.bytes {
            self.bytes = bytes;
            self.set();
        }
    }

    fn set(&self) {
        // Best effort, see the top of this file.
        let _ = SockRef::from(&self.socket).set_tcp_notsent_lowat(self.bytes);
    }
}

/// What a rate takes in the time that bytes may wait.
fn waiting_bytes(rate_bytes_per_s: u64) -> u32 {
    let bytes = rate_bytes_per_s.saturating_mul(WAIT_US) / 1_000_000;
    u32::try_from(bytes.clamp(MIN_BYTES, MAX_BYTES)).expect("at most MAX_BYTES")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn five_milliseconds_of_the_rate_may_wait() {
        assert_eq!(waiting_bytes(125_000), 625, "1 Mbit/s");
        assert_eq!(waiting_bytes(12_500_000), 62_500, "100 Mbit/s");
        assert_eq!(waiting_bytes(0), 625);
        assert_eq!(waiting_bytes(u64::MAX), 4 << 20);
    }

    #[test]
    fn the_limit_is_set_on_the_socket_and_follows_its_rate() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut limit = UnsentLimit::new(client.try_clone().unwrap().into());
        assert_eq!(
            SockRef::from(&client).tcp_notsent_lowat().unwrap(),
            16 << 10
        );
        let bytes = limit.bytes();
        let on_socket = SockRef::from(&client).tcp_notsent_lowat().unwrap();
        assert_eq!(usize::try_from(on_socket).unwrap(), bytes);
        assert!(bytes >= 625);
    }
}
