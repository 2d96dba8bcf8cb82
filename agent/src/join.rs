//! Joining a collector: the request with its proof, and an answer believed only under the key that
//! the invitation's fragment pinned.
use crate::consent::ConsentError;
use crate::http;
use crate::identity::{EnrolmentError, IdentityError};
use crate::profile::ProfileError;
use serde::Deserialize;
use tonle_evidence::document::{DocumentError, SignedDocument};
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest, Invitation};
use tonle_evidence::hash::Hex;
use tonle_evidence::{SigningKey, VerifyingKey};

/// Largest answer to an enrolment, bytes: the country's lists are in it.
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// Longest explanation of a refusal that is shown, characters.
const DETAIL_MAX_CHARS: usize = 300;
/// Longest list of provinces that is shown, characters.
const LIST_MAX_CHARS: usize = 2_000;

/// Why the agent has not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Another text than the present one was accepted, or it could not be kept.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// It is enrolled already.
    #[error(
        "already joined as {key_id}; `tonle agent status` shows it, `tonle agent leave` ends it"
    )]
    AlreadyJoined {
        /// Its name.
        key_id: String,
    },
    /// The collector cannot be reached.
    #[error("cannot reach the collector: {0}; check the network and try the same invitation again")]
    Unreachable(String),
    /// The collector says no.
    #[error("the collector refused the invitation: {0}")]
    Refused(String),
    /// There is no such province; nothing was sent that would use the invitation up.
    #[error("{given} is no province of this collector; choose one of {known}")]
    Province {
        /// What was given.
        given: String,
        /// What there is, with names.
        known: String,
    },
    /// It keeps no openness records; nothing was sent that would use the invitation up.
    #[error("this collector takes no openness records; ask whoever invited you for one that does")]
    NoOpenness,
    /// The answer is not the collector's.
    #[error(
        "the collector's answer is not believed: {0}; ask whoever invited you for a new invitation"
    )]
    Answer(DocumentError),
    /// The answer is about another key.
    #[error("the collector answered for another key; ask whoever invited you for a new invitation")]
    OtherKey,
    /// No key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The enrolment could not be kept.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The records on this device cannot be opened for openness.
    #[error("joined, but: {0}")]
    Outbox(String),
    /// Joined, but what was declared does not fit.
    #[error("joined, but: {0} (declare it with `tonle agent confirm`)")]
    Profile(#[from] ProfileError),
}

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct ProvinceEntry {
    code: String,
    en: String,
}

/// Checks a province against the collector's list before an invitation is used up. Where the list is
/// not to be had the collector decides after the enrolment.
pub async fn check_province(
    client: &reqwest::Client,
    invitation: &Invitation,
    given: &str,
) -> Result<(), JoinError> {
    let Some(known) = provinces(client, invitation).await else {
        return Ok(());
    };
    if known.is_empty() || known.iter().any(|one| one.code == given) {
        return Ok(());
    }
    let named = known.iter().map(|one| format!("{} {}", one.code, one.en));
    Err(JoinError::Province {
        given: given.to_owned(),
        known: shown(&named.collect::<Vec<_>>().join(", "), LIST_MAX_CHARS),
    })
}

async fn provinces(
    client: &reqwest::Client,
    invitation: &Invitation,
) -> Option<Vec<ProvinceEntry>> {
    let url = invitation.collector.join("api/v1/provinces").ok()?;
    let answer = client.get(url).send().await.ok()?;
    let answer = answer.error_for_status().ok()?;
    let bytes = http::body(answer, ANSWER_MAX_BYTES).await.ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Asks for the collector's lists of sites, which one that takes no openness records does not have, before
/// an invitation is used up. Any other answer leaves it to the enrolment.
pub async fn check_openness(
    client: &reqwest::Client,
    invitation: &Invitation,
) -> Result<(), JoinError> {
    let url = invitation.collector.join("api/v1/lists");
    let url = url.map_err(|error| JoinError::Unreachable(error.to_string()))?;
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| JoinError::Unreachable(http::reason(&error)))?;
    let kind = answer.headers().get(reqwest::header::CONTENT_TYPE);
    let is_problem = kind.is_some_and(|kind| kind == "application/problem+json");
    if answer.status() == reqwest::StatusCode::NOT_FOUND && is_problem {
        return Err(JoinError::NoOpenness);
    }
    Ok(())
}

/// Posts the key and returns the collector's answer, verified.
pub async fn enrol(
    client: &reqwest::Client,
    key: &SigningKey,
    invitation: &Invitation,
    consent_version: &str,
) -> Result<Enrolled, JoinError> {
    let request = EnrolmentRequest::new(&invitation.token, key, consent_version);
    let url = invitation
        .collector
        .join("api/v1/enrolments")
        .map_err(|error| JoinError::Unreachable(error.to_string()))?;
    let unreachable = |error: reqwest::Error| JoinError::Unreachable(http::reason(&error));
    let answer = client
        .post(url)
        .json(&request)
        .send()
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    let bytes = http::body(answer, ANSWER_MAX_BYTES)
        .await
        .map_err(JoinError::Unreachable)?;
    if !status.is_success() {
        return Err(JoinError::Refused(explanation(status.as_u16(), &bytes)));
    }
    let pinned = VerifyingKey::from_bytes(&invitation.collector_key.0)
        .expect("an invitation is only read with a key on the curve");
    let document: SignedDocument = serde_json::from_slice(&bytes)
        .map_err(|error| JoinError::Answer(DocumentError::Malformed(error.to_string())))?;
    let enrolled: Enrolled = document
        .open(&pinned, types::ENROLLED)
        .map_err(JoinError::Answer)?;
    if enrolled.key != Hex(key.verifying_key().to_bytes()) {
        return Err(JoinError::OtherKey);
    }
    Ok(enrolled)
}

/// What a problem document (RFC 9457) says, on one line; the status where it is none.
fn explanation(status: u16, bytes: &[u8]) -> String {
    let problem: Option<Problem> = serde_json::from_slice(bytes).ok();
    let text = problem.and_then(|problem| problem.detail.or(problem.title));
    let text = text.unwrap_or_else(|| format!("status {status}"));
    shown(&text, DETAIL_MAX_CHARS)
}

/// Foreign text on one line.
fn shown(text: &str, max_chars: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(max_chars)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_shows_the_problems_detail_on_one_line() {
        let problem = br#"{"title":"gone","detail":"the invitation\nhas expired"}"#;
        assert_eq!(explanation(410, problem), "the invitation has expired");
        assert_eq!(explanation(502, b"<html>"), "status 502");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes: Vec<u8>) {
            let _ = explanation(400, &bytes);
        }
    }
}
