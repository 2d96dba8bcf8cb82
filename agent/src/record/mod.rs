//! Run and context in, signed record out. Pure: time, randomness and data are arguments.
//!
//! Rules:
//! 1. The unit of a sample comes from the catalogue of metrics; a metric that is not declared for the
//!    experiment is a defect of the experiment and fails the record.
//! 2. The volunteer's own addresses are scrubbed before anything is sealed.
//! 3. A record that would not fit a line of a batch loses its bodies first, the last first, then the
//!    end of its observations; then its outcome says `capped`. It is never lost.
//! 4. The chain moves on exactly when a record is sealed.
#[cfg(test)]
pub(crate) mod tests;

use crate::experiments::Recorded;
use crate::identity::{Chain, Link};
use crate::scrub::Scrubber;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::sync::OnceLock;
use tonle_evidence::SigningKey;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::envelope::{Envelope, LINE_MAX_BYTES};
use tonle_evidence::hash::Hex;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{
    BodyPrefix, Claim, Clock, ClockState, Context, KIND_MEASUREMENT, Method, Outcome,
    PRIVATE_SCHEMA, PUBLIC_SCHEMA, PlaceKind, Plan, Private, Province, Public, Radio, Sample,
    SealError, Software, Target, Technology, offset_class, seal,
};

/// Most bytes kept of one body: see [`BodyPrefix`].
const BODY_MAX_BYTES: usize = 16 << 10;

/// Everything a record says beside what the run recorded.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Experiment, version and stream.
    pub method: Method,
    /// What the run was directed at.
    pub target: Target,
    /// ISO 3166-1 code of the country.
    pub country: String,
    /// Local time of the country minus UTC, seconds.
    pub utc_offset_s: i32,
    /// The province and how it is known.
    pub province: Province,
    /// The kind of place.
    pub place: PlaceKind,
    /// The operator's id.
    pub operator: Claim<String>,
    /// The access technology.
    pub technology: Claim<Technology>,
    /// Kind of interface, in the words of [`Context::interface`].
    pub interface: String,
    /// Families with a default route, in the words of [`Context::ip_family`].
    pub ip_family: String,
    /// Whether the line is metered, where known.
    pub metered: Option<bool>,
    /// Wi-Fi signal, dBm, where known.
    pub wifi_signal_dbm: Option<i64>,
    /// Rate of the interface's own link, bit/s, where known.
    pub link_rate_bps: Option<i64>,
    /// The cellular radio, where there is one.
    pub radio: Option<Radio>,
    /// Bytes other programs moved meanwhile, where known.
    pub cross_traffic_bytes: Option<i64>,
    /// The declared plan.
    pub plan: Plan,
    /// State of the wall clock.
    pub clock: ClockState,
    /// The collector's clock minus this device's, microseconds, where known. The public half says
    /// its class only.
    pub clock_offset_us: Option<i64>,
    /// Bytes that the run used.
    pub bytes_used: u64,
    /// Version of the consent text of the method's stream.
    pub consent_version: String,
    /// This program.
    pub software: Software,
    /// As issued at enrolment.
    pub key_id: String,
    /// Start of the run, microseconds since the Unix epoch by the wall clock.
    pub t_start_us: i64,
    /// Length of the run by the monotonic clock, microseconds.
    pub duration_us: i64,
    /// How the runner saw the run end. [`Outcome::Completed`] leaves the word to the experiment.
    pub outcome: Outcome,
    /// Removes the device's own addresses.
    pub scrubber: Scrubber,
}

/// The random bytes of one record.
#[derive(Debug, Clone, Copy)]
pub struct Entropy {
    /// Its id.
    pub record_id: [u8; 16],
    /// What keeps the private half's hash from being guessed.
    pub blind: [u8; 16],
}

/// A sealed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The record as it travels.
    pub envelope: Envelope,
    /// Its place in the chain, and its hash.
    pub link: Link,
    /// How the run ended, as the record says.
    pub outcome: Outcome,
    /// What its steps saw, as the record says.
    pub observations: Vec<Observation>,
    /// What the device knew of itself, as the record says.
    pub context: Context,
    /// Bodies that were left out for want of room.
    pub bodies_dropped: usize,
    /// Observations that were left out for want of room.
    pub observations_dropped: usize,
}

/// Why there is no record. Each is a defect of an experiment, never of the network.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The sample's metric is not declared for this experiment.
    #[error(
        "experiment {experiment} wrote metric '{metric}', which configs/metrics.toml does not declare for it"
    )]
    UndeclaredMetric {
        /// The experiment.
        experiment: String,
        /// The metric.
        metric: String,
    },
    /// A half breaks the record format, for example by a float.
    #[error("experiment {experiment}: {source}")]
    Seal {
        /// The experiment.
        experiment: String,
        /// What it breaks.
        source: SealError,
    },
    /// Even without bodies and observations it is longer than a line may be.
    #[error("record of experiment {experiment} has {bytes} bytes, more than {LINE_MAX_BYTES}")]
    TooLarge {
        /// The experiment.
        experiment: String,
        /// Its length as a line.
        bytes: usize,
    },
}

/// The catalogue that this program was built with.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        Catalogue::parse(include_str!("../../../configs/metrics.toml"))
            .expect("a test parses the embedded metrics.toml")
    })
}

/// Builds and signs the record of a run, and moves the chain past it. After an error the chain is as
/// it was.
pub fn build(
    context: &RunContext,
    mut recorded: Recorded,
    catalogue: &Catalogue,
    key: &SigningKey,
    chain: &mut Chain,
    entropy: Entropy,
) -> Result<Built, RecordError> {
    let samples = samples(context, &recorded, catalogue)?;
    context.scrubber.recorded(&mut recorded);
    let bodies = std::mem::take(&mut recorded.bodies);
    let mut halves = Halves {
        public: public(context, recorded, samples),
        private: private(context, chain, entropy, &bodies),
    };
    let observations = halves.public.observations.len();
    let mut envelope = halves.seal(key)?;
    while envelope.to_line().len() > LINE_MAX_BYTES {
        if !halves.shorten() {
            return Err(RecordError::TooLarge {
                experiment: context.method.id.clone(),
                bytes: envelope.to_line().len(),
            });
        }
        envelope = halves.seal(key)?;
    }
    Ok(Built {
        link: chain.advance(envelope.hash()),
        envelope,
        outcome: halves.public.outcome,
        bodies_dropped: bodies.len() - halves.private.bodies.len(),
        observations_dropped: observations - halves.public.observations.len(),
        observations: halves.public.observations,
        context: halves.public.context,
    })
}

/// Both halves of a record in the making.
struct Halves {
    public: Public,
    private: Private,
}

impl Halves {
    fn seal(&self, key: &SigningKey) -> Result<Envelope, RecordError> {
        let sealed = seal(&self.public, &self.private, key);
        sealed
            .map(Envelope::new)
            .map_err(|source| RecordError::Seal {
                experiment: self.public.method.id.clone(),
                source,
            })
    }

    /// Leaves out the next thing for want of room; false when nothing is left to leave out.
    fn shorten(&mut self) -> bool {
        if self.private.bodies.pop().is_some() {
            return true;
        }
        let observations = &mut self.public.observations;
        if observations.is_empty() {
            return false;
        }
        observations.truncate(observations.len() / 2);
        self.public.outcome = Outcome::Capped;
        true
    }
}

fn samples(
    context: &RunContext,
    recorded: &Recorded,
    catalogue: &Catalogue,
) -> Result<Vec<Sample>, RecordError> {
    let experiment = &context.method.id;
    let sample = |(metric, value): &(String, i64)| match catalogue.get(metric) {
        Some(declared) if declared.experiment == *experiment => Ok(Sample {
            metric: metric.clone(),
            value: *value,
            unit: declared.unit.clone(),
        }),
        _ => Err(RecordError::UndeclaredMetric {
            experiment: experiment.clone(),
            metric: metric.clone(),
        }),
    };
    recorded.samples.iter().map(sample).collect()
}

fn public(context: &RunContext, recorded: Recorded, samples: Vec<Sample>) -> Public {
    let outcome = match context.outcome {
        Outcome::Completed => recorded.outcome.unwrap_or(Outcome::Completed),
        ended_by_runner => ended_by_runner,
    };
    Public {
        schema: PUBLIC_SCHEMA.into(),
        kind: KIND_MEASUREMENT.into(),
        method: context.method.clone(),
        target: Target {
            value: context.scrubber.text(&context.target.value),
            ..context.target.clone()
        },
        samples,
        observations: recorded.observations,
        outcome,
        country: context.country.clone(),
        province: context.province.clone(),
        place: context.place,
        operator: context.operator.clone(),
        technology: context.technology.clone(),
        context: Context {
            interface: context.interface.clone(),
            ip_family: context.ip_family.clone(),
            metered: context.metered,
            wifi_signal_dbm: context.wifi_signal_dbm,
            link_rate_bps: context.link_rate_bps,
            radio: context.radio.clone(),
            cross_traffic_bytes: context.cross_traffic_bytes,
            plan: context.plan.clone(),
            clock: Clock {
                state: context.clock,
                offset_us: context.clock_offset_us.map(offset_class),
            },
            limited_by: recorded.limited_by,
            bytes_used: i64::try_from(context.bytes_used).unwrap_or(i64::MAX),
        },
        local_hour: LocalHour::at(context.t_start_us, context.utc_offset_s).to_string(),
        consent_version: context.consent_version.clone(),
        software: context.software.clone(),
    }
}

fn private(
    context: &RunContext,
    chain: &Chain,
    entropy: Entropy,
    bodies: &[(u32, Vec<u8>)],
) -> Private {
    let prefix = |(observation, body): &(u32, Vec<u8>)| BodyPrefix {
        observation: *observation,
        base64: BASE64.encode(&body[..body.len().min(BODY_MAX_BYTES)]),
    };
    Private {
        schema: PRIVATE_SCHEMA.into(),
        record_id: Hex(entropy.record_id),
        key_id: context.key_id.clone(),
        chain_id: chain.chain_id,
        sequence: chain.next_sequence,
        prev_hash: chain.prev_hash,
        t_start_us: context.t_start_us,
        t_end_us: context.t_start_us.saturating_add(context.duration_us),
        clock_offset_us: context.clock_offset_us,
        blind: Hex(entropy.blind),
        bodies: bodies.iter().map(prefix).collect(),
    }
}
