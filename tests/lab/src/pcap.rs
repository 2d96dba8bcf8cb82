//! The last packets of a run, and the classic pcap file they are written as.
//!
//! The capture is what a capture on the client would have: its packets as the hub gets them, and
//! what it is sent as it is handed over, so not what was dropped on the way to it. Packets between
//! other hosts stand at the time the hub got them. Form: draft-ietf-opsawg-pcap, link type 101
//! (`LINKTYPE_RAW`: packets begin with their IP header).
use crate::hub::{Ended, Fate, Origin};
use crate::truth::Event;
use std::collections::VecDeque;
use std::io::{self, Write};

const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
const LINKTYPE_RAW: u32 = 101;
const SNAP_LENGTH: u32 = 65_535;
const US_PER_S: u64 = 1_000_000;

/// The last packets, as many as have room.
#[derive(Debug)]
pub(crate) struct Ring {
    packets: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
    max_bytes: usize,
    client: Option<usize>,
}

impl Ring {
    /// Room for so many bytes of packets; none: nothing is kept. `client` is the host whose view
    /// is taken.
    pub(crate) fn new(max_bytes: usize, client: Option<usize>) -> Self {
        Self {
            packets: VecDeque::new(),
            bytes: 0,
            max_bytes,
            client,
        }
    }

    /// Keeps a packet, and forgets the oldest ones for it.
    pub(crate) fn keep(&mut self, one: &Ended, event: &Event) {
        if self.max_bytes == 0 {
            return;
        }
        let to_client = one.to.is_some() && one.to == self.client;
        let at_us = if to_client { event.out_us } else { event.in_us };
        let by_a_host = matches!(one.origin, Origin::Host(_)) && !one.copy;
        let seen = if to_client {
            one.fate == Fate::Delivered
        } else {
            by_a_host
        };
        if !seen {
            return;
        }
        let packet = one.packet.bytes().to_vec();
        self.bytes += packet.len();
        self.packets.push_back((at_us, packet));
        while self.bytes > self.max_bytes {
            let Some((_, oldest)) = self.packets.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
        }
    }

    /// Writes the file, in the order of time.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut packets: Vec<_> = self.packets.iter().collect();
        packets.sort_by_key(|(at_us, _)| *at_us);
        write_head(to)?;
        for (at_us, packet) in packets {
            write_packet(to, *at_us, packet)?;
        }
        to.flush()
    }
}

fn write_head(to: &mut impl Write) -> io::Result<()> {
    to.write_all(&MAGIC_MICROSECONDS.to_le_bytes())?;
    to.write_all(&2u16.to_le_bytes())?; // version 2.4
    to.write_all(&4u16.to_le_bytes())?;
    to.write_all(&[0; 8])?; // reserved
    to.write_all(&SNAP_LENGTH.to_le_bytes())?;
    to.write_all(&LINKTYPE_RAW.to_le_bytes())
}

fn write_packet(to: &mut impl Write, at_us: u64, packet: &[u8]) -> io::Result<()> {
    let words = [
        at_us / US_PER_S,
        at_us % US_PER_S,
        packet.len() as u64,
        packet.len() as u64,
    ];
    for word in words {
        // Seconds wrap in the year 2106, as the format does.
        let [a, b, c, d, ..] = word.to_le_bytes();
        to.write_all(&[a, b, c, d])?;
    }
    to.write_all(packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_its_head_and_each_packet_with_its_time_in_order() {
        let mut ring = Ring::new(1000, None);
        ring.packets.push_back((3_000_007, vec![0x45, 1]));
        ring.packets.push_back((2_000_009, vec![0x60]));
        let mut file = Vec::new();
        ring.write(&mut file).unwrap();
        assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(file[20..24], [101, 0, 0, 0]);
        assert_eq!(
            file[24..40],
            [2, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
        );
        assert_eq!(file[40], 0x60);
        assert_eq!(file[41..45], [3, 0, 0, 0]);
        assert_eq!(file.len(), 24 + 17 + 18);
    }
}
