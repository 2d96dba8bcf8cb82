//! What a rule of a probe finds, and how it becomes a verdict.
use super::Rule;
use tonle_evidence::verdict::{Fired, Mechanism, Reason, State, Verdict};

/// What a rule finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding(Verdict);

impl Finding {
    fn of(state: State, rule: &Rule, mut observations: Vec<String>, would_change: &str) -> Self {
        observations.sort();
        observations.dedup();
        Self(Verdict {
            state,
            reason: None,
            mechanism: None,
            server_side: false,
            rules: vec![Fired {
                rule: rule.id.to_owned(),
                version: rule.version,
                observations,
            }],
            would_change: vec![would_change.to_owned()],
        })
    }

    /// A determinate rule fired, with an artefact: an address that no public service can have.
    pub(super) fn blocked(
        rule: &Rule,
        mechanism: Mechanism,
        observations: Vec<String>,
        would_change: &str,
    ) -> Self {
        Self::of(State::Blocked, rule, observations, would_change).by(mechanism)
    }

    /// A determinate rule fired, without an artefact.
    pub(super) fn likely(
        rule: &Rule,
        mechanism: Mechanism,
        observations: Vec<String>,
        would_change: &str,
    ) -> Self {
        Self::of(State::LikelyBlocked, rule, observations, would_change).by(mechanism)
    }

    /// Worse than the control, and not a determinate block.
    pub(super) fn impaired(
        rule: &Rule,
        mechanism: Mechanism,
        observations: Vec<String>,
        would_change: &str,
    ) -> Self {
        Self::of(State::Impaired, rule, observations, would_change).by(mechanism)
    }

    /// It fails for the controls too.
    pub(super) fn down(rule: &Rule, observations: Vec<String>) -> Self {
        Self::of(State::Down, rule, observations, "a control that succeeds")
    }

    /// Positive evidence of success.
    pub(super) fn ok(rule: &Rule, observations: Vec<String>, would_change: &str) -> Self {
        Self::of(State::Ok, rule, observations, would_change)
    }

    /// Nothing can be said.
    pub(super) fn insufficient(
        rule: &Rule,
        reason: Reason,
        observations: Vec<String>,
        would_change: &str,
    ) -> Self {
        let mut finding = Self::of(State::Insufficient, rule, observations, would_change);
        finding.0.reason = Some(reason);
        finding
    }

    fn by(mut self, mechanism: Mechanism) -> Self {
        self.0.mechanism = Some(mechanism);
        self
    }

    /// Names what other rules say beside it.
    pub(super) fn with_notes(mut self, notes: Vec<(&'static Rule, Vec<String>)>) -> Self {
        let fired = notes.into_iter().map(|(rule, mut observations)| {
            observations.sort();
            observations.dedup();
            Fired {
                rule: rule.id.to_owned(),
                version: rule.version,
                observations,
            }
        });
        self.0.rules.extend(fired);
        self
    }

    pub(super) fn into_verdict(self) -> Verdict {
        self.0
    }
}
