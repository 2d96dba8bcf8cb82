//! What the hub saw of the packets of a train. Pure.
use crate::bench::{Bench, PORT};
use lab::hub::Fate;
use lab::truth::Event;
use std::ops::Range;

/// IANA number of UDP.
const UDP: u8 = 17;

/// Towards the server, or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// Packets of a train and their replies, each in the order in which the hub got them.
pub(crate) struct Train {
    up: Vec<Passage>,
    down: Vec<Passage>,
}

#[derive(Debug, Clone, Copy)]
struct Passage {
    in_us: i64,
    /// None: lost.
    out_us: Option<i64>,
}

impl Train {
    /// The only train of a bench.
    pub(crate) fn of(bench: &Bench) -> Self {
        let truth = bench.truth();
        let of = |is_way: fn((u16, u16)) -> bool| {
            let events = truth.events.iter();
            let events =
                events.filter(|event| event.protocol == UDP && event.ports.is_some_and(is_way));
            let mut passages: Vec<Passage> = events.map(passage).collect();
            passages.sort_by_key(|passage| passage.in_us);
            passages
        };
        Self {
            up: of(|(_, to)| to == PORT),
            down: of(|(from, _)| from == PORT),
        }
    }

    fn passages(&self, way: Way) -> &[Passage] {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    pub(crate) fn lost(&self, way: Way) -> i64 {
        count(self.passages(way).iter().filter(|one| one.out_us.is_none()))
    }

    pub(crate) fn delivered(&self, way: Way) -> i64 {
        count(self.passages(way).iter().filter(|one| one.out_us.is_some()))
    }

    /// Losses that somebody can know of: those before the last packet that came through.
    pub(crate) fn lost_before_last_answer(&self, way: Way) -> i64 {
        let passages = self.passages(way);
        let last = passages.iter().rposition(|one| one.out_us.is_some());
        let before = &passages[..last.unwrap_or(0)];
        count(before.iter().filter(|one| one.out_us.is_none()))
    }

    /// Round trips of the network alone, of packets sent in this time: the k-th that arrived with
    /// the k-th reply. Right while nothing overtakes.
    pub(crate) fn round_trips_us(&self, sent: Range<i64>) -> Vec<i64> {
        let arrived = self
            .up
            .iter()
            .filter_map(|one| Some((one.in_us, one.out_us?)));
        let pairs = arrived.zip(&self.down);
        pairs
            .filter(|((in_us, _), _)| sent.contains(in_us))
            .filter_map(|((in_us, out_us), reply)| {
                Some(out_us - in_us + reply.out_us? - reply.in_us)
            })
            .collect()
    }
}

fn passage(event: &Event) -> Passage {
    let micros = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
    Passage {
        in_us: micros(event.in_us),
        out_us: (event.fate == Fate::Delivered).then(|| micros(event.out_us)),
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

pub(crate) fn median(mut values: Vec<i64>) -> Result<i64, String> {
    values.sort_unstable();
    let middle = values.get(values.len() / 2);
    middle
        .copied()
        .ok_or_else(|| "the hub saw no round trip".to_owned())
}
