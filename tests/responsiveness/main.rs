//! Responsiveness in the lab: the real agent against the real collector over HTTP/2, held to the
//! queues that the lines were given and to what the hub saw.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

mod traffic;
mod world;

use world::{Line, Record, World};

/// A minute in milliseconds: a score is never above it over the line's own round trip.
const MINUTE_MS: i64 = 60_000;
/// Round trip of every line without its queues.
const RTT_MS: i64 = 20;
/// What probes may use of what the line carries, per cent.
const PROBES_PERCENT_MAX: u64 = 5;

type Check = fn() -> Result<(), Failed>;

const TESTS: &[(&str, Check)] = &[
    (
        "a_deep_queue_and_a_short_one_separate_clearly",
        queues_separate,
    ),
    (
        "probes_take_at_most_their_share_of_a_slow_line",
        probes_are_few,
    ),
];

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    let mut arguments = Arguments::from_args();
    // They measure time: one at a time.
    arguments.test_threads = Some(1);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (&missing, required) {
        say(&format!(
            "LAB SKIPPED: responsiveness of three lines ({why})"
        ));
    }
    let trials = TESTS.iter().map(|(name, check)| {
        let missing = missing.clone();
        let is_ignored = missing.is_some() && !required;
        Trial::test(*name, move || match missing {
            Some(why) => Err(format!("LAB=require, but {why}").into()),
            None => check(),
        })
        .with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Two lines that differ in their queues only, measured beside each other: both are slow enough.
fn queues_separate() -> Result<(), Failed> {
    let (deep_ms, short_ms) = (1_000, 50);
    let measure = |queue_ms: u64| {
        let way = way(10_000, queue_ms);
        let line = Line {
            up: &way,
            down: &way,
            agent: "run_max_bytes = 1_000_000_000\n",
        };
        World::start(&line)?.measure("responsiveness")
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
fn probes_are_few() -> Result<(), Failed> {
    let way = way(1_000, 200);
    let line = Line {
        up: &way,
        down: &way,
        agent: "run_max_bytes = 3_000_000\n",
    };
    let world = World::start(&line)?;
    let record = world.measure("responsiveness")?;
    let began_us = record.began_us()?;
    let truth = world.truth();
    for direction in ["download", "upload"] {
        let seen = record.direction(direction)?;
        let of = |name: &str| seen["detail"][name].as_u64().ok_or(format!("no {name}"));
        let (load, probes) = (of("load_bytes")?, of("probe_bytes")?);
        if load == 0 || probes * 100 > load * PROBES_PERCENT_MAX {
            return Err(format!("{direction}: {probes} bytes of probes for {load}").into());
        }
        let at = |name: &str| seen[name].as_i64().ok_or(format!("no {name}"));
        let span = began_us + at("t_start_us")?..began_us + at("t_end_us")?;
        let (load, probes) = traffic::of(&truth, span, direction == "download");
        if load == 0 || probes * 100 > load * PROBES_PERCENT_MAX {
            return Err(format!("{direction}: the hub saw {probes} of probes for {load}").into());
        }
    }
    Ok(())
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

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
