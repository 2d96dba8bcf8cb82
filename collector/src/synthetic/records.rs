//! What was seen, as a signed record in the form of every other, and as an entry of the journal.
use super::HOUR_US;
use super::agents::Agent;
use crate::journal::{ChainPlace, NetworkIdentity, NewEntry};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::Provenance;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::Hex;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{
    self, Claim, Clock, ClockState, Context, KIND_MEASUREMENT, LimitedBy, Method, Outcome,
    PRIVATE_SCHEMA, PUBLIC_SCHEMA, PathClass, Plan, Private, Province, ProvinceKnown, Public,
    QuotaState, Sample, Software, Stream, Target,
};

/// How long a record is under way, at most, microseconds.
const UNDER_WAY_US: i64 = 60_000_000;
/// Time from one run of an agent to its next, microseconds: a record is received before the next run begins.
const SLOT_US: i64 = 240_000_000;
/// Within which a run begins, microseconds from the start of its slot.
const BEGINS_US: i64 = 120_000_000;
/// How long a run lasts, microseconds.
const RUN_US: i64 = 12_000_000;

/// When, and of which country.
pub(super) struct Moment<'a> {
    pub(super) hour: i64,
    /// Which run of the agent in this hour it is.
    pub(super) turn: i64,
    pub(super) local: LocalHour,
    pub(super) country: &'a str,
}

/// What a run saw.
pub(super) struct Half {
    pub(super) stream: Stream,
    pub(super) observations: Vec<Observation>,
    pub(super) limited_by: Option<LimitedBy>,
    pub(super) bytes_used: i64,
    method: (&'static str, u32),
    target: Target,
    samples: Vec<Sample>,
}

impl Half {
    pub(super) fn quality(
        method: &'static str,
        version: u32,
        target: &str,
        path_class: PathClass,
    ) -> Self {
        Self {
            stream: Stream::Quality,
            observations: Vec::new(),
            limited_by: None,
            bytes_used: 840,
            method: (method, version),
            target: Target {
                value: target.to_owned(),
                category: None,
                path_class,
            },
            samples: Vec::new(),
        }
    }

    pub(super) fn sample(&mut self, metric: String, value: i64, unit: &str) {
        self.samples.push(Sample {
            metric,
            value,
            unit: unit.to_owned(),
        });
    }
}

/// The entry of a run; the agent's chain grows by it.
pub(super) fn seal(
    agent: &mut Agent,
    half: Half,
    moment: &Moment<'_>,
    random: &mut ChaCha8Rng,
) -> NewEntry {
    let slot_us = moment.hour * HOUR_US + moment.turn * SLOT_US;
    let t_start_us = slot_us + random.random_range(0..BEGINS_US);
    let received_at_us = t_start_us + RUN_US + random.random_range(1_000_000..UNDER_WAY_US);
    let private = Private {
        schema: PRIVATE_SCHEMA.to_owned(),
        record_id: Hex(random.random()),
        key_id: agent.key_id(),
        chain_id: agent.chain_id,
        sequence: agent.sequence,
        prev_hash: agent.prev_hash,
        t_start_us,
        t_end_us: t_start_us + RUN_US,
        clock_offset_us: None,
        blind: Hex(random.random()),
        bodies: Vec::new(),
    };
    let public = public(agent, half, moment);
    let sealed = record::seal(&public, &private, &agent.key).expect("integers within range alone");
    let chain = ChainPlace {
        chain_id: agent.chain_id,
        sequence: agent.sequence,
    };
    agent.sequence += 1;
    agent.prev_hash = sealed.hash();
    let envelope = Envelope {
        payload_type: types::RECORD.to_owned(),
        record: sealed,
    };
    let mut entry = NewEntry::record(&envelope, agent.tier, received_at_us);
    entry.provenance = Provenance::Synthetic;
    entry.chain = Some(chain);
    entry.network = NetworkIdentity {
        asn: Some(agent.asn),
        country: Some(moment.country.to_owned()),
        asn_table: Some("synthetic".to_owned()),
        group_id: Some(agent.group_id),
        resolver_asn: Some(agent.asn),
    };
    entry
}

fn public(agent: &Agent, half: Half, moment: &Moment<'_>) -> Public {
    let (method, version) = half.method;
    Public {
        schema: PUBLIC_SCHEMA.to_owned(),
        kind: KIND_MEASUREMENT.to_owned(),
        method: Method {
            id: method.to_owned(),
            version,
            stream: half.stream,
        },
        target: half.target,
        samples: half.samples,
        observations: half.observations,
        outcome: Outcome::Completed,
        country: moment.country.to_owned(),
        province: Province {
            code: agent.province.clone(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: agent.place,
        operator: Claim {
            declared: None,
            detected: None,
        },
        technology: Claim {
            declared: Some(agent.technology),
            detected: None,
        },
        context: Context {
            interface: if agent.technology.is_mobile() {
                "cellular"
            } else {
                "ethernet"
            }
            .to_owned(),
            ip_family: "ipv4".to_owned(),
            metered: Some(agent.technology.is_mobile()),
            wifi_signal_dbm: None,
            link_rate_bps: None,
            radio: None,
            cross_traffic_bytes: None,
            plan: Plan {
                download_bps: agent.plan_bps,
                upload_bps: None,
                quota: QuotaState::Within,
            },
            clock: Clock {
                state: ClockState::Synchronised,
                offset_us: None,
            },
            limited_by: half.limited_by,
            bytes_used: half.bytes_used,
        },
        local_hour: moment.local.to_string(),
        consent_version: "synthetic".to_owned(),
        software: Software {
            name: "tonle-synthetic".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: "unknown".to_owned(),
        },
    }
}
