//! What lines give: rates, round trips, lookups and pages.
use super::agents::{Agent, Due, normal};
use super::records::{Half, Moment};
use super::{Events, Settings};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::json;
use std::collections::BTreeMap;
use tonle_evidence::country::Country;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{LimitedBy, PathClass, Technology};

/// Echoes of a run.
const ECHOES: i64 = 10;
/// Evening, on the country's clock.
const EVENING: std::ops::Range<u8> = 19..23;

/// What all lines of a province or network share; 1 is as everywhere.
pub(super) struct Lines {
    provinces: BTreeMap<String, f64>,
    networks: BTreeMap<u32, f64>,
}

/// What a line gives in an hour.
struct Line {
    download_bps: f64,
    upload_bps: f64,
    rtt_us: f64,
}

impl Lines {
    pub(super) fn new(settings: &Settings, country: &Country) -> Self {
        let mut random = settings.random("lines", &[]);
        let mut factor = |deviation: f64| (normal(&mut random) * deviation).exp();
        Self {
            networks: super::NETWORKS
                .iter()
                .map(|asn| (*asn, factor(0.2)))
                .collect(),
            provinces: country
                .provinces
                .iter()
                .map(|one| (one.code.clone(), factor(0.2)))
                .collect(),
        }
    }

    /// What an agent sees of its line.
    pub(super) fn measure(
        &self,
        agent: &Agent,
        due: Due,
        moment: &Moment<'_>,
        events: &Events,
        random: &mut ChaCha8Rng,
    ) -> Half {
        let line = self.line(agent, moment, events, random);
        match due {
            Due::Throughput => throughput(agent, &line, random),
            Due::Dns => dns(&line, random),
            Due::Page => page(&line, random),
            Due::Abroad => latency(line.rtt_us + 30_000.0, PathClass::Abroad, random),
            Due::Domestic | Due::Visit(_) => latency(line.rtt_us, PathClass::Domestic, random),
        }
    }

    fn line(
        &self,
        agent: &Agent,
        moment: &Moment<'_>,
        events: &Events,
        random: &mut ChaCha8Rng,
    ) -> Line {
        let (rate_bps, rtt_us) = match agent.technology {
            Technology::Mobile5g => (90e6, 22_000.0),
            Technology::Mobile3g => (3e6, 70_000.0),
            Technology::Fibre => (60e6, 6_000.0),
            Technology::FixedWireless => (15e6, 18_000.0),
            _ => (16e6, 38_000.0),
        };
        let of = |factor: Option<&f64>| factor.copied().unwrap_or(1.0);
        let shared = of(self.provinces.get(&agent.province)) * of(self.networks.get(&agent.asn));
        let is_evening = EVENING.contains(&moment.local.hour);
        let evening = match (is_evening, agent.technology.is_mobile()) {
            (true, true) => 0.65,
            (true, false) => 0.85,
            (false, _) => 1.0,
        };
        let (degraded_in, when) = &events.degraded;
        let is_degraded = agent.asn == *degraded_in && when.contains(&moment.hour);
        let trouble = if is_degraded { 0.35 } else { 1.0 };
        // One run in fifty meets something that no model has.
        let odd = if random.random_bool(0.02) {
            random.random_range(0.05..0.5)
        } else {
            1.0
        };
        let spread = (normal(random) * 0.22).exp();
        let good = agent.factor * shared * evening * trouble * odd * spread;
        let plan = agent.plan_bps.map_or(f64::MAX, to_float);
        let download_bps = (rate_bps * good).min(plan);
        Line {
            download_bps,
            upload_bps: download_bps * 0.4,
            rtt_us: rtt_us / (shared * evening * trouble * odd) * (normal(random) * 0.12).exp(),
        }
    }
}

fn latency(rtt_us: f64, path: PathClass, random: &mut ChaCha8Rng) -> Half {
    let (place, target) = match path {
        PathClass::Abroad => ("abroad", "far.example"),
        _ => ("domestic", "near.example"),
    };
    let mut observations = Vec::new();
    let mut times = Vec::new();
    for sequence in 0..ECHOES {
        let is_lost = random.random_bool(0.004);
        let one = to_integer(rtt_us * random.random_range(0.95..1.15));
        if !is_lost {
            times.push(one);
        }
        let failure = is_lost.then_some(tonle_evidence::failure::Failure::GenericTimeout);
        let begins_us = sequence * 200_000;
        observations.push(Observation {
            t_start_us: begins_us,
            t_end_us: begins_us + one,
            operation: "icmp_echo".to_owned(),
            subject: Some(format!("{target}:0")),
            failure,
            detail: serde_json::from_value(json!({ "sequence": sequence, "rtt_us": one }))
                .expect("an object"),
        });
    }
    times.sort_unstable();
    let lost = ECHOES - to_count(times.len());
    let mut half = Half::quality("latency", 1, target, path);
    half.observations = observations;
    half.sample(
        format!("latency.loss_ppm/icmp/{place}"),
        lost * 1_000_000 / ECHOES,
        "ppm",
    );
    let (Some(least), Some(middle), Some(most)) =
        (times.first(), times.get(times.len() / 2), times.last())
    else {
        return half;
    };
    for (name, value) in [("min", least), ("median", middle), ("p95", most)] {
        half.sample(format!("latency.rtt_{name}_us/icmp/{place}"), *value, "us");
    }
    half
}

fn throughput(agent: &Agent, line: &Line, random: &mut ChaCha8Rng) -> Half {
    let mut half = Half::quality("throughput", 1, "server.example", PathClass::Domestic);
    let download = to_integer(line.download_bps);
    let is_at_plan = agent.plan_bps.is_some_and(|plan| download >= plan);
    half.limited_by = Some(match random.random_range(0..100) {
        _ if is_at_plan => LimitedBy::Plan,
        0..8 if !agent.technology.is_mobile() => LimitedBy::Wifi,
        8..12 => LimitedBy::Unknown,
        _ => LimitedBy::Line,
    });
    half.bytes_used = (download / 8).saturating_mul(10);
    half.sample(
        "throughput.download_bps/ndt7/domestic".into(),
        download,
        "bps",
    );
    half.sample(
        "throughput.upload_bps/ndt7/domestic".into(),
        to_integer(line.upload_bps),
        "bps",
    );
    half.sample(
        "throughput.min_rtt_us/ndt7/domestic".into(),
        to_integer(line.rtt_us),
        "us",
    );
    half
}

fn dns(line: &Line, random: &mut ChaCha8Rng) -> Half {
    let mut half = Half::quality("dns", 1, "near.example", PathClass::Unknown);
    let has_failed = random.random_bool(0.01);
    let failed = if has_failed { 1_000_000 } else { 0 };
    half.sample("dns.failure_ppm/configured".into(), failed, "ppm");
    if !has_failed {
        let time = line.rtt_us * 0.6 + random.random_range(1_000.0..9_000.0);
        half.sample(
            "dns.resolution_us/configured".into(),
            to_integer(time),
            "us",
        );
    }
    half
}

fn page(line: &Line, random: &mut ChaCha8Rng) -> Half {
    let target = "https://page.example/";
    let mut half = Half::quality("web_page", 1, target, PathClass::Domestic);
    let has_failed = random.random_bool(0.015);
    let failed = if has_failed { 1_000_000 } else { 0 };
    half.sample("web_page.nonaccess_ppm/domestic".into(), failed, "ppm");
    if !has_failed {
        let time = line.rtt_us * 3.0 + random.random_range(20_000.0..90_000.0);
        half.sample("web_page.setup_us/domestic".into(), to_integer(time), "us");
        let rate = line.download_bps * random.random_range(0.3..0.8);
        half.sample(
            "web_page.mean_rate_bps/domestic".into(),
            to_integer(rate),
            "bps",
        );
    }
    half
}

/// A value of the model as records have it.
fn to_integer(value: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float is cut to the ends of the range"
    )]
    let integer = value.round() as i64;
    integer.clamp(1, 50_000_000_000)
}

fn to_float(value: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a plan is far below 2^53 bit/s")]
    let float = value as f64;
    float
}

fn to_count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
