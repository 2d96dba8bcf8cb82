//! SYNs to the port of the service: the way its own packets take. One connection at a time, always
//! from the same port; what is opened is reset at once.
use super::walk::Probe;
use super::{Answer, HOP_TIMEOUT, Hop, PROBES, Verdict, network};
use crate::clock::Stopwatch;
use crate::error_queue;
use crate::kernel_time::{ARRIVING, TimedSocket};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::Interest;

/// Room for what a router quotes of a SYN.
const BUFFER_BYTES: usize = 512;

pub(super) struct Connections<'a> {
    clock: &'a Stopwatch,
    target: SocketAddr,
    own_port: u16,
}

impl<'a> Connections<'a> {
    pub(super) fn open(clock: &'a Stopwatch, target: SocketAddr) -> io::Result<Self> {
        let mut connections = Self {
            clock,
            target,
            own_port: 0,
        };
        let address = connections.socket()?.local_addr()?;
        connections.own_port = address.as_socket().map_or(0, |own| own.port());
        Ok(connections)
    }

    fn socket(&self) -> io::Result<Socket> {
        let own: SocketAddr = match self.target {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, self.own_port).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, self.own_port).into(),
        };
        let socket = Socket::new(Domain::for_address(own), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Closing resets: the port is free for the next probe, and the service has no more of it.
        socket.set_linger(Some(Duration::ZERO))?;
        error_queue::ask(&socket)?;
        socket.bind(&SockAddr::from(own))?;
        Ok(socket)
    }

    /// Sends one SYN; when it left and what came back.
    async fn probe(&self, ttl: u8) -> io::Result<(i64, Option<Answer>)> {
        let socket = TimedSocket::new(self.socket()?)?;
        network::set_ttl(socket.socket(), self.target.ip(), ttl)?;
        let sent_ns = self.clock.elapsed_ns();
        match socket.socket().connect(&SockAddr::from(self.target)) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => {
                // On loopback the answer is there before the call returns.
                let answer = (error.kind() == io::ErrorKind::ConnectionRefused)
                    .then(|| self.answered_by_target(sent_ns));
                return answer.map_or(Err(error), |answer| Ok((sent_ns, Some(answer))));
            }
            _ => {}
        }
        let settled = socket.when_ready(ARRIVING | Interest::WRITABLE, |socket| {
            self.take(socket, sent_ns)
        });
        match tokio::time::timeout(HOP_TIMEOUT, settled).await {
            Ok(answer) => Ok((sent_ns, answer?)),
            Err(_) => Ok((sent_ns, None)),
        }
    }

    /// What became of a connection; an error of kind `WouldBlock` while it is not known.
    fn take(&self, socket: &Socket, sent_ns: i64) -> io::Result<Option<Answer>> {
        let mut buffer = [0; BUFFER_BYTES];
        if let Some(report) = error_queue::take(socket, self.clock, &mut buffer)? {
            return Ok(report.from.map(|from| Answer {
                from,
                rtt_us: micros(report.at_ns - sent_ns),
                by_kernel: report.by_kernel,
                verdict: Verdict::of(report.message, from, self.target.ip()),
            }));
        }
        match socket.take_error()? {
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Ok(Some(self.answered_by_target(sent_ns)))
            }
            Some(_) => Ok(None),
            None if socket.peer_addr().is_ok() => Ok(Some(self.answered_by_target(sent_ns))),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn answered_by_target(&self, sent_ns: i64) -> Answer {
        Answer {
            from: self.target.ip(),
            rtt_us: micros(self.clock.elapsed_ns() - sent_ns),
            by_kernel: false,
            verdict: Verdict::Target,
        }
    }
}

impl Probe for Connections<'_> {
    async fn hop(&mut self, ttl: u8) -> io::Result<Hop> {
        let (first_ns, first) = self.probe(ttl).await?;
        let mut hop = Hop {
            ttl,
            sent_us: first_ns / 1_000,
            probes: 1,
            answers: first.into_iter().collect(),
        };
        while !hop.answers.is_empty() && hop.probes < PROBES {
            let (_, answer) = self.probe(ttl).await?;
            hop.probes += 1;
            hop.answers.extend(answer);
        }
        Ok(hop)
    }
}

fn micros(ns: i64) -> i64 {
    (ns.max(0) + 500) / 1_000
}
