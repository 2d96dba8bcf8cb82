//! Responsiveness in the lab: the real agent against the real collector over HTTP/2, held to the
//! queues that the lines were given and to what the hub saw.
use crate::bench::{Bench, SERVER, Settings};
use crate::record::Record;
use crate::traffic;
use libtest_mimic::Failed;

/// A minute in milliseconds: a score is never above it over the line's own round trip.
const MINUTE_MS: i64 = 60_000;
/// Round trip of every line without its queues.
const RTT_MS: i64 = 20;
/// What probes may use of what the line carries, per cent.
const PROBES_PERCENT_MAX: u64 = 5;

/// Two lines that differ in their queues only, measured beside each other: both are slow enough.
pub(crate) fn queues_separate() -> Result<(), Failed> {
    let (deep_ms, short_ms) = (1_000, 50);
    let measure = |queue_ms: u64| {
        let bench = over_tls(&way(10_000, queue_ms), 1_000_000_000)?;
        bench.record("responsiveness")
    };
    let (deep, short) = std::thread::scope(|scope| {
        let deep = scope.spawn(|| measure(deep_ms));
        let short = measure(short_ms);
        (deep.join(), short)
    });
    let deep = deep.map_err(|_| "the deep line's test panicked")??;
    let short = short?;
    for direction in ["download", "upload"] {
        let [deep_rpm, short_rpm] = [&deep, &short].map(|record| score(record, direction));
        let (deep_rpm, short_rpm) = (deep_rpm?, short_rpm?);
        let highest = MINUTE_MS / RTT_MS;
        if short_rpm > highest {
            return Err(format!("{direction}: {short_rpm} RPM are more than {highest}").into());
        }
        // Twenty times the queue; a third of the score leaves room for a load that fills neither.
        let separates = deep_rpm * 3 < short_rpm;
        if !separates {
            return Err(format!("{direction}: {deep_rpm} RPM, and {short_rpm} with 50 ms").into());
        }
    }
    Ok(())
}

/// A slow line: the hub's count of what went over connections that carried no load.
pub(crate) fn probes_are_few() -> Result<(), Failed> {
    let bench = over_tls(&way(1_000, 200), 3_000_000)?;
    let record = bench.record("responsiveness")?;
    let truth = bench.truth();
    for direction in ["download", "upload"] {
        let seen = record.direction(direction)?;
        let of = |name: &str| seen["detail"][name].as_u64().ok_or(format!("no {name}"));
        let (load, probes) = (of("load_bytes")?, of("probe_bytes")?);
        if load == 0 || probes * 100 > load * PROBES_PERCENT_MAX {
            return Err(format!("{direction}: {probes} bytes of probes for {load}").into());
        }
        let span = record.span_of(seen)?;
        let (load, probes) = traffic::of(&truth, span, direction == "download");
        if load == 0 || probes * 100 > load * PROBES_PERCENT_MAX {
            return Err(format!("{direction}: the hub saw {probes} of probes for {load}").into());
        }
    }
    Ok(())
}

/// A line with the same link both ways, and the collector over TLS.
fn over_tls(way: &str, run_max_bytes: u64) -> Result<Bench, Failed> {
    let made = rcgen::generate_simple_self_signed(vec![SERVER.to_owned()])?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let agent = format!(
        "extra_roots = '{{home}}/cert.pem'\nmetered = false\n\
         monthly_budget_bytes = 1_000_000_000_000\nrun_max_bytes = {run_max_bytes}\n"
    );
    let settings = Settings {
        collector: "tls_cert = '{home}/cert.pem'\ntls_key = '{home}/key.pem'",
        agent: &agent,
        files: &[("cert.pem", &certificate), ("key.pem", &key)],
        ..Settings::default()
    };
    Bench::on_link(way, way, &settings)
}

/// One direction of a link: rate, half of the round trip, and a queue.
fn way(rate_kbit: u64, queue_ms: u64) -> String {
    let queue_bytes = rate_kbit * queue_ms / 8;
    let delay_ms = RTT_MS / 2;
    format!("{{ rate_kbit = {rate_kbit}, delay_ms = {delay_ms}, queue_bytes = {queue_bytes} }}")
}

fn score(record: &Record, direction: &str) -> Result<i64, Failed> {
    let seen = record.direction(direction)?;
    let is_over_http2 = seen["detail"]["protocol"] == "h2";
    if !is_over_http2 {
        return Err(format!("not over HTTP/2: {seen}").into());
    }
    Ok(record.sample(&format!("responsiveness.{direction}_rpm/h2_1s"))?)
}
