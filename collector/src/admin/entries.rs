//! The journal entries of joining and leaving: JSON in two halves, like records.
//!
//! The public halves name nobody: no key, no place, no time. What ties an entry to a key is in the
//! private half, with a blind that keeps its hash from being guessed.
use serde::{Deserialize, Serialize};
use tonle_evidence::entry::Tier;
use tonle_evidence::hash::{Id128, PublicKey};

/// Schema id of an enrolment's public half, and the entry's `payload_type`.
pub const ENROLMENT_SCHEMA: &str = "tonle.enrolment/1";
/// Schema id of an enrolment's private half.
pub const ENROLMENT_PRIVATE_SCHEMA: &str = "tonle.enrolment.private/1";
/// Schema id of a revocation's public half, and the entry's `payload_type`.
pub const REVOCATION_SCHEMA: &str = "tonle.revocation/1";
/// Schema id of a revocation's private half.
pub const REVOCATION_PRIVATE_SCHEMA: &str = "tonle.revocation.private/1";

/// Public half of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentPublic {
    /// [`ENROLMENT_SCHEMA`].
    pub schema: String,
    /// How well the agent is known.
    pub tier: Tier,
    /// Whether the inviter vouched that the invited are distinct people.
    pub vouched: bool,
    /// Version of the text the volunteer agreed to.
    pub consent_version: String,
}

/// Private half of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentPrivate {
    /// [`ENROLMENT_PRIVATE_SCHEMA`].
    pub schema: String,
    /// The agent's key.
    pub key: PublicKey,
    /// Its name.
    pub key_id: String,
    /// Joins that may be one person's share it: all of one invitation, unless vouched.
    pub batch_id: String,
    /// Province the invitation was tagged with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// When, microseconds since the Unix epoch.
    pub enrolled_at_us: i64,
    /// 16 random bytes.
    pub blind: Id128,
}

/// Public half of a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationPublic {
    /// [`REVOCATION_SCHEMA`].
    pub schema: String,
}

/// Private half of a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationPrivate {
    /// [`REVOCATION_PRIVATE_SCHEMA`].
    pub schema: String,
    /// The agent's key.
    pub key: PublicKey,
    /// Its name.
    pub key_id: String,
    /// From when on its records are refused, microseconds since the Unix epoch.
    pub effective_at_us: i64,
    /// 16 random bytes.
    pub blind: Id128,
}
