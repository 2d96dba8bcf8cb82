//! Collects what the hub tells, within bounds.
use super::{Event, Truth};
use crate::hub::Ended;
use crate::pcap::Ring;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the hub has told so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    state: Mutex<State>,
    max_events: usize,
}

#[derive(Debug)]
struct State {
    truth: Truth,
    ring: Ring,
}

impl Recorder {
    /// Nothing seen yet. Keeps at most so many events, and in the ring what it has room for.
    pub(crate) fn new(truth: Truth, max_events: usize, ring: Ring) -> Self {
        Self {
            state: Mutex::new(State { truth, ring }),
            max_events,
        }
    }

    /// What came to its end, each with the time on the hub's clock at which it was handed over.
    pub(crate) fn tell(&self, ended: &[(Ended, u64)], wall_offset_us: u64) {
        let mut state = self.state();
        for (one, at_ns) in ended {
            let event = Event::of(one, *at_ns, wall_offset_us);
            state.ring.keep(one, &event);
            if state.truth.events.len() >= self.max_events {
                state.truth.events.pop_front();
                state.truth.forgotten += 1;
            }
            state.truth.events.push_back(event);
        }
    }

    /// The scenario begins now: what was before is not part of it.
    pub(crate) fn begin(&self, begun_us: u64) {
        let mut state = self.state();
        state.truth.begun_us = begun_us;
        state.truth.events.clear();
        state.truth.forgotten = 0;
    }

    /// A copy of all that was seen.
    pub(crate) fn truth(&self) -> Truth {
        self.state().truth.clone()
    }

    /// All that was seen since the beginning or since this was last asked; it is kept no longer.
    pub(crate) fn take(&self) -> Truth {
        let mut state = self.state();
        let truth = Truth {
            scenario: state.truth.scenario.clone(),
            hosts: state.truth.hosts.clone(),
            begun_us: state.truth.begun_us,
            events: std::mem::take(&mut state.truth.events),
            forgotten: state.truth.forgotten,
        };
        state.truth.forgotten = 0;
        truth
    }

    /// Looks at the captured packets.
    pub(crate) fn with_ring<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.state().ring)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole, also when its writer panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
