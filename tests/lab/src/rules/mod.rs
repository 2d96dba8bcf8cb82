//! What middleboxes do with packets. Pure: time and randomness are arguments.
//!
//! Rules of a chain:
//! 1. Rules are asked in the order of the scenario; the first that does anything but pass wins.
//! 2. A rule that matched a flow sticks to it. Only the first ten packets with payload of a flow are
//!    looked at, as real middleboxes do.
//! 3. A rule never reads a clock and never draws a number of its own: [`Cx`] has both.
//! 4. A packet that no rule acts on goes on with every byte as it came.
//!
//! Read in this order: [`Chain`], `flows` (what it knows of a flow), the rules that decide on single
//! packets (`dns_*`, `divert`), those that pick flows (`sni`, `ech`, `keyword`, `endpoint`, `quic_drop`), and what is
//! done with a picked flow (`action`). [`routers`] is no rule: it makes what routers answer.
mod action;
mod chain;
mod divert;
mod dns_drop;
mod dns_redirect;
mod dns_spoof;
mod ech;
mod endpoint;
mod flows;
mod keyword;
mod names;
mod quic_drop;
pub mod routers;
mod sni;
mod stream;
#[cfg(test)]
mod tests;

pub use chain::Chain;

use crate::packet::Packet;

/// Which way a packet crosses a host's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the host into the network.
    Up,
    /// From the network to the host.
    Down,
}

/// What a chain may know of the moment.
#[derive(Debug)]
pub struct Cx<'a> {
    /// Microseconds since the scenario began.
    pub now_us: u64,
    /// Which way the packet goes.
    pub way: Way,
    /// The scenario's randomness.
    pub rng: &'a mut rand::rngs::StdRng,
}

/// What becomes of a packet at a chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The packet that goes on, changed or not; none: dropped.
    pub forward: Option<Packet>,
    /// How long it is held here first, microseconds (throttling).
    pub hold_us: u64,
    /// Packets made here. The hub routes each by its destination, from this place of the path.
    pub inject: Vec<Packet>,
    /// Index in the scenario's list of the rule that acted, for the trace.
    pub rule: Option<usize>,
}

impl Outcome {
    /// The packet goes on.
    fn pass(packet: Packet) -> Self {
        Self {
            forward: Some(packet),
            ..Self::default()
        }
    }

    /// The packet ends here, and these come in its place.
    fn instead(inject: Vec<Packet>) -> Self {
        Self {
            inject,
            ..Self::default()
        }
    }
}
