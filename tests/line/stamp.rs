//! STAMP in the lab: the real agent against the real collector's reflector, held to what the hub saw
//! of every packet.
use crate::bench::{Bench, Settings};
use crate::train::{self, Train, Way};
use libtest_mimic::Failed;
use serde_json::Value;

/// What hosts may add to a round trip: their timers and wake-ups.
const LATE_US: i64 = 5_000;
/// A round trip is never shorter than the network's own; this is for the clocks' rounding.
const EARLY_US: i64 = 200;
/// Shortest median wait in a queue that is a load: an upload goes by the congestion control of the
/// machine's own kernel, and BBR keeps about the round trip of the idle line in the queue.
const LOAD_MIN_US: i64 = 10_000;

/// What every agent here is told; and its collector: cubic fills queues, BBR would keep them short.
const SETTINGS: Settings<'_> = Settings {
    collector: "",
    servers: "congestion_control = 'cubic'",
    agent: "metered = false
",
    files: &[],
};

pub(crate) fn loss_towards_the_server() -> Result<(), Failed> {
    loss_in_one_direction(Way::Up)
}

pub(crate) fn loss_from_the_server() -> Result<(), Failed> {
    loss_in_one_direction(Way::Down)
}

fn loss_in_one_direction(way: Way) -> Result<(), Failed> {
    let losing = "{ delay_ms = 10, loss = { every = 7 } }";
    let whole = "{ delay_ms = 10 }";
    let (up, down) = match way {
        Way::Up => (losing, whole),
        Way::Down => (whole, losing),
    };
    let bench = Bench::on_link(up, down, &SETTINGS)?;
    let record = bench.record("stamp")?;
    let train = Train::of(&bench);
    let said = record.observation("stamp_train")?;
    let lost = train.lost(way);
    same(
        "packets lost",
        number(said, "sent") - number(said, "answered"),
        lost,
    )?;
    let known = train.lost_before_last_answer(way);
    let (there, other) = match way {
        Way::Up => ("forward_lost", "backward_lost"),
        Way::Down => ("backward_lost", "forward_lost"),
    };
    same(there, number(said, there), known)?;
    same(other, number(said, other), 0)?;
    if known < 5 {
        return Err(format!("only {known} packets were lost: the line does not lose").into());
    }
    let ppm = record.sample(match way {
        Way::Up => "stamp.loss_down_ppm/",
        Way::Down => "stamp.loss_up_ppm/",
    })?;
    same("loss of the other direction", ppm, 0)
}

pub(crate) fn copies_and_disorder() -> Result<(), Failed> {
    let up = "{ delay_ms = 10, duplicate = { every = 9 } }";
    let down = "{ delay_ms = 10, duplicate = { every = 7 }, reorder = { every = 5, by_ms = 250 } }";
    let bench = Bench::on_link(up, down, &SETTINGS)?;
    let record = bench.record("stamp")?;
    let said = record.observation("stamp_train")?;
    same("answered", number(said, "answered"), number(said, "sent"))?;
    same("lost towards the server", number(said, "forward_lost"), 0)?;
    same("lost from the server", number(said, "backward_lost"), 0)?;
    let train = Train::of(&bench);
    let replies = train.delivered(Way::Down);
    let copies = replies - number(said, "sent");
    same("duplicated", number(said, "duplicated"), copies)?;
    if number(said, "reordered") == 0 || number(said, "duplicated") < 5 {
        return Err(format!("nothing came out of order or twice: {said}").into());
    }
    Ok(())
}

/// Queues of 100 ms on both ways; the transfers end at their byte caps after some five seconds.
pub(crate) fn under_load() -> Result<(), Failed> {
    let link = "{ rate_kbit = 4000, delay_ms = 10, queue_bytes = 50000 }";
    let settings = Settings {
        agent: "metered = false\nearly_stop = false\nrun_max_bytes = 6_000_000\n",
        ..SETTINGS
    };
    let bench = Bench::on_link(link, link, &settings)?;
    let record = bench.record("throughput")?;
    let train = Train::of(&bench);
    let idle_us = record.sample("throughput.idle_rtt_median_us/")?;
    let truth = train.round_trips_us(record.phase("idle")?);
    near("idle", idle_us, train::median(truth)?, LATE_US)?;
    for direction in ["download", "upload"] {
        let truth_us = train::median(train.round_trips_us(record.phase(direction)?))?;
        let queue_us = truth_us - 20_000;
        if queue_us < LOAD_MIN_US {
            return Err(format!("{direction}: a queue of {queue_us} µs is no load").into());
        }
        let id = format!("throughput.loaded_rtt_median_us/{direction}/ndt7_capped/");
        let said = record.sample(&id)?;
        // A packet at a phase's edge may count on one side only, and move the median either way.
        if (said - truth_us).abs() > (queue_us / 10).max(LATE_US) {
            return Err(format!("{id}: {said} µs said, {truth_us} µs in truth").into());
        }
        let id = format!("throughput.added_latency_us/{direction}/ndt7_capped/");
        let added_us = record.sample(&id)?;
        // At least what the median waited; at most the queue's 100 ms, the packet on the line, the
        // hosts.
        if !(queue_us - LATE_US..=100_000 + 3_000 + LATE_US).contains(&added_us) {
            return Err(format!("{id}: {added_us} µs, of a queue of 100 ms").into());
        }
    }
    Ok(())
}

fn number(said: &Value, name: &str) -> i64 {
    said["detail"][name].as_i64().unwrap_or(-1)
}

fn same(what: &str, said: i64, truth: i64) -> Result<(), Failed> {
    if said == truth {
        return Ok(());
    }
    Err(format!("{what}: {said} said, {truth} in truth").into())
}

fn near(what: &str, said_us: i64, truth_us: i64, late_us: i64) -> Result<(), Failed> {
    if (-EARLY_US..=late_us).contains(&(said_us - truth_us)) {
        return Ok(());
    }
    Err(format!("{what}: {said_us} µs said, {truth_us} µs in truth").into())
}
