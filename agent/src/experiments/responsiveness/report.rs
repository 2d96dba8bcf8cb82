//! A direction as an observation and as samples.
//!
//! Operation `responsiveness`, subject the URL of its load. It fails as its load failed. Detail:
//! - `direction`, `protocol` (`h2` and `h1` over TLS, `plain` HTTP/1.1), `own_probe` (`request`, or
//!   `kernel` for the kernel's round trip), `interval_us`, `ended_by` (`settled`, `time_up`,
//!   `bytes_cap`, `cancelled`, `broken`), `connections`, `load_bytes`, `probe_bytes`,
//!   `lost_probes` (by failure);
//! - `capacity_confidence` and `goodput_bps` (a value after each interval of the first stage),
//!   `score_confidence` and `rpm_series` (of the second);
//! - of the last four intervals, what the score is made of: `rpm`, `class`, `foreign_rpm`,
//!   `loaded_rpm`, the trimmed means `tcp_us`, `tls_us` (of one round trip), `http_us`, `loaded_us`,
//!   and of every probe of these intervals, nothing trimmed, the histograms `tcp_histogram`,
//!   `tls_histogram`, `http_histogram`, `loaded_histogram`: [lower end of a bucket in microseconds,
//!   count].
use super::direction::{Course, End, Test};
use super::intervals::Probes;
use crate::experiments::Run;
use crate::quantile::quantile;
use serde_json::json;
use tonle_evidence::record::Target;
use tonle_net::stamp::histogram;
use tonle_net::step::Step;
use tonle_wire::responsiveness::{Confidence, Direction, Score};

/// Fewest probes that a 95th percentile is taken of, and a 99th.
const P95_MIN: usize = 20;
/// See [`P95_MIN`].
const P99_MIN: usize = 100;

/// Records a direction, and turns it into samples as far as it has any.
pub(super) fn report(run: &Run, target: &Target, test: &Test<'_>, course: Course) {
    let Course {
        mut step,
        end,
        intervals,
        connections,
        load_bytes,
        probe_bytes,
        lost,
    } = course;
    let protocol = test.server.protocol;
    let own_probe = if protocol == "h2" {
        "request"
    } else {
        "kernel"
    };
    step.fact("direction", test.direction.as_str());
    step.fact("protocol", protocol);
    step.fact("own_probe", own_probe);
    step.fact("interval_us", test.timing.interval_us);
    step.fact("ended_by", ended_by(&end));
    step.fact("connections", connections);
    step.fact("load_bytes", load_bytes);
    step.fact("probe_bytes", probe_bytes);
    step.fact("lost_probes", json!(lost));
    let (capacity, settled) = intervals.confidence();
    step.fact("capacity_confidence", capacity.as_str());
    step.fact("goodput_bps", json!(intervals.goodputs_bps()));
    step.fact("score_confidence", settled.as_str());
    step.fact("rpm_series", json!(intervals.scores_rpm()));
    let window = intervals.window();
    let score = intervals.score();
    describe(&mut step, &window, score);
    if let End::Broken(failure) = end {
        run.observe(step.fail(failure));
        return;
    }
    run.observe(step.succeed());
    let confidence = capacity.min(settled);
    let stability = match confidence {
        Confidence::Low => return,
        Confidence::Medium => "unstable",
        Confidence::High => "stable",
    };
    let Some(score) = score.filter(|_| end != End::Cancelled) else {
        return;
    };
    let class = target.path_class;
    for (name, value) in samples(test.direction, score, &window.own_us) {
        let variant = format!("{protocol}_1s/{stability}/{class}");
        run.sample(format!("responsiveness.{name}/{variant}"), value);
    }
}

/// Base and value of every sample.
fn samples(direction: Direction, score: Score, own_us: &[i64]) -> Vec<(&'static str, i64)> {
    let at = |percent, least| {
        let enough = Some(own_us).filter(|own_us| own_us.len() >= least)?;
        quantile(enough, percent)
    };
    let values = [
        Some(score.rpm),
        Some(score.loaded_us),
        at(95, P95_MIN),
        at(99, P99_MIN),
        Some(score.tcp_us),
        score.tls_us,
        Some(score.http_us),
    ];
    let names = names(direction).into_iter();
    names
        .zip(values)
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}

fn names(direction: Direction) -> [&'static str; 7] {
    match direction {
        Direction::Download => [
            "download_rpm",
            "download_loaded_us",
            "download_loaded_p95_us",
            "download_loaded_p99_us",
            "download_tcp_us",
            "download_tls_us",
            "download_http_us",
        ],
        Direction::Upload => [
            "upload_rpm",
            "upload_loaded_us",
            "upload_loaded_p95_us",
            "upload_loaded_p99_us",
            "upload_tcp_us",
            "upload_tls_us",
            "upload_http_us",
        ],
    }
}

fn ended_by(end: &End) -> &'static str {
    match end {
        End::Settled => "settled",
        End::TimeUp => "time_up",
        End::Capped => "bytes_cap",
        End::Cancelled => "cancelled",
        End::Broken(_) => "broken",
    }
}

fn describe(step: &mut Step, window: &Probes, score: Option<Score>) {
    for (name, times) in [
        ("tcp_histogram", &window.tcp_us),
        ("tls_histogram", &window.tls_us),
        ("http_histogram", &window.http_us),
        ("loaded_histogram", &window.own_us),
    ] {
        step.fact(name, json!(histogram::of(times.iter().copied())));
    }
    let Some(score) = score else {
        return;
    };
    step.fact("rpm", score.rpm);
    step.fact("class", score.class().as_str());
    step.fact("foreign_rpm", score.foreign_rpm);
    step.fact("loaded_rpm", score.loaded_rpm);
    step.fact("tcp_us", score.tcp_us);
    if let Some(tls_us) = score.tls_us {
        step.fact("tls_us", tls_us);
    }
    step.fact("http_us", score.http_us);
    step.fact("loaded_us", score.loaded_us);
}
