//! UDP sockets that time what they receive, over IPv4 and IPv6.
use crate::kernel_time::TimedSocket;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket for one peer: what others send does not reach it, and errors that the network reports
/// (`ECONNREFUSED`, `EHOSTUNREACH`) do. Sends nothing.
pub fn connect(peer: SocketAddr) -> io::Result<TimedSocket> {
    let own: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = open(own)?;
    socket.connect(&SockAddr::from(peer))?;
    TimedSocket::new(socket)
}

/// A socket that listens on `address`; on an IPv6 wildcard, to IPv4 as well. On a wildcard it tells
/// which address each datagram was sent to.
pub fn bind(address: SocketAddr) -> io::Result<TimedSocket> {
    let socket = TimedSocket::new(open(address)?)?;
    if address.ip().is_unspecified() {
        socket.ask_for_destination()?;
    }
    Ok(socket)
}

fn open(own: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(own), Type::DGRAM, Some(Protocol::UDP))?;
    if own.is_ipv6() {
        socket.set_only_v6(!own.ip().is_unspecified())?;
    }
    socket.bind(&SockAddr::from(own))?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
