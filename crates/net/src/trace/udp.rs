//! Datagrams to a port where nothing listens: the target answers "port unreachable".
use super::Verdict;
use super::packets::{Batches, Heard, Packets};
use crate::clock::Stopwatch;
use crate::error_queue;
use crate::kernel_time::{ARRIVING, TimedSocket, receive_now};
use crate::udp;
use socket2::Socket;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// First port of traceroute; constant throughout, because it is part of the flow.
const PORT: u16 = 33_434;
/// Bytes of a probe: cookie, number, zeros.
const PAYLOAD_BYTES: usize = 32;
/// Room for an answer.
const BUFFER_BYTES: usize = 1_024;

type Cookie = [u8; 8];

pub(super) struct Datagrams<'a> {
    socket: TimedSocket,
    clock: &'a Stopwatch,
    target: IpAddr,
    cookie: Cookie,
}

impl<'a> Datagrams<'a> {
    pub(super) fn open(clock: &'a Stopwatch, target: IpAddr) -> io::Result<Batches<Self>> {
        let socket = udp::connect(SocketAddr::new(target, PORT))?;
        error_queue::ask(socket.socket())?;
        let datagrams = Self {
            socket,
            clock,
            target,
            cookie: rand::random(),
        };
        Ok(Batches::new(datagrams, clock))
    }

    fn take(&self, socket: &Socket) -> io::Result<Option<Heard>> {
        let mut buffer = [0; BUFFER_BYTES];
        let Some(report) = error_queue::take(socket, self.clock, &mut buffer)? else {
            // Connected: whoever sends a datagram is the target.
            let received = receive_now(socket, self.clock, &mut buffer)?;
            return Ok(Some(Heard {
                number: number_of(&buffer[..received.bytes], self.cookie),
                from: self.target,
                at_ns: received.at_ns,
                by_kernel: received.by_kernel,
                verdict: Verdict::Target,
            }));
        };
        let quoted = &buffer[..report.quoted_bytes];
        Ok(report.from.map(|from| Heard {
            number: number_of(quoted, self.cookie),
            from,
            at_ns: report.at_ns,
            by_kernel: report.by_kernel,
            verdict: Verdict::of(report.message, from, self.target),
        }))
    }
}

impl Packets for Datagrams<'_> {
    fn set_ttl(&self, ttl: u8) -> io::Result<()> {
        super::network::set_ttl(self.socket.socket(), self.target, ttl)
    }

    fn send(&self, number: u16) -> io::Result<i64> {
        let socket = self.socket.socket();
        // A report about an earlier probe would end this send; it stays in the error queue.
        let _ = socket.take_error();
        let mut payload = [0; PAYLOAD_BYTES];
        payload[..8].copy_from_slice(&self.cookie);
        payload[8..10].copy_from_slice(&number.to_be_bytes());
        let sent_ns = self.clock.elapsed_ns();
        socket.send(&payload)?;
        Ok(sent_ns)
    }

    async fn hear(&self) -> io::Result<Option<Heard>> {
        self.socket
            .when_ready(ARRIVING, |socket| self.take(socket))
            .await
    }
}

/// The number of the probe that these bytes are, or begin with.
fn number_of(payload: &[u8], cookie: Cookie) -> Option<u16> {
    let (head, rest) = payload.split_first_chunk::<8>()?;
    let number = rest.first_chunk::<2>()?;
    (*head == cookie).then(|| u16::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_payload_is_read_and_only_ours_has_a_number(bytes in proptest::collection::vec(any::<u8>(), 0..40), cookie: Cookie, number: u16) {
            if !bytes.starts_with(&cookie) {
                prop_assert_eq!(number_of(&bytes, cookie), None);
            }
            let ours = [&cookie[..], &number.to_be_bytes(), &bytes].concat();
            prop_assert_eq!(number_of(&ours, cookie), Some(number));
        }
    }
}
