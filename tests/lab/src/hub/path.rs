//! What stands between a host and the core of the network, in order.
//!
//! Seen from the host: middleboxes placed `near` and the routers before the last of them, the link,
//! then the other routers with the middleboxes placed `far`. A packet stands in a gap: gap 0 is the
//! host, gap n lies behind n elements. Up goes from gap 0 to the core, down from the core to gap 0.
use super::link::Link;

use crate::rules::{Chain, Way};
use crate::scenario::model::{Host, Middlebox, Place, Router};

/// One thing on a path.
pub(crate) enum Element {
    /// Middleboxes that stand together.
    Boxes(Chain),
    /// A router, by its index.
    Router(usize),
    /// The link.
    Link,
}

/// A host's path.
pub(crate) struct Path {
    pub(crate) elements: Vec<Element>,
    pub(crate) routers: Vec<Router>,
    up: Link,
    down: Link,
}

impl Path {
    /// The path of a host with its middleboxes; `seed` is its own.
    pub(crate) fn new(host: &Host, boxes: &[(usize, Middlebox)], seed: u64) -> Self {
        Self {
            elements: elements(host, boxes),
            routers: host.routers.clone(),
            up: Link::new(&host.up, seed.wrapping_mul(2)),
            down: Link::new(&host.down, seed.wrapping_mul(2).wrapping_add(1)),
        }
    }

    /// The link's direction of a way.
    pub(crate) fn link(&self, way: Way) -> &Link {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// The link's direction of a way.
    pub(crate) fn link_mut(&mut self, way: Way) -> &mut Link {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// The element that a packet meets next, if any.
    pub(crate) fn next(&self, way: Way, gap: usize) -> Option<usize> {
        match way {
            Way::Up => (gap < self.elements.len()).then_some(gap),
            Way::Down => gap.checked_sub(1),
        }
    }
}

/// The gap behind an element.
pub(crate) fn behind(element: usize, way: Way) -> usize {
    match way {
        Way::Up => element + 1,
        Way::Down => element,
    }
}

fn elements(host: &Host, boxes: &[(usize, Middlebox)]) -> Vec<Element> {
    let routers = host.routers.len();
    let at = |place: Place, after: usize| {
        let here: Vec<(usize, Middlebox)> = boxes
            .iter()
            .filter(|(_, one)| {
                one.place == place && usize::from(one.after_routers).min(routers) == after
            })
            .cloned()
            .collect();
        (!here.is_empty()).then(|| Element::Boxes(Chain::new(&here, host)))
    };
    // Routers before the last near middlebox stand on the near side of the link.
    let near_routers = boxes
        .iter()
        .filter(|(_, one)| one.place == Place::Near)
        .map(|(_, one)| usize::from(one.after_routers).min(routers))
        .max()
        .unwrap_or(0);
    let mut elements = Vec::new();
    elements.extend(at(Place::Near, 0));
    for router in 0..near_routers {
        elements.push(Element::Router(router));
        elements.extend(at(Place::Near, router + 1));
    }
    elements.push(Element::Link);
    for after in 0..=near_routers {
        elements.extend(at(Place::Far, after));
    }
    for router in near_routers..routers {
        elements.push(Element::Router(router));
        elements.extend(at(Place::Far, router + 1));
    }
    elements
}
