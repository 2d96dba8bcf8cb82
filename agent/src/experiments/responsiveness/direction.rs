//! One direction of a test: load that grows until it has settled, and probes beside it.
use super::Timing;
use super::intervals::{Intervals, Probes};
use super::load::{self, LoadEnd, Loads};
use super::probe::{self, Probed};
use super::server::Server;
use crate::experiments::Run;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tonle_evidence::failure::Failure;
use tonle_net::scrub;
use tonle_net::step::Step;
use tonle_wire::responsiveness::spec::{
    AVERAGE_INTERVALS, CONNECTIONS_ADDED, CONNECTIONS_MAX, CONNECTIONS_START, FOREIGN_PROBE_BYTES,
    SELF_PROBE_BYTES, may_probe, pair_spacing_us,
};
use tonle_wire::responsiveness::{Confidence, Direction};

/// Longest time in which nothing may move.
const STALL_US: i64 = 7_000_000;
/// Most probes on their way at once.
const PROBES_WAITING_MAX: usize = 100;

/// One direction to be measured.
pub(super) struct Test<'a> {
    pub(super) run: &'a Run,
    pub(super) server: &'a Server<'a>,
    pub(super) direction: Direction,
    pub(super) timing: Timing,
    /// The run's byte count at which it ends.
    pub(super) stop_at_bytes: u64,
}

/// What ended a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The score settled.
    Settled,
    /// The second stage took as long as it may.
    TimeUp,
    /// Its bytes are spent.
    Capped,
    /// The run was cancelled.
    Cancelled,
    /// Its load broke.
    Broken(Failure),
}

/// What came of a direction.
pub(super) struct Course {
    pub(super) step: Step,
    pub(super) end: End,
    pub(super) intervals: Intervals,
    /// Connections that carried load at the end.
    pub(super) connections: usize,
    pub(super) load_bytes: u64,
    pub(super) probe_bytes: u64,
    /// Probes that failed, by the name of their failure.
    pub(super) lost: BTreeMap<String, u64>,
}

/// What happens beside the clock.
enum Event {
    Load(LoadEnd),
    Probe(Probed),
}

type Going<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send + 'a>>>;

impl Test<'_> {
    /// True when the bytes of this direction are used up.
    pub(super) fn is_spent(&self) -> bool {
        self.run.bytes_used() >= self.stop_at_bytes
    }

    pub(super) async fn run(&self) -> Course {
        let url = match self.direction {
            Direction::Download => &self.server.config.large,
            Direction::Upload => &self.server.config.upload,
        };
        let has_tls = url.scheme() == "https";
        let loads = Loads::new(self.direction, self.run.seed);
        let mut step = Step::start(&self.run.clock, "responsiveness", scrub::url(url));
        let mut going = InProgress {
            test: self,
            loads: &loads,
            going: FuturesUnordered::new(),
            intervals: Intervals::new(self.timing.interval_us, has_tls),
            probes: Probes::default(),
            rng: StdRng::seed_from_u64(self.run.seed),
            begun: 0,
            waiting: 0,
            next_is_own: false,
            moved_before: 0,
            moved_last_us: self.run.clock.elapsed_us(),
            capacity_intervals: None,
            probe_bytes: 0,
            lost: BTreeMap::new(),
        };
        let end = going.until_the_end().await;
        step.result_known();
        Course {
            end,
            step,
            intervals: going.intervals,
            connections: loads.count(),
            load_bytes: loads.moved_bytes(self.direction),
            probe_bytes: going.probe_bytes,
            lost: going.lost,
        }
    }
}

/// A direction while it goes on.
struct InProgress<'a> {
    test: &'a Test<'a>,
    loads: &'a Loads,
    going: Going<'a>,
    intervals: Intervals,
    /// Of the interval that has not ended.
    probes: Probes,
    rng: StdRng,
    /// Load connections that were begun.
    begun: usize,
    /// Probes on their way.
    waiting: usize,
    /// Whether the other probe of a pair is due.
    next_is_own: bool,
    moved_before: u64,
    moved_last_us: i64,
    /// Intervals of the first stage, once it is over.
    capacity_intervals: Option<usize>,
    probe_bytes: u64,
    lost: BTreeMap<String, u64>,
}

impl InProgress<'_> {
    async fn until_the_end(&mut self) -> End {
        self.add_loads(CONNECTIONS_START);
        let mut intervals = ticker(self.test.timing.interval_us);
        let mut probes = ticker(pair_spacing_us() / 2);
        intervals.tick().await;
        loop {
            let end = tokio::select! {
                () = self.test.run.cancel.cancelled() => Some(End::Cancelled),
                _ = intervals.tick() => self.end_interval(),
                _ = probes.tick() => self.probe(),
                Some(event) = self.going.next() => self.note(event),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn add_loads(&mut self, count: usize) {
        for _ in 0..count.min(CONNECTIONS_MAX - self.begun) {
            self.begun += 1;
            let (test, loads) = (self.test, self.loads);
            let load = async move { Event::Load(load::run(test, loads).await) };
            self.going.push(Box::pin(load));
        }
    }

    /// The clock of the load: what moved, whether that has settled, what comes next.
    fn end_interval(&mut self) -> Option<End> {
        let moved = self.loads.moved_bytes(self.test.direction);
        let bytes = moved.saturating_sub(self.moved_before);
        self.moved_before = moved;
        let now_us = self.test.run.clock.elapsed_us();
        if bytes > 0 {
            self.moved_last_us = now_us;
        } else if now_us - self.moved_last_us >= STALL_US {
            return Some(End::Broken(Failure::GenericTimeout));
        }
        let probes = std::mem::take(&mut self.probes);
        let stage_max = self.test.timing.stage_max;
        let scores = self.capacity_intervals.is_some();
        self.intervals.end_one(bytes, probes, scores);
        self.progress();
        if self.cannot_be_afforded(bytes) {
            return Some(End::Capped);
        }
        let (capacity, score) = self.intervals.confidence();
        let Some(before) = self.capacity_intervals else {
            if capacity == Confidence::High || self.intervals.count() >= stage_max {
                self.capacity_intervals = Some(self.intervals.count());
            } else {
                self.add_loads(CONNECTIONS_ADDED);
            }
            return None;
        };
        if score == Confidence::High {
            return Some(End::Settled);
        }
        (self.intervals.count() - before >= stage_max).then_some(End::TimeUp)
    }

    /// Whether the bytes that are left do not last for the intervals that a score needs, at the rate
    /// of the last one: the rate only grows from here.
    fn cannot_be_afforded(&self, last_bytes: u64) -> bool {
        let done = self.intervals.count();
        let needed = match self.capacity_intervals {
            None => 2 * AVERAGE_INTERVALS - done.min(AVERAGE_INTERVALS),
            Some(before) => AVERAGE_INTERVALS.saturating_sub(done - before),
        };
        let left = self
            .test
            .stop_at_bytes
            .saturating_sub(self.test.run.bytes_used());
        last_bytes.saturating_mul(needed as u64) > left
    }

    /// The clock of the probes: one is due, if the line can afford it.
    fn probe(&mut self) -> Option<End> {
        if self.test.is_spent() {
            return Some(End::Capped);
        }
        if self.next_is_own {
            self.next_is_own = false;
            self.probe_own();
            return None;
        }
        let moved = self.loads.moved_bytes(self.test.direction);
        let is_due = may_probe(self.probe_bytes, moved) && self.waiting < PROBES_WAITING_MAX;
        if is_due {
            self.next_is_own = true;
            self.waiting += 1;
            self.probe_bytes += FOREIGN_PROBE_BYTES;
            let server = self.test.server;
            let probing = async move { Event::Probe(probe::foreign(server).await) };
            self.going.push(Box::pin(probing));
        }
        None
    }

    fn probe_own(&mut self) {
        let Some(channel) = self.loads.any_channel(&mut self.rng) else {
            return;
        };
        if !channel.is_shared() {
            let direction = self.test.direction;
            let known = probe::own_by_kernel(self.loads, direction, &mut self.rng);
            if let Some(probed) = known {
                self.note_probe(probed);
            }
            return;
        }
        self.waiting += 1;
        self.probe_bytes += SELF_PROBE_BYTES;
        let url = &self.test.server.config.small;
        let probing = async move { Event::Probe(probe::own(channel, url).await) };
        self.going.push(Box::pin(probing));
    }

    fn note(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Load(LoadEnd::Capped) => Some(End::Capped),
            Event::Load(LoadEnd::Broken(failure)) => Some(End::Broken(failure)),
            Event::Probe(probed) => {
                self.waiting -= 1;
                self.note_probe(probed);
                None
            }
        }
    }

    fn note_probe(&mut self, probed: Probed) {
        let lost = match probed {
            Probed::Foreign(Ok(times)) => {
                // Certificates may be longer than what a probe is taken to cost.
                self.probe_bytes += times.bytes.saturating_sub(FOREIGN_PROBE_BYTES);
                self.probes.note_foreign(times);
                return;
            }
            Probed::Own(Ok(own_us)) => return self.probes.own_us.push(own_us),
            Probed::Foreign(Err(failure)) | Probed::Own(Err(failure)) => failure,
        };
        *self.lost.entry(lost.name().to_owned()).or_insert(0) += 1;
    }

    fn progress(&self) {
        let of_one = 2 * self.test.timing.stage_max;
        let stage = self
            .capacity_intervals
            .map_or(self.intervals.count(), |before| {
                self.test.timing.stage_max + self.intervals.count() - before
            });
        let done = match self.test.direction {
            Direction::Download => stage,
            Direction::Upload => of_one + stage,
        };
        (self.test.run.progress)(done as u64, 2 * of_one as u64);
    }
}

fn ticker(every_us: i64) -> tokio::time::Interval {
    let every = Duration::from_micros(every_us.unsigned_abs().max(1));
    let mut ticker = interval(every);
    // What was missed is not made up for: it would come in a burst.
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
