//! The directions of a host's link: how they delay, lose and change. Types only.
use serde::Deserialize;

/// One direction of a link. Without settings it is as fast as this machine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Propagation delay, milliseconds; fractions allowed.
    pub delay_ms: f64,
    /// Added to each packet's delay, uniform from 0 to this, milliseconds; packets keep their order.
    pub delay_variation_ms: f64,
    /// Rate, kbit/s of IP packets. Without it there is no queue.
    pub rate_kbit: Option<u64>,
    /// Drop-tail queue before the rate, bytes. Default: 250 ms at the rate, at least 16,384.
    pub queue_bytes: Option<u64>,
    /// Loss by an explicit pattern, applied before the queue.
    pub loss: Option<Loss>,
    /// Packets that overtake the ones before them.
    pub reorder: Option<Reorder>,
    /// Packets that arrive twice.
    pub duplicate: Option<Every>,
    /// Largest packet, bytes; larger ones are answered with ICMP (fragmentation needed, packet too big).
    pub mtu: Option<u16>,
    /// With `mtu`: larger packets vanish without an answer.
    pub mtu_silent: bool,
}

/// Which packets of a direction are lost, counted from 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Loss {
    /// Every n-th packet.
    Every(u64),
    /// Exactly these.
    Packets(Vec<u64>),
    /// Each with this probability, from the scenario's seed, per mille.
    RandomPermille(u16),
    /// Bursts (Gilbert–Elliott): chances per packet, per mille.
    Bursts {
        /// From the good state to the bad one.
        enter_permille: u16,
        /// From the bad state to the good one.
        leave_permille: u16,
        /// Loss in the bad state.
        loss_permille: u16,
    },
}

/// Every n-th packet, counted from 1.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// n.
    pub every: u64,
}

/// Every n-th packet is held back, so that later ones overtake it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// n.
    pub every: u64,
    /// How long it is held back, milliseconds.
    pub by_ms: f64,
}

/// A change of a host's link at a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, milliseconds after the start of the scenario.
    pub at_ms: u64,
    /// Which directions.
    #[serde(default)]
    pub direction: Directions,
    /// The new rate.
    pub rate_kbit: Option<u64>,
    /// The new delay.
    pub delay_ms: Option<f64>,
    /// `true`: nothing passes from now on; `false`: it passes again.
    pub outage: Option<bool>,
}

/// Directions of a link, as its host sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// Both.
    #[default]
    Both,
    /// From the host.
    Up,
    /// To the host.
    Down,
}
