//! What the hub saw of a direction, apart by connection. Pure.
use lab::hub::Fate;
use lab::truth::Truth;
use std::collections::BTreeMap;
use std::ops::Range;

/// IANA number of TCP.
const TCP: u8 = 6;
/// A connection with more payload than this carried load: a probe's is a handshake and one byte.
const LOAD_MIN_BYTES: u64 = 16_000;

/// Payload delivered in the direction of the load within a span of microseconds since the Unix
/// epoch: on connections with load, and on those of probes.
pub(crate) fn of(truth: &Truth, span: Range<i64>, to_client: bool) -> (u64, u64) {
    let client = truth.hosts.iter().position(|name| name == "client");
    let mut by_port: BTreeMap<u16, u64> = BTreeMap::new();
    for event in &truth.events {
        let goes_there = (event.to == client) == to_client;
        let at_us = i64::try_from(event.out_us).unwrap_or(i64::MAX);
        let is_delivered = event.fate == Fate::Delivered && span.contains(&at_us);
        let Some((source, destination)) = event.ports.filter(|_| event.protocol == TCP) else {
            continue;
        };
        if goes_there && is_delivered {
            let port = if to_client { destination } else { source };
            *by_port.entry(port).or_default() += u64::from(event.payload_bytes);
        }
    }
    let (load, probes): (Vec<u64>, Vec<u64>) = by_port
        .into_values()
        .partition(|bytes| *bytes > LOAD_MIN_BYTES);
    (load.iter().sum(), probes.iter().sum())
}
