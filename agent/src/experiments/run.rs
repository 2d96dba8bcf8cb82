//! One run in progress: what the experiment may use, and what it has recorded so far.
use super::throughput::trace::Trace;
use crate::context::Line;
use crate::gates;
use crate::locate::Locating;
use crate::openness::Openness;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{LimitedBy, Outcome};
use tonle_net::clock::Stopwatch;
use tonle_net::meter::Meter;
use tonle_net::settings::NetSettings;
use tonle_wire::stamp::Key;

/// Called with (done, total) in units of the experiment's own choice.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// What a run has recorded; becomes the record, however the run ends.
#[derive(Debug, Default, Clone)]
pub struct Recorded {
    /// What each step saw, in the order of their ends.
    pub observations: Vec<Observation>,
    /// (full metric id, value): the unit comes from the catalogue.
    pub samples: Vec<(String, i64)>,
    /// (observation index, first bytes of a body): private half.
    pub bodies: Vec<(u32, Vec<u8>)>,
    /// What limited the result, where the experiment knows.
    pub limited_by: Option<LimitedBy>,
    /// Traces of whole transfers, one JSON object each: kept on the device, never sent.
    pub traces: Vec<String>,
    /// `Capped` when the experiment stopped at its byte cap.
    pub outcome: Option<Outcome>,
}

/// One run: handed to [`super::Experiment::run`] by reference, shared by its concurrent steps.
pub struct Run {
    /// Time zero of every observation.
    pub clock: Stopwatch,
    /// Resolvers, roots and permissions of the steps in `crates/net`.
    pub net: NetSettings,
    /// Fires when the run must end.
    pub cancel: CancellationToken,
    /// Bytes that this run may use, both directions together.
    pub max_bytes: u64,
    /// Seed of every random choice of the run.
    pub seed: u64,
    /// Tells the person how far it is.
    pub progress: Progress,
    /// Counts the bytes of the run; given to the streams of its steps, so that a run that is
    /// ended in the middle of one has counted what it used.
    pub meter: Meter,
    /// What it may know of the device and the line; nothing unless [`Run::on`] says.
    pub line: Line,
    /// The right to ask a Locate service for servers, where the volunteer gave it.
    pub locating: Option<Locating>,
    /// Key that reflectors of others share with this device, where there is one.
    pub stamp_key: Option<Key>,
    /// What visits to pages are compared with; nothing foreign unless [`Run::compared_with`] says.
    pub openness: Openness,
    recorded: Mutex<Recorded>,
}

impl Run {
    /// A run that has recorded nothing yet.
    #[must_use]
    pub fn new(
        net: NetSettings,
        max_bytes: u64,
        seed: u64,
        cancel: CancellationToken,
        progress: Progress,
    ) -> Self {
        Self {
            clock: Stopwatch::start(),
            net,
            cancel,
            max_bytes,
            seed,
            progress,
            meter: Meter::default(),
            line: Line::default(),
            locating: None,
            stamp_key: None,
            openness: Openness::default(),
            recorded: Mutex::default(),
        }
    }

    /// The same run, on a line of which something is known.
    #[must_use]
    pub fn on(self, line: Line) -> Self {
        Self { line, ..self }
    }

    /// The same run, with the right to ask a Locate service.
    #[must_use]
    pub fn locating(self, locating: Option<Locating>) -> Self {
        Self { locating, ..self }
    }

    /// The same run, with a key for reflectors of others.
    #[must_use]
    pub fn with_stamp_key(self, stamp_key: Option<Key>) -> Self {
        Self { stamp_key, ..self }
    }

    /// The same run, whose visits to pages are compared with something.
    #[must_use]
    pub fn compared_with(self, openness: Openness) -> Self {
        Self { openness, ..self }
    }

    /// Records what a step saw and returns its index.
    pub fn observe(&self, observation: Observation) -> u32 {
        let mut recorded = self.lock();
        recorded.observations.push(observation);
        u32::try_from(recorded.observations.len() - 1).unwrap_or(u32::MAX)
    }

    /// Records a value of a declared metric.
    pub fn sample(&self, metric: impl Into<String>, value: i64) {
        self.lock().samples.push((metric.into(), value));
    }

    /// Keeps the first bytes of a body for the private half.
    pub fn keep_body(&self, observation: u32, prefix: Vec<u8>) {
        self.lock().bodies.push((observation, prefix));
    }

    /// Keeps the trace of a transfer on the device.
    pub fn keep_trace(&self, trace: &Trace) {
        let line = serde_json::to_string(trace).expect("integers and strings are always JSON");
        self.lock().traces.push(line);
    }

    /// Says what limited the result.
    pub fn limited_by(&self, what: LimitedBy) {
        self.lock().limited_by = Some(what);
    }

    /// Says that the run ended otherwise than by running to its end.
    pub fn ended(&self, outcome: Outcome) {
        self.lock().outcome = Some(outcome);
    }

    /// Counts bytes on the line, either direction.
    pub fn count_bytes(&self, bytes: u64) {
        self.meter.add(bytes);
    }

    /// Bytes counted so far.
    #[must_use]
    pub fn bytes_used(&self) -> u64 {
        self.meter.bytes()
    }

    /// What the experiment's own steps have observed so far.
    #[must_use]
    pub fn observed(&self) -> Vec<Observation> {
        let recorded = self.lock();
        let own = recorded
            .observations
            .iter()
            .filter(|seen| !gates::is_check(seen));
        own.cloned().collect()
    }

    /// Whether anything observed so far is such.
    pub fn has_observed(&self, is_such: impl Fn(&Observation) -> bool) -> bool {
        self.lock().observations.iter().any(is_such)
    }

    /// Takes what was recorded, leaving nothing.
    #[must_use]
    pub fn take(&self) -> Recorded {
        std::mem::take(&mut *self.lock())
    }

    /// A panic of one step must not lose what the others recorded: a poisoned lock is still good,
    /// because every change under it is a single push.
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
