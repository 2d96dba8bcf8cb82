//! Records, entries and grounds for the tests of several rooms. Compiled for tests only.
use crate::analysis::Ground;
use crate::journal::{Entry, NetworkIdentity};
use std::sync::Arc;
use tonle_evidence::SigningKey;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::{EntryKind, Mark, Provenance, Tier};
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::{Hex, Id64, sha256};
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::receipt::SignedReceipt;
use tonle_evidence::record::{
    Claim, Clock, ClockState, Context, KIND_MEASUREMENT, Method, Outcome, PRIVATE_SCHEMA,
    PUBLIC_SCHEMA, PathClass, PlaceKind, Plan, Private, Province, ProvinceKnown, Public,
    QuotaState, Sample, Software, Stream, Target, Technology, seal,
};
use tonle_evidence::strata::Strata;

/// 2026-11-10T05:00:00Z, noon in Phnom Penh.
pub(crate) const NOON_US: i64 = 1_794_286_800_000_000;
/// One hour.
pub(crate) const HOUR_US: i64 = 3_600_000_000;
/// A headline metric.
pub(crate) const RTT: &str = "latency.rtt_median_us/icmp/domestic";

/// The ground that the collector embeds.
pub(crate) fn ground() -> Ground {
    let country = include_str!("../../configs/countries/kh/country.toml");
    let operators = include_str!("../../configs/countries/kh/operators.toml");
    let provinces = include_str!("../../configs/countries/kh/provinces.geojson");
    Ground {
        country: Country::parse(country, operators, provinces).unwrap(),
        catalogue: Catalogue::parse(include_str!("../../configs/metrics.toml")).unwrap(),
        counts: Provenance::Signed,
    }
}

/// How the embedded country's figures are pooled and weighted.
pub(crate) fn strata(ground: &Ground) -> Arc<Strata> {
    let weights = include_str!("../../configs/countries/kh/weights.toml");
    Arc::new(Strata::parse(weights, &ground.country).unwrap())
}

/// A latency record of a fixed line in Phnom Penh that began at `t_start_us`.
pub(crate) fn opened(t_start_us: i64, value: i64) -> Opened {
    let public = Public {
        schema: PUBLIC_SCHEMA.into(),
        kind: KIND_MEASUREMENT.into(),
        method: Method {
            id: "latency".into(),
            version: 1,
            stream: Stream::Quality,
        },
        target: Target {
            value: "www.example.org".into(),
            category: None,
            path_class: PathClass::Domestic,
        },
        samples: vec![Sample {
            metric: RTT.into(),
            value,
            unit: "us".into(),
        }],
        observations: Vec::new(),
        outcome: Outcome::Completed,
        country: "KH".into(),
        province: Province {
            code: "KH-12".into(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: PlaceKind::Home,
        operator: Claim {
            declared: Some("metfone".into()),
            detected: None,
        },
        technology: Claim {
            declared: Some(Technology::Fibre),
            detected: None,
        },
        context: context(),
        local_hour: LocalHour::at(t_start_us, 25_200).to_string(),
        consent_version: "1".into(),
        software: Software {
            name: "tonle-agent".into(),
            version: "0.1.0".into(),
            build: "unknown".into(),
        },
    };
    let private = Private {
        schema: PRIVATE_SCHEMA.into(),
        record_id: Hex([7; 16]),
        key_id: "agent".into(),
        chain_id: Hex([1; 8]),
        sequence: 0,
        prev_hash: Hex::ZERO,
        t_start_us,
        t_end_us: t_start_us + 1_000_000,
        clock_offset_us: None,
        blind: Hex([9; 16]),
        bodies: Vec::new(),
    };
    Opened { public, private }
}

fn context() -> Context {
    Context {
        interface: "ethernet".into(),
        ip_family: "ipv4".into(),
        metered: None,
        wifi_signal_dbm: None,
        link_rate_bps: None,
        radio: None,
        cross_traffic_bytes: None,
        plan: Plan {
            download_bps: None,
            upload_bps: None,
            quota: QuotaState::Unknown,
        },
        clock: Clock {
            state: ClockState::Synchronised,
            offset_us: None,
        },
        limited_by: None,
        bytes_used: 840,
    }
}

/// The key of an agent by number.
pub(crate) fn key(agent: u8) -> SigningKey {
    SigningKey::from_bytes(&[agent.wrapping_add(1); 32])
}

/// The journal's entry of a record, received a minute after it began.
pub(crate) fn entry(entry_index: u64, agent: u8, group: Option<Id64>, opened: &Opened) -> Entry {
    let sealed = seal(&opened.public, &opened.private, &key(agent)).unwrap();
    Entry {
        entry_index,
        kind: EntryKind::Record,
        payload_type: types::RECORD.into(),
        record_hash: sealed.hash(),
        public: sealed.public,
        private: sealed.private,
        key: Some(sealed.key),
        signature: Some(sealed.signature),
        chain: None,
        tier: Tier::Unvetted,
        provenance: Provenance::Signed,
        received_at_us: opened.private.t_start_us + 60_000_000,
        network: NetworkIdentity {
            group_id: group,
            ..NetworkIdentity::default()
        },
        salt: Hex([0; 16]),
        marks: Vec::<Mark>::new(),
        receipt: no_receipt(),
    }
}

/// A receipt that nobody reads.
pub(crate) fn no_receipt() -> SignedReceipt {
    SignedReceipt {
        receipt: String::new(),
        index: 0,
        count: 1,
        path: vec![sha256(b"")],
        sig: String::new(),
    }
}
