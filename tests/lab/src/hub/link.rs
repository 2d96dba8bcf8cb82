//! One direction of a host's link: outage, MTU, loss, queue and rate, then delay. Pure.
//!
//! Loss counts the packets that are offered; reordering and duplication count those that leave the
//! queue. The order of packets is kept whatever the delay does, but for those that are held back.
use super::flight::{Fate, Flight};
use super::loss::Loss;
use super::queue::{Offer, Queue};
use crate::scenario::model;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

const BITS_PER_KBIT: u64 = 1000;
/// Sets the numbers of the delay apart from those of the loss.
const DELAY_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// One direction of a link and all that is on it before the delay.
#[derive(Debug)]
pub(crate) struct Link {
    queue: Queue<Flight>,
    loss: Loss,
    delay_ns: u64,
    variation_ns: u64,
    reorder: Option<Held>,
    duplicate_every: Option<u64>,
    mtu: Option<u16>,
    mtu_silent: bool,
    outage: bool,
    passed: u64,
    last_arrival_ns: u64,
    seed: u64,
    rng: StdRng,
}

#[derive(Debug)]
struct Held {
    every: u64,
    by_ns: u64,
}

/// What happens to a packet at the entry.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It waits for the line.
    Taken,
    /// The line takes no time: it leaves at once.
    Through(Flight),
    /// It goes no further.
    Ended(Flight, Fate),
    /// It is larger than this and the link says so.
    TooBig(Flight, u16),
}

/// What leaves the line, each with the time it arrives at the other end.
pub(crate) type Arrivals = Vec<(u64, Flight)>;

impl Link {
    /// A link as the scenario says, idle.
    pub(crate) fn new(link: &model::Link, seed: u64) -> Self {
        Self {
            queue: Queue::new(link.rate_kbit.map(bits_per_second), link.queue_bytes),
            loss: Loss::new(link.loss.as_ref(), seed),
            delay_ns: nanoseconds(link.delay_ms),
            variation_ns: nanoseconds(link.delay_variation_ms),
            reorder: link.reorder.as_ref().map(|reorder| Held {
                every: reorder.every,
                by_ns: nanoseconds(reorder.by_ms),
            }),
            duplicate_every: link.duplicate.as_ref().map(|duplicate| duplicate.every),
            mtu: link.mtu,
            mtu_silent: link.mtu_silent,
            outage: false,
            passed: 0,
            last_arrival_ns: 0,
            seed,
            rng: StdRng::seed_from_u64(seed ^ DELAY_SEED),
        }
    }

    /// Every pattern counts from 1 again.
    pub(crate) fn restart(&mut self) {
        self.loss.restart();
        self.passed = 0;
        self.rng = StdRng::seed_from_u64(self.seed ^ DELAY_SEED);
    }

    /// Applies a change from now on.
    pub(crate) fn change(&mut self, change: &model::Change, now_ns: u64) {
        if let Some(rate_kbit) = change.rate_kbit {
            self.queue.set_rate(bits_per_second(rate_kbit), now_ns);
        }
        if let Some(delay_ms) = change.delay_ms {
            self.delay_ns = nanoseconds(delay_ms);
        }
        if let Some(outage) = change.outage {
            self.outage = outage;
        }
    }

    /// A packet comes to the link.
    pub(crate) fn enter(&mut self, flight: Flight, now_ns: u64) -> Entry {
        if self.outage {
            return Entry::Ended(flight, Fate::Outage);
        }
        if let Some(mtu) = self.mtu
            && flight.bytes() > u64::from(mtu)
        {
            return if self.mtu_silent {
                Entry::Ended(flight, Fate::TooBig)
            } else {
                Entry::TooBig(flight, mtu)
            };
        }
        if self.loss.takes_next() {
            return Entry::Ended(flight, Fate::Lost);
        }
        let bytes = flight.bytes();
        match self.queue.offer(flight, bytes, now_ns) {
            Offer::Taken => Entry::Taken,
            Offer::Full(flight) => Entry::Ended(flight, Fate::QueueFull),
            Offer::Through(flight) => Entry::Through(flight),
        }
    }

    /// When the next packet has left the line.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.queue.next_ns()
    }

    /// The packet that has left the line at [`Self::next_ns`].
    pub(crate) fn take(&mut self) -> Option<Flight> {
        let (mut flight, waited_ns) = self.queue.take()?;
        flight.queued_ns += waited_ns;
        Some(flight)
    }

    /// When a packet that has left the line arrives; twice, where it is duplicated. Err: the line
    /// went down while it was being sent.
    pub(crate) fn propagate(&mut self, flight: Flight, now_ns: u64) -> Result<Arrivals, Flight> {
        if self.outage {
            return Err(flight);
        }
        self.passed += 1;
        let variation_ns = match self.variation_ns {
            0 => 0,
            most => self.rng.random_range(0..=most),
        };
        let planned_ns = now_ns
            .saturating_add(self.delay_ns)
            .saturating_add(variation_ns)
            .max(self.last_arrival_ns);
        let arrival_ns = match &self.reorder {
            Some(held) if is_nth(self.passed, held.every) => planned_ns.saturating_add(held.by_ns),
            _ => {
                self.last_arrival_ns = planned_ns;
                planned_ns
            }
        };
        let twice = self
            .duplicate_every
            .is_some_and(|every| is_nth(self.passed, every));
        if !twice {
            return Ok(vec![(arrival_ns, flight)]);
        }
        let copy = Flight {
            copy: true,
            ..flight.clone()
        };
        Ok(vec![(arrival_ns, flight), (arrival_ns, copy)])
    }
}

fn is_nth(count: u64, every: u64) -> bool {
    every > 0 && count.is_multiple_of(every)
}

fn bits_per_second(rate_kbit: u64) -> u64 {
    rate_kbit.saturating_mul(BITS_PER_KBIT)
}

/// Milliseconds of a scenario as nanoseconds; what is no time (negative, not a number) is none.
pub(crate) fn nanoseconds(ms: f64) -> u64 {
    Duration::try_from_secs_f64(ms / 1000.0)
        .map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
