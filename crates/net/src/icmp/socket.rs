//! The socket of one train of echoes: a datagram one where the system permits it, else a raw one.
//!
//! 1. A train has a socket of its own, with a new identifier (the kernel's with a datagram socket, a
//!    random one with a raw socket) and a new cookie: firewalls that limit one identifier's rate do
//!    not add up our trains, and no other program's replies are taken for ours.
//! 2. The time of a send is read just before the system call; that of an arrival is the kernel's
//!    ([`crate::kernel_time`]).
//! 3. What routers answer is read from the error queue ([`crate::error_queue`]) with either socket.
use super::packet::{self, Cookie, Echo, Family, MESSAGE_BYTES};
use super::{CannotPing, Unreachable};
use crate::clock::Stopwatch;
use crate::error_queue::{self, Message};
use crate::kernel_time::{ARRIVING, TimedSocket, receive_now};
use crate::settings::NetSettings;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Room for an echo reply with the longest IPv4 header, and for what an error quotes.
const BUFFER_BYTES: usize = 60 + MESSAGE_BYTES + 512;

/// The socket of one train.
#[derive(Debug)]
pub struct EchoSocket {
    socket: TimedSocket,
    target: IpAddr,
    family: Family,
    is_raw: bool,
    identifier: u16,
    cookie: Cookie,
    unreachable: Unreachable,
}

/// What reached the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A reply of the target.
    Reply {
        /// Which probe it answers.
        sequence: u16,
        /// When it arrived, nanoseconds of the stopwatch.
        at_ns: i64,
        /// Whether the kernel timed it.
        by_kernel: bool,
        /// TTL or hop limit that it arrived with.
        ttl: Option<u8>,
    },
    /// An ICMP error about a probe.
    Error {
        /// Which probe it is about.
        sequence: u16,
        /// When it arrived, nanoseconds of the stopwatch.
        at_ns: i64,
        /// Whether the kernel timed it.
        by_kernel: bool,
        /// Who sent it.
        from: Option<IpAddr>,
        /// What it says.
        message: Message,
    },
    /// Something that is not ours.
    Unrelated,
}

impl EchoSocket {
    /// Opens a datagram socket, else a raw one. Sends nothing. Must be called within a tokio
    /// runtime.
    pub fn open(settings: &NetSettings, target: IpAddr) -> Result<Self, CannotPing> {
        if !settings.may_contact(target) {
            return Err(CannotPing::SpecialAddress);
        }
        match Self::of_kind(target, Type::DGRAM) {
            Err(error) if may_be_raw(&error) => Self::of_kind(target, Type::RAW),
            opened => opened,
        }
        .map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => CannotPing::NotPermitted,
            _ => CannotPing::Socket(error),
        })
    }

    fn of_kind(target: IpAddr, kind: Type) -> io::Result<Self> {
        let (family, domain, protocol) = match target {
            IpAddr::V4(_) => (Family::V4, Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Family::V6, Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, kind, Some(protocol))?;
        error_queue::ask(&socket)?;
        // Connected, a raw socket hears no one but the target, besides errors about our packets.
        let peer = SockAddr::from(SocketAddr::new(target, 0));
        let unreachable = Unreachable::of(socket.connect(&peer));
        Ok(Self {
            socket: TimedSocket::new(socket)?,
            target,
            family,
            is_raw: kind == Type::RAW,
            identifier: rand::random(),
            cookie: rand::random(),
            unreachable,
        })
    }

    /// Which socket it is: `icmp_datagram` or `icmp_raw`.
    #[must_use]
    pub fn probe(&self) -> &'static str {
        if self.is_raw {
            "icmp_raw"
        } else {
            "icmp_datagram"
        }
    }

    /// Whom it probes.
    #[must_use]
    pub fn target(&self) -> IpAddr {
        self.target
    }

    /// TTL or hop limit of the probes from now on.
    pub fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        match self.family {
            Family::V4 => self.socket.socket().set_ttl_v4(ttl.into()),
            Family::V6 => self.socket.socket().set_unicast_hops_v6(ttl.into()),
        }
    }

    /// Sends a probe and says when, in nanoseconds of `clock`.
    pub fn send(&self, clock: &Stopwatch, sequence: u16) -> io::Result<i64> {
        self.unreachable.check()?;
        let socket = self.socket.socket();
        // An error that a router reported of an earlier probe would end this send; its report stays
        // in the error queue.
        let _ = socket.take_error();
        let echo = Echo {
            identifier: self.identifier,
            sequence,
        };
        let message = packet::request(self.family, echo, self.cookie);
        let sent_ns = clock.elapsed_ns();
        socket.send(&message)?;
        Ok(sent_ns)
    }

    /// Waits for the next arrival.
    pub async fn next(&self, clock: &Stopwatch) -> io::Result<Arrival> {
        self.socket
            .when_ready(ARRIVING, |socket| self.take(socket, clock))
            .await
    }

    fn take(&self, socket: &Socket, clock: &Stopwatch) -> io::Result<Arrival> {
        let mut buffer = [0; BUFFER_BYTES];
        if let Some(report) = error_queue::take(socket, clock, &mut buffer)? {
            let quoted = &buffer[..report.quoted_bytes];
            let echo = packet::quoted(self.family, quoted, self.cookie);
            return Ok(self
                .ours(echo)
                .map_or(Arrival::Unrelated, |sequence| Arrival::Error {
                    sequence,
                    at_ns: report.at_ns,
                    by_kernel: report.by_kernel,
                    from: report.from,
                    message: report.message,
                }));
        }
        let received = receive_now(socket, clock, &mut buffer)?;
        let message = Some(&buffer[..received.bytes]);
        let message = message.and_then(|packet| match (self.is_raw, self.family) {
            (true, Family::V4) => packet::behind_ip_header(packet),
            _ => Some(packet),
        });
        let echo = message.and_then(|message| packet::reply(self.family, message, self.cookie));
        Ok(self
            .ours(echo)
            .map_or(Arrival::Unrelated, |sequence| Arrival::Reply {
                sequence,
                at_ns: received.at_ns,
                by_kernel: received.by_kernel,
                ttl: received.ttl,
            }))
    }

    /// The sequence of an echo of this train. With a datagram socket the kernel has looked at the
    /// identifier, which is its own.
    fn ours(&self, echo: Option<Echo>) -> Option<u16> {
        let echo = echo?;
        (!self.is_raw || echo.identifier == self.identifier).then_some(echo.sequence)
    }
}

/// Whether a raw socket may do where the datagram one could not be opened: it was refused, or this
/// kernel has none.
fn may_be_raw(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
        || matches!(
            error.raw_os_error(),
            Some(libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT)
        )
}
