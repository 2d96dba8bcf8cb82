//! The network between the hosts as a pure machine: what happens to a packet at a time.
//!
//! Nothing here reads a clock or a device. [`World::send`] brings a packet in, [`World::advance`]
//! moves everything on to a time, and [`World::take_ended`] gives what was delivered or dropped.
//! Things due at the same time happen in the order in which they were planned.
use super::flight::{Ended, Fate, Flight, Origin};
use super::link::Entry;
use super::path::{Element, Path, behind};
use crate::packet::Packet;
use crate::rules::{Cx, Outcome, Way, routers};
use crate::scenario::model::{Change, Directions, Middlebox, Scenario};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::IpAddr;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_US: u64 = 1000;

/// The network of one scenario.
pub struct World {
    paths: Vec<Path>,
    routes: HashMap<IpAddr, usize>,
    timed: BinaryHeap<Reverse<Timed>>,
    planned: u64,
    planned_changes: Vec<PlannedChange>,
    changes: VecDeque<PlannedChange>,
    begun_ns: u64,
    rng: StdRng,
    ended: Vec<Ended>,
}

/// A packet that goes on at a time. Ordered by time, then by when it was planned.
struct Timed {
    at_ns: u64,
    order: u64,
    flight: Flight,
}

#[derive(Clone)]
struct PlannedChange {
    at_ns: u64,
    host: usize,
    change: Change,
}

/// What is due next.
enum Due {
    Change,
    Line(usize, Way),
    Flight,
}

impl World {
    /// The network as the scenario has it before any change.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let paths = scenario.hosts.iter().enumerate().map(|(index, host)| {
            let boxes: Vec<(usize, Middlebox)> = scenario
                .middleboxes
                .iter()
                .cloned()
                .enumerate()
                .filter(|(_, one)| one.on == host.name)
                .collect();
            let seed = scenario.seed.wrapping_mul(1009).wrapping_add(index as u64);
            Path::new(host, &boxes, seed)
        });
        let routes = scenario.hosts.iter().enumerate();
        let routes =
            routes.flat_map(|(index, host)| host.addresses.iter().map(move |a| (*a, index)));
        Self {
            paths: paths.collect(),
            routes: routes.collect(),
            timed: BinaryHeap::new(),
            planned: 0,
            planned_changes: planned_changes(scenario),
            changes: VecDeque::new(),
            begun_ns: 0,
            rng: StdRng::seed_from_u64(scenario.seed),
            ended: Vec::new(),
        }
    }

    /// The scenario begins: its changes count from now, and the patterns of the links from 1.
    pub fn begin(&mut self, now_ns: u64) {
        self.advance(now_ns);
        self.begun_ns = now_ns;
        self.changes = self.planned_changes.iter().cloned().collect();
        for change in &mut self.changes {
            change.at_ns = change.at_ns.saturating_add(now_ns);
        }
        for path in &mut self.paths {
            path.link_mut(Way::Up).restart();
            path.link_mut(Way::Down).restart();
        }
    }

    /// A host sends a packet.
    pub fn send(&mut self, host: usize, packet: Packet, now_ns: u64) {
        self.advance(now_ns);
        self.go_on(Flight::from_host(packet, host, now_ns), now_ns);
    }

    /// When something happens next.
    #[must_use]
    pub fn next_ns(&self) -> Option<u64> {
        self.due().map(|(at_ns, _)| at_ns)
    }

    /// Moves everything on to a time.
    pub fn advance(&mut self, now_ns: u64) {
        while let Some((at_ns, due)) = self.due() {
            if at_ns > now_ns {
                return;
            }
            match due {
                Due::Change => self.change(),
                Due::Line(host, way) => self.leave_line(host, way, at_ns),
                Due::Flight => {
                    if let Some(Reverse(timed)) = self.timed.pop() {
                        self.go_on(timed.flight, at_ns);
                    }
                }
            }
        }
    }

    /// Packets that were delivered or dropped since the last call, in order.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    fn due(&self) -> Option<(u64, Due)> {
        let change = self.changes.front().map(|next| (next.at_ns, Due::Change));
        let lines = self.paths.iter().enumerate().flat_map(|(host, path)| {
            [Way::Up, Way::Down].map(|way| Some((path.link(way).next_ns()?, Due::Line(host, way))))
        });
        let flight = self.timed.peek().map(|next| (next.0.at_ns, Due::Flight));
        let all = std::iter::once(change).chain(lines).chain([flight]);
        all.flatten().min_by_key(|(at_ns, _)| *at_ns)
    }

    fn change(&mut self) {
        let Some(next) = self.changes.pop_front() else {
            return;
        };
        let ways: &[Way] = match next.change.direction {
            Directions::Both => &[Way::Up, Way::Down],
            Directions::Up => &[Way::Up],
            Directions::Down => &[Way::Down],
        };
        for way in ways {
            let link = self.paths[next.host].link_mut(*way);
            link.change(&next.change, next.at_ns);
        }
    }

    fn leave_line(&mut self, host: usize, way: Way, at_ns: u64) {
        if let Some(flight) = self.paths[host].link_mut(way).take() {
            self.propagate(flight, at_ns);
        }
    }

    /// From the line's end through its delay to the gap behind the link.
    fn propagate(&mut self, flight: Flight, now_ns: u64) {
        let link = self.paths[flight.host].link_mut(flight.way);
        match link.propagate(flight, now_ns) {
            Err(flight) => self.end(flight, Fate::Outage, now_ns),
            Ok(arrivals) => {
                for (at_ns, flight) in arrivals {
                    self.plan(at_ns, flight);
                }
            }
        }
    }

    fn plan(&mut self, at_ns: u64, flight: Flight) {
        let order = self.planned;
        self.planned += 1;
        self.timed.push(Reverse(Timed {
            at_ns,
            order,
            flight,
        }));
    }

    /// Takes a packet on until it waits, ends or arrives.
    fn go_on(&mut self, mut flight: Flight, now_ns: u64) {
        loop {
            let path = &self.paths[flight.host];
            let Some(element) = path.next(flight.way, flight.gap) else {
                match self.turn(flight, now_ns) {
                    Some(turned) => flight = turned,
                    None => return,
                }
                continue;
            };
            flight.gap = behind(element, flight.way);
            match path.elements[element] {
                Element::Link => return self.enter_link(flight, element, now_ns),
                Element::Boxes(_) => return self.cross_boxes(flight, element, now_ns),
                Element::Router(router) => {
                    if !flight.packet.decrement_ttl() {
                        return self.ttl_ended(flight, element, router, now_ns);
                    }
                }
            }
        }
    }

    /// At an end of a path: delivered, or from the core down to the receiver.
    fn turn(&mut self, mut flight: Flight, now_ns: u64) -> Option<Flight> {
        if flight.way == Way::Down {
            self.end(flight, Fate::Delivered, now_ns);
            return None;
        }
        let Some(host) = self.routes.get(&flight.packet.destination()) else {
            self.end(flight, Fate::NoRoute, now_ns);
            return None;
        };
        flight.host = *host;
        flight.way = Way::Down;
        flight.gap = self.paths[*host].elements.len();
        Some(flight)
    }

    fn enter_link(&mut self, flight: Flight, element: usize, now_ns: u64) {
        let link = self.paths[flight.host].link_mut(flight.way);
        match link.enter(flight, now_ns) {
            Entry::Taken => {}
            Entry::Through(flight) => self.propagate(flight, now_ns),
            Entry::Ended(flight, fate) => self.end(flight, fate, now_ns),
            Entry::TooBig(flight, mtu) => self.too_big(flight, element, mtu, now_ns),
        }
    }

    fn cross_boxes(&mut self, flight: Flight, element: usize, now_ns: u64) {
        let Element::Boxes(chain) = &mut self.paths[flight.host].elements[element] else {
            return;
        };
        let mut cx = Cx {
            now_us: now_ns.saturating_sub(self.begun_ns) / NS_PER_US,
            way: flight.way,
            rng: &mut self.rng,
        };
        let kept = flight.packet.clone();
        let outcome = chain.cross(flight.packet, &mut cx);
        let flight = Flight {
            packet: kept,
            ..flight
        };
        self.apply(outcome, flight, element, now_ns);
    }

    fn apply(&mut self, outcome: Outcome, mut flight: Flight, element: usize, now_ns: u64) {
        flight.rule = outcome.rule.or(flight.rule);
        for packet in outcome.inject {
            let origin = outcome.rule.map_or(Origin::Router, Origin::Middlebox);
            self.inject(packet, origin, flight.host, element, now_ns);
        }
        let Some(packet) = outcome.forward else {
            return self.end(flight, Fate::Middlebox, now_ns);
        };
        flight.packet = packet;
        match outcome.hold_us {
            0 => self.go_on(flight, now_ns),
            hold_us => self.plan(now_ns.saturating_add(hold_us * NS_PER_US), flight),
        }
    }

    fn ttl_ended(&mut self, flight: Flight, element: usize, router: usize, now_ns: u64) {
        let host = flight.host;
        let answer = routers::time_exceeded(&flight.packet, &self.paths[host].routers[router]);
        self.end(flight, Fate::TtlEnded, now_ns);
        if let Some(answer) = answer {
            self.inject(answer, Origin::Router, host, element, now_ns);
        }
    }

    fn too_big(&mut self, flight: Flight, element: usize, mtu: u16, now_ns: u64) {
        let host = flight.host;
        // Without a router of its family on this path, the answer seems to come from the far end.
        let far_end = flight.packet.destination();
        let from = self.paths[host].routers.iter();
        let from = from
            .flat_map(|router| router.addresses.iter().copied())
            .find(|address| address.is_ipv4() == far_end.is_ipv4())
            .unwrap_or(far_end);
        let answer = routers::packet_too_big(&flight.packet, mtu, from);
        self.end(flight, Fate::TooBig, now_ns);
        if let Some(answer) = answer {
            self.inject(answer, Origin::Router, host, element, now_ns);
        }
    }

    /// A packet that begins at an element of a host's path, to that host or away from it.
    fn inject(&mut self, packet: Packet, origin: Origin, host: usize, element: usize, now_ns: u64) {
        let to_host = self.routes.get(&packet.destination()) == Some(&host);
        let way = if to_host { Way::Down } else { Way::Up };
        let flight = Flight {
            packet,
            origin,
            entered_ns: now_ns,
            queued_ns: 0,
            rule: match origin {
                Origin::Middlebox(rule) => Some(rule),
                _ => None,
            },
            copy: false,
            host,
            way,
            gap: behind(element, way),
        };
        self.go_on(flight, now_ns);
    }

    fn end(&mut self, flight: Flight, fate: Fate, now_ns: u64) {
        let to = self.routes.get(&flight.packet.destination()).copied();
        self.ended.push(flight.end(to, fate, now_ns));
    }
}

fn planned_changes(scenario: &Scenario) -> Vec<PlannedChange> {
    let hosts = scenario.hosts.iter().enumerate();
    let mut changes: Vec<PlannedChange> = hosts
        .flat_map(|(index, host)| {
            host.changes.iter().map(move |change| PlannedChange {
                at_ns: change.at_ms.saturating_mul(NS_PER_MS),
                host: index,
                change: change.clone(),
            })
        })
        .collect();
    changes.sort_by_key(|change| change.at_ns);
    changes
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ns, self.order).cmp(&(other.at_ns, other.order))
    }
}
