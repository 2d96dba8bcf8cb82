//! A drop-tail queue in bytes before a line of a given rate. Pure: times are arguments.
//!
//! The packet that is being sent stands before the queue and does not count in it. A packet leaves
//! when its last bit has been sent; the next one begins at that very moment, so that no time is lost
//! to a late caller.
use std::collections::VecDeque;

const NS_PER_S: u128 = 1_000_000_000;
/// The default queue holds what the line sends in this time.
const DEFAULT_QUEUE_MS: u64 = 250;
/// And never less than this.
const DEFAULT_QUEUE_BYTES: u64 = 16_384;

/// What becomes of an item that is offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offer<T> {
    /// It leaves at once: the line has no rate, and nothing is before it.
    Through(T),
    /// It waits, or is being sent.
    Taken,
    /// The queue is full.
    Full(T),
}

/// A queue and the line behind it.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    rate_bps: Option<u64>,
    limit_bytes: Option<u64>,
    waiting: VecDeque<Waiting<T>>,
    waiting_bytes: u64,
    sending: Option<Sending<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    item: T,
    bytes: u64,
    since_ns: u64,
}

#[derive(Debug)]
struct Sending<T> {
    item: T,
    waited_ns: u64,
    done_ns: u64,
}

impl<T> Queue<T> {
    /// An empty queue. Without `limit_bytes`, 250 ms at the first rate it has.
    pub(crate) fn new(rate_bps: Option<u64>, limit_bytes: Option<u64>) -> Self {
        Self {
            rate_bps,
            limit_bytes: limit_bytes.or(rate_bps.map(default_limit_bytes)),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sending: None,
        }
    }

    /// Offers an item of so many bytes.
    pub(crate) fn offer(&mut self, item: T, bytes: u64, now_ns: u64) -> Offer<T> {
        if self.sending.is_none() {
            if self.rate_bps.is_none() {
                return Offer::Through(item);
            }
            let waiting = Waiting {
                item,
                bytes,
                since_ns: now_ns,
            };
            self.send(waiting, now_ns);
            return Offer::Taken;
        }
        let room = self.limit_bytes.unwrap_or(u64::MAX);
        if self.waiting_bytes + bytes > room {
            return Offer::Full(item);
        }
        self.waiting_bytes += bytes;
        self.waiting.push_back(Waiting {
            item,
            bytes,
            since_ns: now_ns,
        });
        Offer::Taken
    }

    /// When the item that is being sent will have left.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.sending.as_ref().map(|sending| sending.done_ns)
    }

    /// The item whose last bit was sent at [`Self::next_ns`], with the time it waited in the queue.
    pub(crate) fn take(&mut self) -> Option<(T, u64)> {
        let sent = self.sending.take()?;
        if let Some(next) = self.waiting.pop_front() {
            self.waiting_bytes -= next.bytes;
            self.send(next, sent.done_ns);
        }
        Some((sent.item, sent.waited_ns))
    }

    /// Changes the rate: what is left of the item being sent goes at the new one.
    pub(crate) fn set_rate(&mut self, rate_bps: u64, now_ns: u64) {
        if let Some(sending) = &mut self.sending {
            let left_ns = sending.done_ns.saturating_sub(now_ns);
            let old_bps = self.rate_bps.unwrap_or(rate_bps);
            let left_ns = u128::from(left_ns) * u128::from(old_bps) / u128::from(rate_bps.max(1));
            sending.done_ns = now_ns.saturating_add(saturated(left_ns));
        }
        self.rate_bps = Some(rate_bps);
        self.limit_bytes
            .get_or_insert(default_limit_bytes(rate_bps));
    }

    fn send(&mut self, waiting: Waiting<T>, now_ns: u64) {
        self.sending = Some(Sending {
            item: waiting.item,
            waited_ns: now_ns - waiting.since_ns,
            done_ns: now_ns.saturating_add(self.duration_ns(waiting.bytes)),
        });
    }

    fn duration_ns(&self, bytes: u64) -> u64 {
        let Some(rate_bps) = self.rate_bps else {
            return 0;
        };
        saturated(u128::from(bytes) * 8 * NS_PER_S / u128::from(rate_bps.max(1)))
    }
}

fn default_limit_bytes(rate_bps: u64) -> u64 {
    (rate_bps / 8)
        .saturating_mul(DEFAULT_QUEUE_MS)
        .div_euclid(1000)
        .max(DEFAULT_QUEUE_BYTES)
}

fn saturated(ns: u128) -> u64 {
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1 Mbit/s: 1250 bytes take 10 ms.
    const MBIT: u64 = 1_000_000;
    const MS: u64 = 1_000_000;

    #[test]
    fn a_packet_leaves_when_its_last_bit_was_sent() {
        let mut queue = Queue::new(Some(MBIT), None);
        assert_eq!(queue.offer('a', 1250, 0), Offer::Taken);
        assert_eq!(queue.offer('b', 1250, 4 * MS), Offer::Taken);
        assert_eq!(queue.next_ns(), Some(10 * MS));
        assert_eq!(queue.take(), Some(('a', 0)));
        assert_eq!(queue.next_ns(), Some(20 * MS));
        assert_eq!(queue.take(), Some(('b', 6 * MS)));
        assert_eq!(queue.next_ns(), None);
    }

    #[test]
    fn the_queue_holds_its_bytes_and_no_more() {
        let mut queue = Queue::new(Some(MBIT), Some(2500));
        assert_eq!(queue.offer(0, 1250, 0), Offer::Taken); // being sent
        assert_eq!(queue.offer(1, 1250, 0), Offer::Taken);
        assert_eq!(queue.offer(2, 1250, 0), Offer::Taken);
        assert_eq!(queue.offer(3, 1, 0), Offer::Full(3));
        queue.take();
        assert_eq!(queue.offer(4, 1250, 10 * MS), Offer::Taken);
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let mut queue = Queue::new(None, None);
        assert_eq!(queue.offer('a', 1500, 7), Offer::Through('a'));
        assert_eq!(queue.next_ns(), None);
    }

    #[test]
    fn a_change_of_rate_counts_for_the_rest_of_the_packet() {
        let mut queue = Queue::new(Some(MBIT), None);
        queue.offer('a', 1250, 0);
        queue.set_rate(MBIT / 2, 5 * MS);
        assert_eq!(queue.next_ns(), Some(15 * MS));
    }

    #[test]
    fn the_default_queue_is_250_ms_and_at_least_16_kib() {
        assert_eq!(default_limit_bytes(8 * MBIT), 250_000);
        assert_eq!(default_limit_bytes(8_000), 16_384);
    }

    proptest! {
        #[test]
        fn order_is_kept_and_the_rate_is_never_exceeded(
            packets in prop::collection::vec((0u64..5 * MS, 20u64..1500), 1..60),
            rate_bps in 10_000u64..10_000_000,
        ) {
            let mut queue = Queue::new(Some(rate_bps), Some(u64::MAX));
            let (mut now, mut sent_bits, mut expected) = (0, 0u128, 0);
            let mut begun = None;
            for (index, (gap, bytes)) in packets.iter().enumerate() {
                now += gap;
                while queue.next_ns().is_some_and(|at| at <= now) {
                    prop_assert_eq!(queue.take().map(|(item, _)| item), Some(expected));
                    expected += 1;
                }
                begun.get_or_insert(now);
                queue.offer(index, *bytes, now);
                sent_bits += u128::from(*bytes) * 8;
            }
            let mut last = now;
            while let Some(at) = queue.next_ns() {
                prop_assert!(at >= last || expected == 0);
                last = last.max(at);
                prop_assert_eq!(queue.take().map(|(item, _)| item), Some(expected));
                expected += 1;
            }
            prop_assert_eq!(expected, packets.len());
            let took_ns = u128::from(last - begun.unwrap_or(0)) + packets.len() as u128;
            prop_assert!(took_ns * u128::from(rate_bps) / NS_PER_S + 1 >= sent_bits);
        }
    }
}
