//! Echo requests, where the system permits their socket.
use super::Verdict;
use super::packets::{Batches, Heard, Packets};
use crate::clock::Stopwatch;
use crate::icmp::{Arrival, CannotPing, EchoSocket};
use crate::settings::NetSettings;
use std::io;
use std::net::IpAddr;

pub(super) struct Echoes<'a> {
    socket: EchoSocket,
    clock: &'a Stopwatch,
}

impl<'a> Echoes<'a> {
    pub(super) fn open(
        settings: &NetSettings,
        clock: &'a Stopwatch,
        target: IpAddr,
    ) -> io::Result<Batches<Self>> {
        let socket = EchoSocket::open(settings, target).map_err(|error| match error {
            CannotPing::Socket(error) => error,
            CannotPing::NotPermitted | CannotPing::SpecialAddress => {
                io::ErrorKind::PermissionDenied.into()
            }
        })?;
        Ok(Batches::new(Self { socket, clock }, clock))
    }
}

impl Packets for Echoes<'_> {
    fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        self.socket.set_ttl(ttl)
    }

    fn send(&self, number: u16) -> io::Result<i64> {
        self.socket.send(self.clock, number)
    }

    async fn hear(&self) -> io::Result<Option<Heard>> {
        let target = self.socket.target();
        Ok(match self.socket.next(self.clock).await? {
            Arrival::Reply {
                sequence,
                at_ns,
                by_kernel,
                ..
            } => Some(Heard {
                number: Some(sequence),
                from: target,
                at_ns,
                by_kernel,
                verdict: Verdict::Target,
            }),
            Arrival::Error {
                sequence,
                at_ns,
                by_kernel,
                from: Some(from),
                message,
            } => Some(Heard {
                number: Some(sequence),
                from,
                at_ns,
                by_kernel,
                verdict: Verdict::of(message, from, target),
            }),
            Arrival::Error { from: None, .. } | Arrival::Unrelated => None,
        })
    }
}
