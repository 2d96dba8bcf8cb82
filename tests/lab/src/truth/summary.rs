//! What a truth says about an interval: bytes delivered, drops by cause, delays.
use super::{Event, Truth};
use crate::hub::{Fate, Origin};
use crate::rules::Way;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Which events count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only what ended at this time or later, microseconds since the Unix epoch.
    pub from_us: Option<u64>,
    /// Only what ended before this time.
    pub until_us: Option<u64>,
    /// Only packets from or to this port.
    pub port: Option<u16>,
}

/// A truth in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Each host, by its name.
    pub hosts: BTreeMap<String, HostSummary>,
    /// How much later than planned packets were handed over: the hub's own delay.
    pub overhead_us: Distribution,
    /// Events that were forgotten for want of room; they are missing above.
    pub forgotten: u64,
}

/// A host's two directions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HostSummary {
    /// What it sent.
    pub up: Side,
    /// What was sent to it.
    pub down: Side,
}

/// One direction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Packets that their receiver has, each copy counted.
    pub packets: u64,
    /// Their bytes, with IP headers.
    pub bytes: u64,
    /// What TCP, UDP and ICMP carried in them.
    pub payload_bytes: u64,
    /// From the hub's getting a packet to its handing it over.
    pub delay_us: Distribution,
    /// The part of it that was spent in queues.
    pub queue_us: Distribution,
    /// Packets dropped on this host's link in this direction, by cause.
    pub dropped: BTreeMap<Fate, u64>,
}

/// A distribution; all 0 without values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// The median (lower of the two in the middle).
    pub median: u64,
    /// 95 of 100 values are at most this.
    pub p95: u64,
    /// The greatest.
    pub max: u64,
}

impl Truth {
    /// The figures of the events that the selection names.
    #[must_use]
    pub fn summary(&self, selection: &Selection) -> Summary {
        let mut gathering = Gathering::new(self.hosts.len());
        for event in self.events.iter().filter(|event| selection.has(event)) {
            gathering.add(event);
        }
        let sides = gathering.sides.into_iter();
        let hosts = sides.map(|[up, down]| HostSummary {
            up: up.into_side(),
            down: down.into_side(),
        });
        Summary {
            hosts: self.hosts.iter().cloned().zip(hosts).collect(),
            overhead_us: Distribution::of(gathering.late_us),
            forgotten: self.forgotten,
        }
    }
}

impl Selection {
    fn has(&self, event: &Event) -> bool {
        let in_time = self.from_us.is_none_or(|from| event.out_us >= from)
            && self.until_us.is_none_or(|until| event.out_us < until);
        let of_port = self.port.is_none_or(|port| {
            event
                .ports
                .is_some_and(|(from, to)| from == port || to == port)
        });
        in_time && of_port
    }
}

#[derive(Default)]
struct Gathered {
    side: Side,
    delay_us: Vec<u64>,
    queue_us: Vec<u64>,
}

struct Gathering {
    sides: Vec<[Gathered; 2]>,
    late_us: Vec<u64>,
}

impl Gathering {
    fn new(hosts: usize) -> Self {
        Self {
            sides: (0..hosts).map(|_| <[Gathered; 2]>::default()).collect(),
            late_us: Vec::new(),
        }
    }

    fn add(&mut self, event: &Event) {
        if event.fate != Fate::Delivered {
            let side = match event.way {
                Way::Up => 0,
                Way::Down => 1,
            };
            if let Some(sides) = self.sides.get_mut(event.on) {
                *sides[side].side.dropped.entry(event.fate).or_default() += 1;
            }
            return;
        }
        self.late_us.push(event.late_us);
        if let Origin::Host(from) = event.from
            && let Some(sides) = self.sides.get_mut(from)
        {
            sides[0].delivered(event);
        }
        if let Some(sides) = event.to.and_then(|to| self.sides.get_mut(to)) {
            sides[1].delivered(event);
        }
    }
}

impl Gathered {
    fn delivered(&mut self, event: &Event) {
        self.side.packets += 1;
        self.side.bytes += u64::from(event.bytes);
        self.side.payload_bytes += u64::from(event.payload_bytes);
        self.delay_us.push(event.out_us.saturating_sub(event.in_us));
        self.queue_us.push(event.queue_us);
    }

    fn into_side(self) -> Side {
        Side {
            delay_us: Distribution::of(self.delay_us),
            queue_us: Distribution::of(self.queue_us),
            ..self.side
        }
    }
}

impl Distribution {
    /// Of these values.
    #[must_use]
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let (Some(min), Some(max)) = (values.first(), values.last()) else {
            return Self::default();
        };
        // Nearest rank: the least value that at least p of 100 do not exceed.
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
        Self {
            count: values.len() as u64,
            min: *min,
            median: rank(50),
            p95: rank(95),
            max: *max,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, host) in &self.hosts {
            for (way, side) in [("sent", &host.up), ("received", &host.down)] {
                writeln!(
                    f,
                    "{name} {way}: {} packets, {} bytes, {} of payload; delay {}; in queues {}",
                    side.packets, side.bytes, side.payload_bytes, side.delay_us, side.queue_us
                )?;
                for (fate, count) in &side.dropped {
                    writeln!(f, "{name} {way}: {count} dropped: {}", cause(*fate))?;
                }
            }
        }
        writeln!(f, "later than planned: {}", self.overhead_us)?;
        if self.forgotten > 0 {
            writeln!(f, "forgotten for want of room: {} packets", self.forgotten)?;
        }
        Ok(())
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {} µs, median {}, p95 {}",
            self.min, self.max, self.median, self.p95
        )
    }
}

fn cause(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Lost => "lost by the link's pattern",
        Fate::QueueFull => "queue full",
        Fate::Outage => "outage",
        Fate::TooBig => "larger than the link carries",
        Fate::TtlEnded => "TTL ended",
        Fate::NoRoute => "no host has the address",
        Fate::Middlebox => "by a middlebox",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(out_us: u64, fate: Fate, ports: (u16, u16)) -> Event {
        Event {
            in_us: 100,
            out_us,
            from: Origin::Host(0),
            to: Some(1),
            on: 1,
            way: Way::Down,
            bytes: 50,
            payload_bytes: 10,
            protocol: 17,
            ports: Some(ports),
            queue_us: 1,
            late_us: 2,
            fate,
            rule: None,
            copy: false,
        }
    }

    fn truth(events: Vec<Event>) -> Truth {
        Truth {
            hosts: vec!["client".to_owned(), "server".to_owned()],
            events: events.into(),
            ..Truth::default()
        }
    }

    #[test]
    fn only_what_ended_in_the_interval_counts() {
        let truth = truth(
            (1..=5)
                .map(|n| event(n * 100, Fate::Delivered, (1, 2)))
                .collect(),
        );
        let summary = truth.summary(&Selection {
            from_us: Some(200),
            until_us: Some(400),
            port: None,
        });
        assert_eq!(summary.hosts["client"].up.bytes, 100);
        assert_eq!(summary.hosts["server"].down.payload_bytes, 20);
        assert_eq!(summary.hosts["server"].down.delay_us.max, 200);
        assert_eq!(summary.overhead_us.count, 2);
    }

    #[test]
    fn a_port_selects_both_directions_of_its_flows() {
        let truth = truth(vec![
            event(200, Fate::Delivered, (5, 80)),
            event(200, Fate::Delivered, (80, 5)),
            event(200, Fate::Delivered, (5, 81)),
        ]);
        let selection = Selection {
            port: Some(80),
            ..Selection::default()
        };
        assert_eq!(truth.summary(&selection).hosts["client"].up.packets, 2);
    }

    #[test]
    fn drops_count_where_they_happened() {
        let truth = truth(vec![
            event(200, Fate::QueueFull, (1, 2)),
            event(200, Fate::QueueFull, (1, 2)),
            event(200, Fate::Lost, (1, 2)),
        ]);
        let summary = truth.summary(&Selection::default());
        let expected = BTreeMap::from([(Fate::Lost, 1), (Fate::QueueFull, 2)]);
        assert_eq!(summary.hosts["server"].down.dropped, expected);
        assert_eq!(summary.hosts["client"].up.packets, 0);
    }

    #[test]
    fn ranks_are_values_that_occurred() {
        let distribution = Distribution::of((1..=100).rev().collect());
        assert_eq!((distribution.median, distribution.p95), (50, 95));
        assert_eq!(Distribution::of(vec![7]).p95, 7);
        assert_eq!(Distribution::of(vec![]), Distribution::default());
    }
}
