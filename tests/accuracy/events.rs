//! Lines on which something happens: only IPv6, a handover, an outage. Bounds come from the lab's
//! own settings.
use crate::RATE_PPM;
use crate::figures::Span;
use crate::line::{Change, Family, Line, Way};
use crate::measure::{self, Plan, WHOLE_RUN_BYTES};
use crate::record::Record;
use crate::row::Figure;
use crate::world::World;

/// A rule and its check.
type Check = (&'static str, fn(&Plan) -> Result<(), String>);

pub(crate) const ALL: &[Check] = &[
    (
        "an outage in mid-transfer is a timeout, ends in time and keeps the budget",
        outage,
    ),
    ("a handover in mid-transfer leaves the rates true", handover),
    ("our figures are true on a line with IPv6 only", ipv6_only),
];

const TEN_MBIT: Way = Way {
    rate_kbit: 10_000,
    delay_ms: 20,
    loss_every: 0,
};

fn ipv6_only(plan: &Plan) -> Result<(), String> {
    let line = Line {
        family: Family::V6,
        ..Line::even("IPv6 only", TEN_MBIT)
    };
    let world = World::start(&line, &plan.tonle, WHOLE_RUN_BYTES)?;
    let record = Record::measure(&world, &["latency", world.server()])?;
    let rtt_us = record.sample("latency.rtt_median_us/icmp")?;
    let network_us = 40_000;
    if !(network_us..=network_us + crate::LATE_US).contains(&rtt_us) {
        return Err(format!("a round trip of {rtt_us} µs"));
    }
    rates_are_true(&world)
}

/// Half a second without anything, then a slower and longer line: in the middle of the download, and
/// another in the middle of the upload.
fn handover(plan: &Plan) -> Result<(), String> {
    let moves = [
        (5_000, Change::Outage(true)),
        (5_500, Change::Outage(false)),
        (5_500, Change::Delay(45)),
        (5_500, Change::Rates(2_000, 3_000)),
        (16_000, Change::Outage(true)),
        (16_300, Change::Outage(false)),
        (16_300, Change::Delay(20)),
        (16_300, Change::Rates(10_000, 10_000)),
    ];
    let line = Line {
        changes: moves.to_vec(),
        ..Line::even("two handovers", TEN_MBIT)
    };
    let world = World::start(&line, &plan.tonle, WHOLE_RUN_BYTES)?;
    rates_are_true(&world)
}

fn rates_are_true(world: &World) -> Result<(), String> {
    let mut figures = Vec::new();
    measure::throughput(world, &mut figures)?;
    let untrue = |figure: &&Figure| figure.error_ppm().abs() > RATE_PPM;
    match figures.iter().find(untrue) {
        Some(figure) => Err(format!("{figure:?}")),
        None => Ok(()),
    }
}

/// The line is gone for good in the middle of the download.
fn outage(plan: &Plan) -> Result<(), String> {
    const RUN_MAX_BYTES: u64 = 15_000_000;
    /// From the last byte: a message is waited for 7 s, the next connection as long.
    const ENDS_WITHIN_US: i64 = 20_000_000;
    let line = Line {
        changes: vec![(5_000, Change::Outage(true))],
        ..Line::even("an outage", TEN_MBIT)
    };
    let world = World::start(&line, &plan.tonle, RUN_MAX_BYTES)?;
    drop(world.passages());
    let record = Record::measure(&world, &["throughput"])?;
    let (transfer, Span { from_us, .. }) = record.transfer("download")?;
    let failure = &transfer["failure"];
    if failure != "generic_timeout_error" {
        return Err(format!("failure {failure}: {transfer}"));
    }
    if record.sample("throughput.download_bps").is_ok() {
        return Err("a download that was cut off has no rate".to_owned());
    }
    let last_us = record.span.until_us - from_us;
    if last_us > ENDS_WITHIN_US {
        return Err(format!("it ended {last_us} µs after the transfer began"));
    }
    let crossed = world.passages();
    let payload: u64 = crossed.iter().map(|passage| passage.payload_bytes).sum();
    if payload > RUN_MAX_BYTES {
        return Err(format!("{payload} bytes crossed the line"));
    }
    Ok(())
}
