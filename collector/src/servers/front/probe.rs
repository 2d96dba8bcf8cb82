//! The kernel's view of one connection.
use crate::servers::uuid::UuidPrefix;
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use tokio::net::TcpStream;
use tonle_net::tcp_info;
use tonle_net::unsent::UnsentLimit;
use tonle_wire::ndt7::{BbrInfo, TcpInfo};

/// A second handle on a connection, which stays readable under TLS. Sends and receives nothing.
#[derive(Debug)]
pub(in crate::servers) struct Probe {
    socket: OwnedFd,
    client: SocketAddr,
    server: SocketAddr,
    uuid: Option<String>,
}

impl Probe {
    pub(super) fn new(
        stream: &TcpStream,
        client: SocketAddr,
        uuids: Option<&UuidPrefix>,
    ) -> io::Result<Self> {
        // Measurements and Pings must not wait for load to fill a segment.
        stream.set_nodelay(true)?;
        Ok(Self {
            socket: stream.as_fd().try_clone_to_owned()?,
            client,
            server: stream.local_addr()?,
            uuid: uuids.and_then(|uuids| {
                let cookie = SockRef::from(stream).cookie().ok()?;
                Some(uuids.of_cookie(cookie))
            }),
        })
    }

    /// The client's end, as the socket names it.
    pub(in crate::servers) fn client(&self) -> SocketAddr {
        self.client
    }

    /// The server's end, as the socket names it.
    pub(in crate::servers) fn server(&self) -> SocketAddr {
        self.server
    }

    /// Asks for a congestion control, best effort, and says which is in use.
    pub(in crate::servers) fn use_congestion_control(&self, wanted: Option<&str>) -> String {
        if let Some(name) = wanted
            && let Err(error) = tcp_info::set_congestion_control(&self.socket, name)
        {
            tracing::debug!(%error, wanted = name, "servers: cannot use {name}: {error}");
        }
        tcp_info::congestion_control(&self.socket).unwrap_or_else(|_| "unknown".to_owned())
    }

    /// Keeps what waits unsent on this connection short, for as long as its sender asks.
    pub(in crate::servers) fn unsent_limit(&self) -> io::Result<UnsentLimit> {
        Ok(UnsentLimit::new(self.socket.try_clone()?))
    }

    /// Kernel counters; `None` where the kernel tells none.
    pub(in crate::servers) fn tcp_info(&self) -> Option<TcpInfo> {
        tcp_info::read(&self.socket).ok()
    }

    /// Internals of BBR while it is in use. To be read before [`Probe::tcp_info`], so that the
    /// latter's state tells whether the connection was still open.
    pub(in crate::servers) fn bbr_info(&self) -> Option<BbrInfo> {
        tcp_info::read_bbr(&self.socket).ok().flatten()
    }

    /// The connection's name, unique for this machine: `<host>_<boot time>_unsafe_<cookie>`.
    pub(in crate::servers) fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }
}
