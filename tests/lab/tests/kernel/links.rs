//! What links do, as `fping` and `curl` see it, and as the hub tells it.
//!
//! Upper bounds on times come from the truth of the same run: the hub's delays and its own overhead.
use crate::support::{ensure, in_lab, on_client, summary};
use lab::hub::Fate;
use libtest_mimic::Failed;

/// Round trips that `fping -C` lists, microseconds; none for a lost one.
fn round_trips(text: &str) -> Vec<Option<u64>> {
    let list = text.lines().rev().find_map(|line| line.split(" : ").nth(1));
    let times = list.unwrap_or_default().split_whitespace();
    times.map(microseconds).collect()
}

/// `12.34` milliseconds as 12340; `-` as none.
fn microseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let part = format!("{part:0<3}");
    Some(whole.parse::<u64>().ok()? * 1000 + part[..3].parse::<u64>().ok()?)
}

pub(crate) fn the_round_trip_takes_the_delays_and_never_less() -> Result<(), Failed> {
    in_lab("up = { delay_ms = 15 }\ndown = { delay_ms = 25 }", |lab| {
        let (_, text) = on_client(lab, "fping -q -C 10 -p 50 198.51.100.1")?;
        let times = round_trips(&text);
        let seen: Vec<u64> = times.iter().flatten().copied().collect();
        ensure(seen.len() == 10, || format!("lost some: {text}"))?;
        let least = seen.iter().min().copied().unwrap_or(0);
        ensure(least >= 40_000, || format!("faster than the links: {text}"))?;
        let truth = summary(lab);
        let (there, back) = (
            truth.hosts["client"].up.delay_us,
            truth.hosts["client"].down.delay_us,
        );
        ensure(there.min >= 15_000 && back.min >= 25_000, || {
            truth.to_string()
        })
    })
}

pub(crate) fn exactly_the_packets_of_the_pattern_are_lost() -> Result<(), Failed> {
    let client = "up = { loss = { packets = [3, 7] } }\ndown = { loss = { every = 4 } }";
    in_lab(client, |lab| {
        let (_, text) = on_client(lab, "fping -q -C 10 -p 50 -t 1000 198.51.100.1")?;
        let arrived: Vec<bool> = round_trips(&text).iter().map(Option::is_some).collect();
        // Requests 3 and 7 never arrive; of the eight answers, to 1 2 4 5 6 8 9 10, the fourth and
        // the eighth are lost.
        let expected = [
            true, true, false, true, false, true, false, true, true, false,
        ];
        ensure(arrived == expected, || format!("{arrived:?}: {text}"))?;
        let truth = summary(lab);
        ensure(truth.hosts["client"].up.dropped[&Fate::Lost] == 2, || {
            truth.to_string()
        })?;
        ensure(truth.hosts["client"].down.dropped[&Fate::Lost] == 2, || {
            truth.to_string()
        })
    })
}

pub(crate) fn the_second_family_has_the_same_link() -> Result<(), Failed> {
    in_lab("up = { delay_ms = 30 }", |lab| {
        let (_, text) = on_client(lab, "fping -q -C 3 -p 50 2001:db8:2::1")?;
        let times: Vec<u64> = round_trips(&text).into_iter().flatten().collect();
        ensure(
            times.len() == 3 && times.iter().all(|time| *time >= 30_000),
            || text,
        )
    })
}

pub(crate) fn a_large_packet_is_answered_with_the_mtu() -> Result<(), Failed> {
    in_lab("up = { mtu = 1280 }", |lab| {
        // -M: must not be fragmented. Small enough, and 1328 bytes.
        let (small, text) = on_client(lab, "fping -q -M -c 1 -b 1252 198.51.100.1")?;
        ensure(small.status.success(), || text)?;
        let (large, text) = on_client(lab, "fping -M -c 1 -t 500 -b 1300 198.51.100.1")?;
        ensure(!large.status.success(), || text)?;
        let truth = summary(lab);
        let too_big = truth.hosts["client"].up.dropped.get(&Fate::TooBig);
        ensure(too_big == Some(&1), || truth.to_string())
    })
}

pub(crate) fn an_outage_begins_and_ends_at_its_times() -> Result<(), Failed> {
    let client = "
        [[host.change]]
        at_ms = 600
        outage = true
        [[host.change]]
        at_ms = 1200
        outage = false";
    in_lab(client, |lab| {
        let (_, text) = on_client(lab, "fping -q -C 20 -p 100 -t 90 198.51.100.1")?;
        let truth = lab.truth();
        let (begun, mut dropped) = (truth.begun_us, 0);
        for event in &truth.events {
            // When it was due, whenever the hub came to it.
            let at_ms = (event.out_us - event.late_us).saturating_sub(begun) / 1000;
            let within = (599..1201).contains(&at_ms);
            let outage = event.fate == Fate::Outage;
            dropped += u64::from(outage);
            ensure(!outage || within, || {
                format!("dropped at {at_ms} ms: {text}")
            })?;
            ensure(outage || !(602..1198).contains(&at_ms), || {
                format!("delivered at {at_ms} ms: {text}")
            })?;
        }
        ensure(dropped >= 1, || format!("nothing was dropped: {text}"))
    })
}

pub(crate) fn what_the_hub_delivered_is_what_the_program_sent() -> Result<(), Failed> {
    let client = "up = { duplicate = { every = 5 } }";
    in_lab(client, |lab| {
        let (_, text) = on_client(lab, "fping -q -C 10 -p 20 -b 100 198.51.100.1")?;
        let truth = summary(lab);
        let server = &truth.hosts["server"];
        // Ten requests of 100 + 8 + 20 bytes; the fifth and the tenth twice; an answer to each.
        ensure(
            server.down.bytes == 12 * 128 && server.up.packets == 12,
            || format!("{truth}{text}"),
        )
    })
}

pub(crate) fn a_download_takes_the_time_that_its_bytes_need() -> Result<(), Failed> {
    in_lab("down = { rate_kbit = 8000, delay_ms = 5 }", |lab| {
        let get = "curl -sS -o /dev/null -w '%{size_download}' https://www.example.org/";
        let (_, text) = on_client(lab, get)?;
        ensure(text == "1000000", || text.clone())?;
        let truth = lab.truth();
        let mut down = truth.events.iter().filter(|event| {
            event.fate == Fate::Delivered && event.to == Some(0) && event.ports.is_some()
        });
        let first = down.next().ok_or("nothing came")?;
        let (mut bytes, mut last_us) = (0, first.out_us);
        for event in down {
            bytes += u64::from(event.bytes);
            last_us = event.out_us;
        }
        // At 8 Mbit/s a byte takes a microsecond.
        let (took_us, late_us) = (last_us - first.out_us, first.late_us);
        ensure(bytes > 1_000_000 && took_us + late_us >= bytes, || {
            format!("{bytes} bytes in {took_us} µs")
        })
    })
}
