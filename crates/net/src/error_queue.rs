//! What routers and hosts answer by ICMP to packets of ours, read from a socket's error queue
//! (`IP_RECVERR`, `IPV6_RECVERR`): no privilege is needed for one's own socket.
use crate::clock::Stopwatch;
use crate::kernel_time::believable_age;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::Socket;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use tonle_evidence::failure::Failure;

/// An ICMP message that answers a packet of ours with anything but success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// Who sent it; absent when our own system refused the packet.
    pub from: Option<IpAddr>,
    /// What it says.
    pub message: Message,
    /// When it arrived, nanoseconds of the stopwatch.
    pub at_ns: i64,
    /// Whether the kernel timed it; else it was timed when this program read it.
    pub by_kernel: bool,
    /// Bytes of our packet that it quotes, behind the IP header and, for UDP and TCP, behind the
    /// first header: how many of them are in the buffer.
    pub quoted_bytes: usize,
}

/// Type and code of an ICMP message (RFC 792) or an ICMPv6 one (RFC 4443).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// True for ICMPv6.
    pub is_v6: bool,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
}

impl Message {
    /// Whether the packet's TTL or hop limit ended on the way.
    #[must_use]
    pub fn is_ttl_end(self) -> bool {
        let exceeded = if self.is_v6 { 3 } else { 11 };
        (self.kind, self.code) == (exceeded, 0)
    }

    /// Whether it says that nothing listens on the port: only the host itself says so.
    #[must_use]
    pub fn is_port_unreachable(self) -> bool {
        let expected = if self.is_v6 { (1, 4) } else { (3, 3) };
        (self.kind, self.code) == expected
    }

    /// The name of what it says.
    #[must_use]
    pub fn failure(self) -> Failure {
        match (self.is_v6, self.kind, self.code) {
            (false, 3, 0) | (true, 1, 0) => Failure::NetworkUnreachable,
            (false, 3, _) | (true, 1, _) => Failure::HostUnreachable,
            (_, kind, code) => Failure::unknown(&format!("icmp type {kind} code {code}")),
        }
    }
}

/// Asks the kernel to keep what is reported about the socket's packets.
pub fn ask(socket: &Socket) -> io::Result<()> {
    if socket.domain()? == socket2::Domain::IPV4 {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
    }
    Ok(())
}

/// Takes one report, with what it quotes in `buffer`; `None` when there is none.
pub fn take(socket: &Socket, clock: &Stopwatch, buffer: &mut [u8]) -> io::Result<Option<Reported>> {
    let mut control = nix::cmsg_space!(
        libc::sock_extended_err,
        libc::sockaddr_in6,
        nix::sys::time::TimeSpec,
        libc::c_int
    );
    let mut parts = [IoSliceMut::new(buffer)];
    let received = recvmsg::<SockaddrStorage>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
    );
    let message = match received {
        Ok(message) => message,
        Err(nix::Error::EAGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (read_ns, read_wall_ns) = clock.both_ns();
    let (mut stamped_ns, mut report) = (None, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(time) => {
                stamped_ns = Some(time.tv_sec() * 1_000_000_000 + time.tv_nsec());
            }
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                let from = from.map(|from| Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr)));
                report = Some((error, from.map(IpAddr::from)));
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                let from = from.map(|from| Ipv6Addr::from(from.sin6_addr.s6_addr));
                report = Some((error, from.map(IpAddr::from)));
            }
            _ => {}
        }
    }
    let age_ns = believable_age(stamped_ns, read_wall_ns);
    Ok(report.map(|(error, from)| Reported {
        from: from.filter(|_| error.ee_origin != libc::SO_EE_ORIGIN_LOCAL),
        message: Message {
            is_v6: error.ee_origin == libc::SO_EE_ORIGIN_ICMP6,
            kind: error.ee_type,
            code: error.ee_code,
        },
        at_ns: read_ns - age_ns.unwrap_or(0),
        by_kernel: age_ns.is_some(),
        quoted_bytes: message.bytes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel_time::ARRIVING;
    use crate::udp;

    #[tokio::test]
    async fn a_closed_port_is_reported_by_the_host_itself_with_what_was_sent() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let clock = Stopwatch::start();
            let gone = udp::bind(address.parse().unwrap()).unwrap();
            let target = gone.local_addr().unwrap();
            drop(gone);
            let near = udp::connect(target).unwrap();
            ask(near.socket()).unwrap();
            let sent_ns = near.send(&clock, |_| b"hello".to_vec()).await.unwrap();
            let mut buffer = [0; 64];
            let taken = near
                .when_ready(ARRIVING, |socket| {
                    take(socket, &clock, &mut buffer)?.ok_or(io::ErrorKind::WouldBlock.into())
                })
                .await
                .unwrap();
            assert_eq!(taken.from, Some(target.ip()));
            assert!(taken.message.is_port_unreachable(), "{taken:?}");
            assert!(!taken.message.is_ttl_end());
            assert!(taken.at_ns >= sent_ns);
            assert_eq!(&buffer[..taken.quoted_bytes], b"hello");
            assert_eq!(take(near.socket(), &clock, &mut buffer).unwrap(), None);
        }
    }

    #[test]
    fn what_a_router_says_has_its_name_in_both_families() {
        let said = |is_v6, kind, code| Message { is_v6, kind, code };
        assert!(said(false, 11, 0).is_ttl_end() && said(true, 3, 0).is_ttl_end());
        assert!(!said(false, 3, 0).is_ttl_end() && !said(true, 11, 0).is_ttl_end());
        assert_eq!(said(false, 3, 0).failure(), Failure::NetworkUnreachable);
        assert_eq!(said(true, 1, 3).failure(), Failure::HostUnreachable);
        let other = said(false, 11, 0).failure();
        assert_eq!(other.name(), "unknown_failure: icmp type 11 code 0");
    }
}
