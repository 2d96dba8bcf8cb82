//! Makes a flow bad without ending it: each packet is late, and some are lost by chance.
use crate::packet::Packet;
use crate::rules::Outcome;
use rand::RngExt;
use rand::rngs::StdRng;

#[derive(Debug)]
pub(in crate::rules) struct Degrade {
    delay_us: u64,
    loss_permille: u16,
}

impl Degrade {
    pub(super) fn new(delay_ms: u64, loss_permille: u16) -> Self {
        Self {
            delay_us: delay_ms.saturating_mul(1000),
            loss_permille,
        }
    }

    /// Holds a packet, or drops it.
    pub(super) fn pass(&self, packet: &Packet, rng: &mut StdRng) -> Outcome {
        if rng.random_range(0..1000) < self.loss_permille {
            return Outcome::instead(Vec::new());
        }
        Outcome {
            hold_us: self.delay_us,
            ..Outcome::pass(packet.clone())
        }
    }
}
