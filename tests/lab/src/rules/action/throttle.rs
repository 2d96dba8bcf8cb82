//! A token bucket for each direction of a flow, as a virtual queue: packets are held, and dropped when
//! the queue is too long. By any time t, no more than the burst and t at the rate has left.
//!
//! Source of the algorithm: GCRA, the virtual scheduling form (ITU-T I.371 annex A). Each packet takes
//! its time at the rate; a burst is time in advance.
use crate::packet::Packet;
use crate::rules::Outcome;
use crate::rules::flows::End;

/// Longest time that a packet is held, nanoseconds.
const HELD_MAX_NS: u64 = 200_000_000;
/// Below this many bytes the queue is never too long, so that a slow rate still passes full packets.
const QUEUE_MIN_BYTES: u64 = 3_000;

/// Both directions of a flow.
#[derive(Debug)]
pub(in crate::rules) struct Throttle {
    rate_kbit: u64,
    burst_ns: u64,
    /// When all that came so far is sent, nanoseconds: from the client, from the server.
    free_at_ns: [u64; 2],
}

impl Throttle {
    pub(super) fn new(rate_kbit: u64, burst_bytes: u64) -> Self {
        let rate_kbit = rate_kbit.max(1);
        Self {
            rate_kbit,
            burst_ns: time_ns(burst_bytes, rate_kbit),
            free_at_ns: [0; 2],
        }
    }

    /// Holds a packet until it is its turn, or drops it.
    pub(super) fn pass(&mut self, packet: &Packet, sender: End, now_us: u64) -> Outcome {
        let length = u64::try_from(packet.bytes().len()).expect("a packet is below 64 KiB");
        let arrived_ns = now_us.saturating_mul(1000);
        let free_at_ns = &mut self.free_at_ns[usize::from(sender == End::Server)];
        let sent_at_ns = (*free_at_ns).max(arrived_ns) + time_ns(length, self.rate_kbit);
        let held_ns = sent_at_ns.saturating_sub(self.burst_ns + arrived_ns);
        if held_ns > HELD_MAX_NS.max(time_ns(QUEUE_MIN_BYTES, self.rate_kbit)) {
            return Outcome::instead(Vec::new());
        }
        *free_at_ns = sent_at_ns;
        Outcome {
            hold_us: held_ns.div_ceil(1000),
            ..Outcome::pass(packet.clone())
        }
    }
}

/// How long so many bytes take: 1 kbit/s is one bit in 10^6 nanoseconds.
fn time_ns(bytes: u64, rate_kbit: u64) -> u64 {
    bytes.saturating_mul(8_000_000) / rate_kbit
}
