//! What a rule finds, and how it becomes a verdict.
use super::rules::Rule;
use crate::analysis::web::facts::Witness;
use tonle_evidence::verdict::{Mechanism, Reason, State, Verdict};

/// What a rule finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) state: State,
    reason: Option<Reason>,
    mechanism: Option<Mechanism>,
    server_side: bool,
    observations: Vec<Witness>,
    would_change: &'static str,
}

impl Finding {
    fn of(state: State, observations: Vec<Witness>, would_change: &'static str) -> Self {
        Self {
            state,
            reason: None,
            mechanism: None,
            server_side: false,
            observations,
            would_change,
        }
    }

    /// There is an artefact of blocking.
    pub(super) fn blocked(
        mechanism: Mechanism,
        observations: Vec<Witness>,
        would_change: &'static str,
    ) -> Self {
        Self {
            mechanism: Some(mechanism),
            ..Self::of(State::Blocked, observations, would_change)
        }
    }

    /// A determinate rule fired, without an artefact.
    pub(super) fn likely(
        mechanism: Mechanism,
        observations: Vec<Witness>,
        would_change: &'static str,
    ) -> Self {
        Self {
            mechanism: Some(mechanism),
            ..Self::of(State::LikelyBlocked, observations, would_change)
        }
    }

    /// Worse than for the controls, and no determinate block.
    pub(super) fn impaired(observations: Vec<Witness>, would_change: &'static str) -> Self {
        Self::of(State::Impaired, observations, would_change)
    }

    /// It fails for the controls too.
    pub(super) fn down(observations: Vec<Witness>) -> Self {
        let would_change = "a control that succeeds";
        Self::of(State::Down, observations, would_change)
    }

    /// Positive evidence of success.
    pub(super) fn ok(observations: Vec<Witness>, would_change: &'static str) -> Self {
        Self::of(State::Ok, observations, would_change)
    }

    /// The site itself turned the visitor away.
    pub(super) fn server_side(observations: Vec<Witness>) -> Self {
        Self {
            server_side: true,
            ..Self::of(
                State::Ok,
                observations,
                "another refusal than the site's own",
            )
        }
    }

    /// Nothing can be said.
    pub(super) fn insufficient(
        reason: Reason,
        observations: Vec<Witness>,
        would_change: &'static str,
    ) -> Self {
        Self {
            reason: Some(reason),
            ..Self::of(State::Insufficient, observations, would_change)
        }
    }

    /// Nothing can be said without a control.
    pub(super) fn no_control(observations: Vec<Witness>) -> Self {
        Self::insufficient(
            Reason::NoControl,
            observations,
            "a control that makes the same request",
        )
    }

    /// What was seen has innocent explanations.
    pub(super) fn below_floor(observations: Vec<Witness>, would_change: &'static str) -> Self {
        Self::insufficient(Reason::BelowFloor, observations, would_change)
    }
}

/// A finding with its rule.
pub(super) struct Judged {
    pub(super) rule: &'static Rule,
    pub(super) finding: Finding,
}

impl Judged {
    pub(super) fn verdict(&self) -> Verdict {
        let finding = &self.finding;
        Verdict {
            state: finding.state,
            reason: finding.reason,
            mechanism: finding.mechanism,
            server_side: finding.server_side,
            rules: vec![self.rule.fired(finding.observations.clone())],
            would_change: vec![finding.would_change.to_owned()],
        }
    }
}
