//! Attempts at one address under several names, read from a record: what each came to.
use serde_json::Value;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// The name that an attempt showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Target,
    Neutral,
    None,
    /// That of another site, which is tried to compare with.
    Witness,
}

/// What a handshake came to, as far as it tells who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It succeeded under the target's certificate.
    Answered,
    /// Somebody else's certificate came, or one that is not valid.
    Foreign,
    /// Somebody who speaks TLS said no: as a rule the server, which does not know the name.
    Refused,
    /// The connection was cut off.
    Cut,
    /// Nothing came back.
    Silent,
    /// Anything that says nothing of the name: no connection, or an error of the device.
    Other,
}

/// One handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) name: Name,
    pub(super) outcome: Outcome,
    /// Whether it carried the extension of Encrypted Client Hello, where it is about that.
    pub(super) has_ech: Option<bool>,
    /// The address that was asked.
    pub(super) peer: String,
    pub(super) at: String,
}

/// The name that a step says it showed.
pub(super) fn shown(seen: &Observation) -> Option<Name> {
    match seen.detail.get("presented")?.as_str()? {
        "target" => Some(Name::Target),
        "neutral" => Some(Name::Neutral),
        "none" => Some(Name::None),
        "witness" => Some(Name::Witness),
        _ => None,
    }
}

/// The round of a step.
pub(super) fn round(seen: &Observation) -> Option<i64> {
    seen.detail.get("round").and_then(Value::as_i64)
}

/// JSON pointer to an observation.
pub(super) fn at(index: usize) -> String {
    format!("/observations/{index}")
}

/// Every handshake of a record, and every connection that none followed.
pub(super) fn read(observations: &[Observation]) -> Vec<Attempt> {
    let seen = observations.iter().enumerate();
    seen.filter_map(|(index, seen)| {
        let outcome = match (seen.operation.as_str(), &seen.failure) {
            ("tls_handshake", _) => outcome(seen),
            ("connect", Some(_)) => Outcome::Other,
            _ => return None,
        };
        Some(Attempt {
            name: shown(seen)?,
            outcome,
            has_ech: has_ech(seen),
            peer: seen.subject.clone().unwrap_or_default(),
            at: at(index),
        })
    })
    .collect()
}

/// What all attempts came to, where that is the same and they are `least` or more.
pub(super) fn steady(outcomes: &[Outcome], least: usize) -> Option<Outcome> {
    let first = outcomes.first()?;
    let is_steady = outcomes.len() >= least && outcomes.iter().all(|one| one == first);
    is_steady.then_some(*first)
}

fn has_ech(seen: &Observation) -> Option<bool> {
    match seen.detail.get("ech")?.as_str()? {
        "grease" => Some(true),
        "absent" => Some(false),
        _ => None,
    }
}

fn outcome(handshake: &Observation) -> Outcome {
    let has_chain = handshake
        .detail
        .get("chain_sha256")
        .and_then(Value::as_array)
        .is_some_and(|chain| !chain.is_empty());
    came_to(handshake.failure.as_ref(), has_chain)
}

/// What a handshake came to by its failure; `has_chain` where a certificate came.
pub(super) fn came_to(failure: Option<&Failure>, has_chain: bool) -> Outcome {
    match failure {
        None => Outcome::Answered,
        Some(
            Failure::SslInvalidHostname
            | Failure::SslUnknownAuthority
            | Failure::SslInvalidCertificate,
        ) if has_chain => Outcome::Foreign,
        Some(Failure::SslFailedHandshake) => Outcome::Refused,
        Some(
            Failure::ConnectionReset
            | Failure::ConnectionAborted
            | Failure::ConnectionAlreadyClosed
            | Failure::Eof,
        ) => Outcome::Cut,
        Some(Failure::GenericTimeout) => Outcome::Silent,
        Some(_) => Outcome::Other,
    }
}
