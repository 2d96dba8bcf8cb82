//! What is done with a flow that a rule picked, from the picking packet to the flow's end.
//!
//! Of other protocols than TCP, a reset, a FIN and a block page leave only the drop.
mod degrade;
mod impostor;
mod reject;
mod reset;
mod throttle;

use super::flows::Seen;
use super::{Cx, Outcome};
use crate::packet::{Packet, protocol};
use crate::scenario::model::{Ends, FlowAction};
use degrade::Degrade;
use impostor::Impostor;
use std::net::IpAddr;
use throttle::Throttle;

/// A decided action with what it remembers of its flow.
#[derive(Debug)]
pub(super) enum Action {
    Drop,
    Reset(Ends),
    Impostor(Impostor),
    Reject(Vec<IpAddr>),
    Throttle(Throttle),
    Degrade(Degrade),
}

impl Action {
    /// The action of a scenario; `own` are the middlebox's addresses, for its ICMP errors.
    pub(super) fn new(does: &FlowAction, own: &[IpAddr]) -> Self {
        match does {
            FlowAction::Drop => Self::Drop,
            FlowAction::Reset(ends) => Self::Reset(*ends),
            FlowAction::Fin => Self::Impostor(Impostor::fin()),
            FlowAction::BlockPage(body) => Self::Impostor(Impostor::block_page(body)),
            FlowAction::Response(text) => Self::Impostor(Impostor::response(text)),
            FlowAction::Reject => Self::Reject(own.to_vec()),
            FlowAction::Throttle {
                rate_kbit,
                burst_bytes,
            } => Self::Throttle(Throttle::new(*rate_kbit, *burst_bytes)),
            FlowAction::Degrade {
                delay_ms,
                loss_permille,
            } => Self::Degrade(Degrade::new(*delay_ms, *loss_permille)),
        }
    }

    /// What becomes of a packet of the flow; none: it passes for now.
    pub(super) fn act(
        &mut self,
        packet: &Packet,
        seen: &Seen<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<Outcome> {
        let is_tcp = packet.protocol() == protocol::TCP;
        match self {
            Self::Throttle(throttle) => Some(throttle.pass(packet, seen.sender, cx.now_us)),
            Self::Degrade(degrade) => Some(degrade.pass(packet, cx.rng)),
            Self::Reject(own) => Some(reject::reject(packet, seen.sender, own)),
            Self::Reset(ends) if is_tcp => reset::reset(packet, seen, *ends),
            Self::Impostor(impostor) if is_tcp => impostor.meet(packet, seen.sender),
            Self::Drop | Self::Reset(_) | Self::Impostor(_) => Some(Outcome::instead(Vec::new())),
        }
    }
}
