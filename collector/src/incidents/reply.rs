//! Replies: what an operator or authority says of an incident, signed by a key that the configuration names.
use super::config::Replier;
use super::log::Reply;
use serde::{Deserialize, Serialize};
use tonle_evidence::document::{DocumentError, SignedDocument};
use tonle_evidence::dsse::types;
use tonle_evidence::{SigningKey, VerifyingKey};

/// Schema of the signed statement.
pub const SCHEMA: &str = "tonle.reply/1";
/// Longest reply, bytes.
pub const TEXT_MAX_BYTES: usize = 16 * 1024;
/// Longest document: a reply in JSON, in base64.
pub const DOCUMENT_MAX_BYTES: usize = 64 * 1024;

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    schema: String,
    incident: String,
    text: String,
}

/// Why a reply is not attached.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The configuration names no such key.
    #[error("'{0}' is none of incidents.may_reply; give the name or the key of one that is")]
    Stranger(String),
    /// The configured key is none.
    #[error("incidents.may_reply: the key of '{0}' is no Ed25519 public key")]
    BadKey(String),
    /// The file is no signed document.
    #[error("the file is no signed reply: {0}; make one with `tonle collector sign-reply`")]
    Malformed(String),
    /// The signature is not that of the named key over this document.
    #[error("the signature is not that of '{0}': the reply was changed, or another key signed it")]
    Signature(String),
    /// It is about something else.
    #[error("the reply is about incident {found}, not {asked}")]
    OtherIncident {
        /// What it is about.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// Too long, or empty.
    #[error("a reply has 1 to {TEXT_MAX_BYTES} bytes of text")]
    Length,
}

/// Signs a reply; what comes out is handed to the collector.
pub fn sign(key: &SigningKey, incident: &str, text: &str) -> Result<String, ReplyError> {
    if text.trim().is_empty() || text.len() > TEXT_MAX_BYTES {
        return Err(ReplyError::Length);
    }
    let statement = Statement {
        schema: SCHEMA.to_owned(),
        incident: incident.to_owned(),
        text: text.to_owned(),
    };
    let malformed = |error: String| ReplyError::Malformed(error);
    let document = SignedDocument::sign(key, types::REPLY, &statement)
        .map_err(|error| malformed(error.to_string()))?;
    serde_json::to_string(&document).map_err(|error| malformed(error.to_string()))
}

/// Checks a signed reply to `incident` by `who`, the name or key of one who may reply.
pub fn check(
    may_reply: &[Replier],
    who: &str,
    incident: &str,
    document: &str,
    at_us: i64,
) -> Result<Reply, ReplyError> {
    let named = |one: &&Replier| one.name == who || one.key.to_string() == who;
    let replier = may_reply
        .iter()
        .find(named)
        .ok_or_else(|| ReplyError::Stranger(who.to_owned()))?;
    let key = VerifyingKey::from_bytes(&replier.key.0)
        .map_err(|_| ReplyError::BadKey(replier.name.clone()))?;
    if document.len() > DOCUMENT_MAX_BYTES {
        return Err(ReplyError::Length);
    }
    let signed: SignedDocument =
        serde_json::from_str(document).map_err(|error| ReplyError::Malformed(error.to_string()))?;
    let statement: Statement = signed
        .open(&key, types::REPLY)
        .map_err(|error| match error {
            DocumentError::Signature => ReplyError::Signature(replier.name.clone()),
            DocumentError::Malformed(what) => ReplyError::Malformed(what),
        })?;
    if statement.schema != SCHEMA {
        return Err(ReplyError::Malformed(format!(
            "schema '{}'",
            statement.schema
        )));
    }
    if statement.incident != incident {
        return Err(ReplyError::OtherIncident {
            found: statement.incident,
            asked: incident.to_owned(),
        });
    }
    if statement.text.trim().is_empty() || statement.text.len() > TEXT_MAX_BYTES {
        return Err(ReplyError::Length);
    }
    Ok(Reply {
        at_us,
        name: replier.name.clone(),
        role: replier.role.as_str().to_owned(),
        key: replier.key,
        text: statement.text,
        document: document.trim().to_owned(),
    })
}
