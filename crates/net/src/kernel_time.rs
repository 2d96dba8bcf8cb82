//! Datagrams with the time at which the kernel took them from the network, and their TTL: for UDP
//! and ICMP alike.
//!
//! The kernel stamps a datagram by the wall clock (`SO_TIMESTAMPNS`) before any program wakes, so
//! that a busy processor does not lengthen a round trip. A wall clock may be set while a train runs;
//! so the stamp is used only to learn how old the datagram is when we read it, and its arrival is
//! that long ago on the monotonic clock. A stamp that makes no sense (the clock was set in between)
//! is not used, and [`Received::by_kernel`] says so.
use crate::clock::Stopwatch;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use socket2::{SockAddr, Socket};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Oldest datagram whose stamp is believed, nanoseconds: no queue of a socket is older while
/// somebody reads it, and whatever is older is a clock that was set.
const AGE_MAX_NS: i64 = 5_000_000_000;

/// What wakes a reader: a datagram, or an error that the network reported.
pub(crate) const ARRIVING: Interest = Interest::READABLE.add(Interest::ERROR);

/// A datagram that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes of it that are in the buffer.
    pub bytes: usize,
    /// True when the buffer was too short for all of it.
    pub truncated: bool,
    /// Who sent it, where the socket says.
    pub source: Option<SocketAddr>,
    /// When it arrived, nanoseconds of the stopwatch.
    pub at_ns: i64,
    /// When it arrived by the wall clock, nanoseconds since the Unix epoch.
    pub wall_ns: i64,
    /// Whether the kernel timed it; else it was timed when this program read it.
    pub by_kernel: bool,
    /// TTL (IPv4) or hop limit (IPv6) that it arrived with.
    pub ttl: Option<u8>,
    /// Which of this machine's addresses it was sent to, where the socket was asked to tell.
    pub to: Option<IpAddr>,
}

/// A datagram socket that times what it receives.
#[derive(Debug)]
pub struct TimedSocket {
    inner: AsyncFd<Socket>,
}

impl TimedSocket {
    /// Makes `socket` non-blocking and asks the kernel for times and TTLs. Must be called within a
    /// tokio runtime.
    pub fn new(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        ask_for_ttl(&socket)?;
        Ok(Self {
            inner: watch(socket)?,
        })
    }

    /// The socket itself, for its options.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        self.inner.get_ref()
    }

    /// Where it is bound.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket()
            .local_addr()?
            .as_socket()
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Asks for the address that each datagram was sent to: a machine may have several, and an
    /// answer from another one than was asked is thrown away by whoever asked.
    pub(crate) fn ask_for_destination(&self) -> io::Result<()> {
        let socket = self.socket();
        if socket.domain()? == socket2::Domain::IPV4 {
            return Ok(setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?);
        }
        Ok(setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?)
    }

    /// Waits for the next datagram. An error of an earlier send that the network reported (as
    /// `ECONNREFUSED` on a connected socket) is returned once; the socket stays good.
    pub async fn receive(&self, clock: &Stopwatch, buffer: &mut [u8]) -> io::Result<Received> {
        self.inner
            .async_io(ARRIVING, |socket| receive_now(socket, clock, buffer))
            .await
    }

    /// Waits until `take` finds something: it is tried whenever what is of interest has happened
    /// ([`ARRIVING`]: a datagram or a report of the error queue), and says by an error of kind
    /// `WouldBlock` that there is nothing.
    pub(crate) async fn when_ready<T>(
        &self,
        interest: Interest,
        take: impl FnMut(&Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        self.inner.async_io(interest, take).await
    }

    /// Sends to the connected peer. `stamp` is called just before each attempt with the time, in
    /// nanoseconds of `clock`, and returns the datagram; the time of the attempt that was taken is
    /// returned.
    pub async fn send(
        &self,
        clock: &Stopwatch,
        mut stamp: impl FnMut(i64) -> Vec<u8>,
    ) -> io::Result<i64> {
        self.inner
            .async_io(Interest::WRITABLE, |socket| {
                let at_ns = clock.elapsed_ns();
                socket.send(&stamp(at_ns)).map(|_| at_ns)
            })
            .await
    }

    /// Sends to `to` now or not at all: a full buffer is an error of kind `WouldBlock`.
    pub fn send_to_now(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.socket().send_to(bytes, &SockAddr::from(to)).map(drop)
    }

    /// Answers a datagram now or not at all, from the address that it was sent to where that is
    /// known.
    pub fn answer_now(&self, bytes: &[u8], question: &Received) -> io::Result<()> {
        let to = question.source.ok_or(io::ErrorKind::InvalidInput)?;
        match question.to.map(IpAddr::into) {
            None => self.send_to_now(bytes, to),
            Some(from) => send_from(self.socket(), bytes, &from, to),
        }
    }
}

/// An address of ours as the kernel's message about it names it.
enum Own {
    V4(libc::in_pktinfo),
    V6(libc::in6_pktinfo),
}

impl From<IpAddr> for Own {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from_ne_bytes(v4.octets()),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            }),
            IpAddr::V6(v6) => Self::V6(libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: v6.octets(),
                },
                ipi6_ifindex: 0,
            }),
        }
    }
}

fn send_from(socket: &Socket, bytes: &[u8], from: &Own, to: SocketAddr) -> io::Result<()> {
    let control = match from {
        Own::V4(from) => ControlMessage::Ipv4PacketInfo(from),
        Own::V6(from) => ControlMessage::Ipv6PacketInfo(from),
    };
    sendmsg(
        socket.as_raw_fd(),
        &[IoSlice::new(bytes)],
        &[control],
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(to)),
    )?;
    Ok(())
}

/// Has the runtime watch `socket`.
#[expect(
    unsafe_code,
    reason = "tokio's safe constructors are deprecated; a `Socket` keeps its descriptor open until it is dropped"
)]
fn watch(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: `Socket` owns its descriptor, returns the same one each time and closes it when it is
    // dropped; the field that holds it is private and nothing here moves it out.
    let watched = unsafe { AsyncFd::register_with_interest(socket, ARRIVING | Interest::WRITABLE) };
    Ok(watched?)
}

/// Asks for the TTL of each datagram; a socket of IPv6 may receive IPv4 too.
fn ask_for_ttl(socket: &Socket) -> io::Result<()> {
    if socket.domain()? == socket2::Domain::IPV4 {
        return Ok(setsockopt(socket, sockopt::Ipv4RecvTtl, &true)?);
    }
    socket.set_recv_hoplimit_v6(true)?;
    // A raw socket is of one family, and refuses options of the other.
    if !socket.only_v6()? && socket.r#type()? != socket2::Type::RAW {
        setsockopt(socket, sockopt::Ipv4RecvTtl, &true)?;
    }
    Ok(())
}

/// Takes a datagram that is there; an error of kind `WouldBlock` when there is none.
pub fn receive_now(
    socket: impl AsFd,
    clock: &Stopwatch,
    buffer: &mut [u8],
) -> io::Result<Received> {
    let mut control = nix::cmsg_space!(
        nix::sys::time::TimeSpec,
        libc::c_int,
        libc::c_int,
        libc::in6_pktinfo
    );
    let mut parts = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrStorage>(
        socket.as_fd().as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::empty(),
    )?;
    let (read_ns, read_wall_ns) = clock.both_ns();
    let (mut stamped_ns, mut ttl, mut to) = (None, None, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(time) => {
                stamped_ns = Some(time.tv_sec() * 1_000_000_000 + time.tv_nsec());
            }
            ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => {
                ttl = u8::try_from(hops).ok();
            }
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let octets = info.ipi_addr.s_addr.to_ne_bytes();
                to = Some(Ipv4Addr::from(octets).into());
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                to = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
            }
            _ => {}
        }
    }
    let age_ns = believable_age(stamped_ns, read_wall_ns);
    Ok(Received {
        bytes: message.bytes,
        truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        source: message.address.as_ref().and_then(to_socket_addr),
        at_ns: read_ns - age_ns.unwrap_or(0),
        wall_ns: read_wall_ns - age_ns.unwrap_or(0),
        by_kernel: age_ns.is_some(),
        ttl,
        to,
    })
}

/// How long before `read_wall_ns` the kernel stamped it, when that can be.
pub(crate) fn believable_age(stamped_ns: Option<i64>, read_wall_ns: i64) -> Option<i64> {
    let age_ns = read_wall_ns - stamped_ns?;
    (0..=AGE_MAX_NS).contains(&age_ns).then_some(age_ns)
}

fn to_socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4));
    let v6 = || address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6));
    v4.map(SocketAddr::from)
        .or_else(|| v6().map(SocketAddr::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_from_a_clock_that_was_set_is_not_believed() {
        assert_eq!(believable_age(Some(1_000), 4_000), Some(3_000));
        assert_eq!(believable_age(Some(4_000), 1_000), None, "set back");
        assert_eq!(believable_age(Some(0), AGE_MAX_NS + 1), None, "set forward");
        assert_eq!(believable_age(None, 1_000), None);
    }
}
