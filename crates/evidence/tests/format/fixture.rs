//! One record with every field filled in, and one with as few as there can be.
use serde_json::json;
use tonle_evidence::SigningKey;
use tonle_evidence::failure::Failure;
use tonle_evidence::hash::{Hash, Hex, sha256};
use tonle_evidence::observation::{Detail, Observation};
use tonle_evidence::record::{
    BodyPrefix, Claim, Clock, ClockState, Context, KIND_MEASUREMENT, LimitedBy, Method, Outcome,
    PRIVATE_SCHEMA, PUBLIC_SCHEMA, PathClass, PlaceKind, Plan, Private, Province, ProvinceKnown,
    Public, QuotaState, Sample, Software, Stream, Target, Technology, offset_class,
};

/// Secret key of the agent of all vectors.
pub(crate) const AGENT_SEED: [u8; 32] = [0x11; 32];
/// Secret key of the collector of all vectors.
pub(crate) const COLLECTOR_SEED: [u8; 32] = [0x22; 32];

pub(crate) fn agent() -> SigningKey {
    SigningKey::from_bytes(&AGENT_SEED)
}

pub(crate) fn collector() -> SigningKey {
    SigningKey::from_bytes(&COLLECTOR_SEED)
}

/// Every optional field present; text beyond ASCII; the largest integer that a record may hold.
pub(crate) fn full() -> (Public, Private) {
    let public = Public {
        schema: PUBLIC_SCHEMA.into(),
        kind: KIND_MEASUREMENT.into(),
        method: Method {
            id: "web_connectivity".into(),
            version: 1,
            stream: Stream::Openness,
        },
        target: Target {
            value: "https://www.example.org/".into(),
            category: Some("NEWS".into()),
            path_class: PathClass::Abroad,
        },
        samples: vec![
            sample("web.setup_us/abroad", 182_344, "us"),
            sample("web.nonaccess_ppm/abroad", 1_000_000, "ppm"),
        ],
        observations: vec![resolved(), reset()],
        outcome: Outcome::Completed,
        country: "KH".into(),
        province: Province {
            code: "KH-12".into(),
            known: ProvinceKnown::SelfDeclared,
        },
        place: PlaceKind::School,
        operator: Claim {
            declared: Some("metfone".into()),
            detected: Some("AS38623".into()),
        },
        technology: Claim {
            declared: Some(Technology::Fibre),
            detected: Some(Technology::Fixed),
        },
        context: Context {
            interface: "wifi".into(),
            ip_family: "both".into(),
            metered: Some(false),
            wifi_signal_dbm: Some(-61),
            link_rate_bps: None,
            radio: None,
            cross_traffic_bytes: Some(12_345),
            plan: Plan {
                download_bps: Some(20_000_000),
                upload_bps: Some(5_000_000),
                quota: QuotaState::Within,
            },
            clock: Clock {
                state: ClockState::Synchronised,
                offset_us: Some(offset_class(-4_000_500)),
            },
            limited_by: Some(LimitedBy::Line),
            bytes_used: 48_211,
        },
        local_hour: "2026-11-23T19".into(),
        consent_version: "1".into(),
        software: Software {
            name: "tonle-agent".into(),
            version: "0.1.0".into(),
            build: "0123456789abcdef0123456789abcdef01234567".into(),
        },
    };
    (
        public,
        private(
            7,
            sha256(b"the record before"),
            vec![body()],
            Some(-4_000_500),
        ),
    )
}

/// The fewest fields: no claim, no sample, nothing seen.
pub(crate) fn minimal() -> (Public, Private) {
    let (mut public, _) = full();
    public.method = Method {
        id: "latency".into(),
        version: 1,
        stream: Stream::Quality,
    };
    public.target = Target {
        value: "loopback_resolver".into(),
        category: None,
        path_class: PathClass::Local,
    };
    public.samples.clear();
    public.observations.clear();
    public.outcome = Outcome::Cancelled;
    public.operator = Claim {
        declared: None,
        detected: None,
    };
    public.technology = Claim {
        declared: None,
        detected: None,
    };
    public.context = Context {
        interface: "none".into(),
        ip_family: "none".into(),
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
            state: ClockState::Unknown,
            offset_us: None,
        },
        limited_by: None,
        bytes_used: 0,
    };
    (public, private(0, Hex::ZERO, Vec::new(), None))
}

fn private(
    sequence: u64,
    prev_hash: Hash,
    bodies: Vec<BodyPrefix>,
    clock_offset_us: Option<i64>,
) -> Private {
    Private {
        schema: PRIVATE_SCHEMA.into(),
        record_id: Hex([0x33; 16]),
        key_id: "k-0001".into(),
        chain_id: Hex([0x44; 8]),
        sequence,
        prev_hash,
        t_start_us: 1_795_436_106_000_001,
        t_end_us: 1_795_436_107_250_000,
        clock_offset_us,
        blind: Hex([0x55; 16]),
        bodies,
    }
}

fn body() -> BodyPrefix {
    BodyPrefix {
        observation: 1,
        base64: "PCFkb2N0eXBlIGh0bWw+".into(),
    }
}

fn sample(metric: &str, value: i64, unit: &str) -> Sample {
    Sample {
        metric: metric.into(),
        value,
        unit: unit.into(),
    }
}

fn resolved() -> Observation {
    let detail = [
        ("answers", json!(["192.0.2.80", "2001:db8::80"])),
        ("largest_integer", json!(9_007_199_254_740_991_i64)),
        ("smallest_integer", json!(-9_007_199_254_740_991_i64)),
        ("title", json!("ព័ត៌មាន \"ថ្ងៃនេះ\"\n\u{1F4F0}\u{7f}")),
        ("truncated", json!(false)),
    ];
    Observation {
        t_start_us: 0,
        t_end_us: 31_007,
        operation: "resolve".into(),
        subject: Some("www.example.org".into()),
        failure: None,
        detail: detail.map(|(key, value)| (key.to_owned(), value)).into(),
    }
}

fn reset() -> Observation {
    Observation {
        t_start_us: 31_100,
        t_end_us: 182_344,
        operation: "tls_handshake".into(),
        subject: Some("192.0.2.80:443".into()),
        failure: Some(Failure::ConnectionReset),
        detail: Detail::new(),
    }
}
