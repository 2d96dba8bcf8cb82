//! Dated changes: what kinds there are, and how well one is corroborated.
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

word_list! {
    /// What changed.
    Kind {
        /// A network began to interfere with a target.
        Blocking = "blocking",
        /// Agents that are expected are not heard.
        Outage = "outage",
        /// A line is worse than it usually is at that hour of the week.
        Degradation = "degradation",
        /// A target fails for the controls, too: nothing of the line.
        SiteDown = "site_down",
        /// What fails follows a release of the agent and no network: nothing of the line.
        InstrumentDefect = "instrument_defect",
    }
}

word_list! {
    /// How well a claim is corroborated, the weakest first.
    Level {
        /// At least one agent.
        Observed = "observed",
        /// At least three independent agents of one network that agree over six hours.
        Corroborated = "corroborated",
        /// At least five independent agents in at least two provinces.
        NetworkWide = "network_wide",
        /// At least three networks with one fingerprint at one time. A hypothesis: it says where and
        /// how, and not who ordered it.
        GatewayHypothesis = "gateway_hypothesis",
    }
}

word_list! {
    /// What an entry of the log says of its incident.
    Event {
        /// It is new.
        Opened = "opened",
        /// Its scope, level, times or fingerprint are others.
        Changed = "changed",
        /// There is positive evidence that it is over.
        Closed = "closed",
    }
}

impl Kind {
    /// True where something is said of a line or network, and not of a site or of our own program.
    #[must_use]
    pub fn is_of_the_line(self) -> bool {
        matches!(self, Self::Blocking | Self::Outage | Self::Degradation)
    }
}
