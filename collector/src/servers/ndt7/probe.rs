//! Reads the kernel's view of one connection into measurements.
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use tokio::net::TcpStream;
use tonle_net::clock::Stopwatch;
use tonle_net::tcp_info;
use tonle_wire::ndt7::{AppInfo, BbrInfo, ConnectionInfo, Direction, Measurement, TcpInfo};

/// A second handle on a connection, which stays readable under TLS. Sends and receives nothing.
pub(super) struct Probe {
    socket: OwnedFd,
    ends: ConnectionInfo,
}

impl Probe {
    pub(super) fn new(stream: &TcpStream, peer: SocketAddr) -> io::Result<Self> {
        // Measurements and Pings must not wait for load to fill a segment.
        stream.set_nodelay(true)?;
        Ok(Self {
            socket: stream.as_fd().try_clone_to_owned()?,
            ends: ConnectionInfo::new(peer, stream.local_addr()?),
        })
    }

    /// Asks for a congestion control, best effort, and says which is in use.
    pub(super) fn use_congestion_control(&self, wanted: Option<&str>) -> String {
        if let Some(name) = wanted
            && let Err(error) = tcp_info::set_congestion_control(&self.socket, name)
        {
            tracing::debug!(%error, wanted = name, "ndt7: cannot use {name}: {error}");
        }
        tcp_info::congestion_control(&self.socket).unwrap_or_else(|_| "unknown".to_owned())
    }

    /// One measurement. `load_bytes`: payload of the direction's load so far.
    ///
    /// BBR is read before `TCP_INFO`, so that the latter's state tells whether the connection was
    /// still open. Where the kernel tells nothing, what stock clients need of it for an upload is
    /// made up from our own count.
    pub(super) fn measure(
        &self,
        clock: &Stopwatch,
        direction: Direction,
        load_bytes: u64,
    ) -> Measurement {
        let num_bytes = i64::try_from(load_bytes).unwrap_or(i64::MAX);
        let bbr = tcp_info::read_bbr(&self.socket).ok().flatten();
        let tcp = tcp_info::read(&self.socket).unwrap_or_else(|_| TcpInfo {
            bytes_received: (direction == Direction::Upload).then_some(num_bytes),
            ..TcpInfo::default()
        });
        let elapsed_us = Some(clock.elapsed_us());
        Measurement {
            app_info: Some(AppInfo {
                elapsed_us,
                num_bytes: Some(num_bytes),
            }),
            connection_info: Some(self.ends.clone()),
            bbr_info: bbr.map(|bbr| BbrInfo { elapsed_us, ..bbr }),
            tcp_info: Some(TcpInfo { elapsed_us, ..tcp }),
            origin: Some("server".to_owned()),
            test: Some(direction.as_str().to_owned()),
        }
    }
}
