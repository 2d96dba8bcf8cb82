//! Fixed view models for tests: the real country and catalogue with made-up figures.
use crate::device::DeviceRecord;
use crate::language::Visit;
use crate::shapes::Shapes;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::entry::Mark;
use tonle_evidence::failure::Failure;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{
    Claim, Clock, ClockState, Context, KIND_MEASUREMENT, LimitedBy, Method, Outcome, PUBLIC_SCHEMA,
    PathClass, PlaceKind, Plan, Province, ProvinceKnown, Public, QuotaState, Sample, Software,
    Stream, Target, Technology,
};
use tonle_evidence::statement::{Access, CAPTION, Counts, Figure, State, Statement, Window};
use tonle_evidence::words::Lang;

const PROVINCES: &str = include_str!("../../configs/countries/kh/provinces.geojson");

pub(crate) fn catalogue() -> Catalogue {
    Catalogue::parse(include_str!("../../configs/metrics.toml")).unwrap()
}

pub(crate) fn country() -> Country {
    Country::parse(
        include_str!("../../configs/countries/kh/country.toml"),
        include_str!("../../configs/countries/kh/operators.toml"),
        PROVINCES,
    )
    .unwrap()
}

pub(crate) fn shapes() -> Shapes {
    Shapes::parse(PROVINCES).unwrap()
}

pub(crate) fn month() -> LocalMonth {
    "2026-11".parse().unwrap()
}

pub(crate) fn visit(lang: Lang) -> Visit {
    Visit::new(Some(lang.tag()), None, "")
}

/// One state of each kind, in turn.
fn state(turn: u64, middle: i64) -> State {
    let counts = Counts {
        agents: 5 + turn % 40,
        agent_days: 60 + 7 * turn,
        records: 4_000 + 311 * turn,
    };
    let shift = i64::try_from(turn).unwrap() * middle / 23;
    let figure = Figure {
        median: middle + shift,
        low: (middle + shift) * 4 / 5,
        high: (middle + shift) * 3 / 2,
        coverage_ppm: 968_750,
    };
    match turn % 5 {
        0 => State::NoData,
        1 => State::Suppressed,
        2 => State::Insufficient { counts },
        _ => State::Estimate { figure, counts },
    }
}

/// A typical value of a metric in this unit.
fn middle(unit: &str) -> i64 {
    match unit {
        "us" => 23_400,
        "bps" => 18_700_000,
        _ => 4_200,
    }
}

/// Statements of a month with data for every headline metric, mobile and fixed, in every province.
pub(crate) fn statements() -> Vec<Statement> {
    let (catalogue, country) = (catalogue(), country());
    let mut statements = Vec::new();
    let headlines = catalogue.iter().filter(|(_, metric)| metric.headline);
    for (column, (id, metric)) in headlines.enumerate() {
        for (row, province) in country.provinces.iter().enumerate() {
            for access in [Access::Mobile, Access::Fixed] {
                let turn = (row * 3 + column + usize::from(access == Access::Fixed)) as u64;
                statements.push(Statement {
                    metric: id.to_owned(),
                    unit: metric.unit.clone(),
                    province: province.code.clone(),
                    access,
                    period: month(),
                    window: Window::All,
                    state: state(turn, middle(&metric.unit)),
                    pooled: None,
                    left_out: Vec::new(),
                    caption: CAPTION.to_owned(),
                });
            }
        }
    }
    statements
}

/// A record of a run of `latency` whose second step failed.
pub(crate) fn record() -> DeviceRecord {
    let step = |failure| Observation {
        t_start_us: 0,
        t_end_us: 20_000,
        operation: "icmp_echo".to_owned(),
        subject: Some("www.example.org".to_owned()),
        failure,
        detail: std::collections::BTreeMap::new(),
    };
    let sample = |metric: &str, value, unit: &str| Sample {
        metric: metric.to_owned(),
        value,
        unit: unit.to_owned(),
    };
    let public = Public {
        schema: PUBLIC_SCHEMA.to_owned(),
        kind: KIND_MEASUREMENT.to_owned(),
        method: Method {
            id: "latency".to_owned(),
            version: 1,
            stream: Stream::Quality,
        },
        target: Target {
            value: "www.example.org".to_owned(),
            category: None,
            path_class: PathClass::Abroad,
        },
        samples: vec![
            sample("latency.rtt_median_us/icmp/abroad", 43_210, "us"),
            sample("latency.loss_ppm/icmp/abroad", 100_000, "ppm"),
        ],
        observations: vec![
            step(None),
            step(Some(Failure::GenericTimeout)),
            step(Some(Failure::GenericTimeout)),
            step(Some(Failure::unknown("odd <b>thing</b>"))),
        ],
        outcome: Outcome::Completed,
        country: country().code,
        province: Province {
            code: country().provinces[11].code.clone(),
            known: ProvinceKnown::Unconfirmed,
        },
        place: PlaceKind::Home,
        operator: Claim {
            declared: None,
            detected: None,
        },
        technology: Claim {
            declared: Some(Technology::Mobile4g),
            detected: None,
        },
        context: Context {
            interface: "wifi".to_owned(),
            ip_family: "ipv4".to_owned(),
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
            limited_by: Some(LimitedBy::Wifi),
            bytes_used: 2_016,
        },
        local_hour: "2026-11-23T19".to_owned(),
        consent_version: "1".to_owned(),
        software: Software {
            name: "tonle-agent".to_owned(),
            version: "0.1.0".to_owned(),
            build: "unknown".to_owned(),
        },
    };
    DeviceRecord {
        started_at_us: 1_795_436_000_000_000,
        public,
        not_counted: Some("unconfirmed_province".to_owned()),
        marks: vec![Mark::Late],
    }
}
