//! STAMP in the lab: the real agent against the real collector's reflector, held to what the hub saw
//! of every packet.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

mod truth;
mod world;

use serde_json::Value;
use truth::{Train, Way};
use world::{Line, World};

/// What hosts may add to a round trip: their timers and wake-ups.
const LATE_US: i64 = 5_000;
/// A round trip is never shorter than the network's own; this is for the clocks' rounding.
const EARLY_US: i64 = 200;
/// Shortest median wait in a queue that is a load: an upload goes by the congestion control of the
/// machine's own kernel, and BBR keeps about the round trip of the idle line in the queue.
const LOAD_MIN_US: i64 = 10_000;

/// Copies that may still be on their way when every packet is answered, which nobody waits for: what
/// is sent within the 250 ms by which the line delays some.
const UNHEARD_MAX: i64 = 3;

type Check = fn() -> Result<(), Failed>;

const TESTS: &[(&str, Check)] = &[
    (
        "loss_towards_the_server_is_counted_exactly_and_there_only",
        || loss_in_one_direction(Way::Up),
    ),
    (
        "loss_from_the_server_is_counted_exactly_and_there_only",
        || loss_in_one_direction(Way::Down),
    ),
    (
        "copies_and_packets_out_of_order_are_no_loss",
        copies_and_disorder,
    ),
    ("latency_under_load_is_the_queues_own", under_load),
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
        say(&format!("LAB SKIPPED: STAMP on four lines ({why})"));
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

fn loss_in_one_direction(way: Way) -> Result<(), Failed> {
    let losing = "{ delay_ms = 10, loss = { every = 7 } }";
    let whole = "{ delay_ms = 10 }";
    let (up, down) = match way {
        Way::Up => (losing, whole),
        Way::Down => (whole, losing),
    };
    let world = World::start(&Line {
        up,
        down,
        agent: "",
    })?;
    let record = world.measure("stamp")?;
    let train = Train::of(&world);
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

fn copies_and_disorder() -> Result<(), Failed> {
    let world = World::start(&Line {
        up: "{ delay_ms = 10, duplicate = { every = 9 } }",
        down: "{ delay_ms = 10, duplicate = { every = 7 }, reorder = { every = 5, by_ms = 250 } }",
        agent: "",
    })?;
    let record = world.measure("stamp")?;
    let said = record.observation("stamp_train")?;
    same("answered", number(said, "answered"), number(said, "sent"))?;
    same("lost towards the server", number(said, "forward_lost"), 0)?;
    same("lost from the server", number(said, "backward_lost"), 0)?;
    let train = Train::of(&world);
    let replies = train.delivered(Way::Down);
    let (copies, counted) = (replies - number(said, "sent"), number(said, "duplicated"));
    if !(copies - UNHEARD_MAX..=copies).contains(&counted) {
        return Err(format!("duplicates: {counted} said, {copies} in truth").into());
    }
    if number(said, "reordered") == 0 || number(said, "duplicated") < 5 {
        return Err(format!("nothing came out of order or twice: {said}").into());
    }
    Ok(())
}

/// Queues of 100 ms on both ways; the transfers end at their byte caps after some five seconds.
fn under_load() -> Result<(), Failed> {
    let link = "{ rate_kbit = 4000, delay_ms = 10, queue_bytes = 50000 }";
    let world = World::start(&Line {
        up: link,
        down: link,
        agent: "early_stop = false\nrun_max_bytes = 6_000_000\n",
    })?;
    let record = world.measure("throughput")?;
    let train = Train::of(&world);
    let idle_us = record.sample("throughput.idle_rtt_median_us/")?;
    let truth = train.round_trips_us(record.span("idle")?);
    near("idle", idle_us, truth::median(truth)?, LATE_US)?;
    for direction in ["download", "upload"] {
        let truth_us = truth::median(train.round_trips_us(record.span(direction)?))?;
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

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
