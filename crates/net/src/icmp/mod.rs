//! ICMP echo: trains of probes whose times are evidence, and a plain "does it answer".
//!
//! - [`train`] is the prober of measurements: kernel receive times, own identifiers, TTLs,
//!   duplicates, late replies and what routers say. `latency` and `path` use it.
//! - [`reachable`] says whether a host answers at all. surge-ping stands behind it; its times are
//!   taken in user space after the fact, so none leaves that file. `doctor` uses it.
//!
//! Operations: `icmp_echo`, one probe, subject the address, from its send to its answer. Detail:
//! `probe` (`icmp_datagram` | `icmp_raw`), `sequence`, `kernel_time` (whether the kernel timed the
//! arrival), `ttl` of the reply, `sent: false` when the device has no way to the address; of an ICMP
//! error `icmp_type`, `icmp_code` and `from`. `icmp_reply`, a further arrival for a probe that is
//! already settled: `duplicate: true`, or `late: true` after its time was over.
mod ledger;
mod packet;
mod reach;
mod socket;
mod train;

pub use reach::{Reach, reachable};
pub use socket::{Arrival, EchoSocket};
pub use train::{Plan, train};

use std::io;
use std::net::IpAddr;

/// Bytes on the line of one echo to `target`, either way: IP header and message.
#[must_use]
pub fn echo_bytes(target: IpAddr) -> u64 {
    let header_bytes = if target.is_ipv4() { 20 } else { 40 };
    header_bytes + packet::MESSAGE_BYTES as u64
}

/// Why no echo can be sent to an address.
#[derive(Debug, thiserror::Error)]
pub enum CannotPing {
    /// Neither socket is permitted to this user.
    #[error("the system permits no ICMP socket to this user")]
    NotPermitted,
    /// The address is not on the Internet (see
    /// [`may_contact`](crate::settings::NetSettings::may_contact)).
    #[error("the address is not on the Internet")]
    SpecialAddress,
    /// The system cannot make the socket.
    #[error("cannot open an ICMP socket: {0}")]
    Socket(io::Error),
}

/// Why the device has no way to a target, found when its socket was connected: the first send says
/// so, because that is the moment a probe fails.
#[derive(Debug, Clone, Copy)]
struct Unreachable(Option<i32>);

impl Unreachable {
    fn of(connected: io::Result<()>) -> Self {
        let error = connected.err();
        Self(error.map(|error| error.raw_os_error().unwrap_or(libc::ENETUNREACH)))
    }

    fn check(self) -> io::Result<()> {
        self.0
            .map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code)))
    }
}

#[cfg(test)]
mod tests;
