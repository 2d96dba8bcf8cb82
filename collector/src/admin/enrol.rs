//! Joining: a token becomes an enrolled key, at most as often as the invitation allows.
//!
//! 1. The request proves possession of its key, else it is refused before any look-up.
//! 2. Whether a use is left is decided and taken in one transaction.
//! 3. The same key with the same token gets the same answer for ever: a lost reply is repeated
//!    without harm. So the device link is derived, not drawn, and only its hash is kept.
use super::agents::{AgentRow, COLUMNS};
use super::entries::{
    ENROLMENT_PRIVATE_SCHEMA, ENROLMENT_SCHEMA, EnrolmentPrivate, EnrolmentPublic,
};
use super::{Admin, AdminError, audit, outbox, random};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest};
use tonle_evidence::entry::{EntryKind, Tier};
use tonle_evidence::hash::{Hash, Hex, PublicKey, sha256};

/// Longest consent version that is stored.
const CONSENT_VERSION_MAX_BYTES: usize = 64;

/// Why a key was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The proof is not by the key, or a field is not as it must be.
    #[error("the request does not prove that its sender holds the key")]
    Proof,
    /// No consent version, or one that is no version.
    #[error("consent_version must be 1 to {CONSENT_VERSION_MAX_BYTES} printable characters")]
    Consent,
    /// No such invitation.
    #[error("this invitation is not known here; ask whoever invited you for a new one")]
    UnknownToken,
    /// Its time is over.
    #[error("this invitation has expired; ask whoever invited you for a new one")]
    Expired,
    /// All its uses are taken.
    #[error("this invitation has been used up; ask whoever invited you for a new one")]
    UsedUp,
    /// The key joined with another invitation before.
    #[error("this key is enrolled already; it needs no other invitation")]
    KeyTaken,
    /// The key was revoked.
    #[error("this key was revoked; join again with a new invitation and a new key")]
    Revoked,
    /// The store.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl From<rusqlite::Error> for EnrolError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Admin(error.into())
    }
}

struct InvitationRow {
    invitation_id: i64,
    token_hash: Hash,
    batch_id: String,
    expires_at_us: i64,
    uses: u32,
    used: u32,
    tier: Tier,
    province: Option<String>,
    vouched: bool,
}

impl Admin {
    /// Enrols the key of a request, or repeats the answer it had.
    pub fn enrol(&self, request: &EnrolmentRequest, now_us: i64) -> Result<Enrolled, EnrolError> {
        if !request.proves_possession() {
            return Err(EnrolError::Proof);
        }
        let version = &request.consent_version;
        let is_version = (1..=CONSENT_VERSION_MAX_BYTES).contains(&version.len())
            && version.chars().all(|c| c.is_ascii_graphic());
        if !is_version {
            return Err(EnrolError::Consent);
        }
        let link = self.device_link(&request.key);
        let row = self.take_use(request, &link, now_us)?;
        self.remember(row.clone());
        Ok(self.answer(row, link))
    }

    /// The secret path of an agent's own page.
    fn device_link(&self, key: &PublicKey) -> String {
        let seed = self.signing_key.to_bytes();
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&seed).expect("HMAC takes a key of any length");
        mac.update(b"tonle device link 1");
        mac.update(&key.0);
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        URL_SAFE_NO_PAD.encode(&tag[..16])
    }

    fn answer(&self, row: AgentRow, device_link: String) -> Enrolled {
        Enrolled {
            key: row.key,
            key_id: row.key_id,
            tier: row.tier,
            country: self.settings.country.clone(),
            province: row.province,
            device_link,
            ndt7_url: self.settings.ndt7_url.clone(),
            streams: self.settings.streams.clone(),
        }
    }

    fn take_use(
        &self,
        request: &EnrolmentRequest,
        link: &str,
        now_us: i64,
    ) -> Result<AgentRow, EnrolError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let invitation = find_invitation(&transaction, &sha256(request.token.as_bytes()))?
            .ok_or(EnrolError::UnknownToken)?;
        if let Some((row, invitation_id)) = find_agent(&transaction, &request.key)? {
            return match row {
                _ if invitation_id != invitation.invitation_id => Err(EnrolError::KeyTaken),
                row if row.is_revoked(now_us) => Err(EnrolError::Revoked),
                row => Ok(row),
            };
        }
        if invitation.expires_at_us <= now_us {
            return Err(EnrolError::Expired);
        }
        if invitation.used >= invitation.uses {
            return Err(EnrolError::UsedUp);
        }
        let row = new_agent(request, &invitation, link, now_us)?;
        insert_agent(&transaction, &row, invitation.invitation_id)?;
        put_entry(&transaction, &row)?;
        audit(
            &transaction,
            now_us,
            "enrol",
            &row.key_id,
            &format!("batch {}", row.batch_id),
        )?;
        transaction.commit()?;
        Ok(row)
    }
}

fn new_agent(
    request: &EnrolmentRequest,
    invitation: &InvitationRow,
    link: &str,
    now_us: i64,
) -> Result<AgentRow, EnrolError> {
    let fresh = || random::<8>().map(|bytes| Hex(bytes).to_string());
    // Vouched joins are distinct people: each is a batch of its own.
    let batch_id = if invitation.vouched {
        fresh().map_err(AdminError::from)?
    } else {
        invitation.batch_id.clone()
    };
    Ok(AgentRow {
        key: request.key,
        key_id: fresh().map_err(AdminError::from)?,
        batch_id,
        tier: invitation.tier,
        province: invitation.province.clone(),
        vouched: invitation.vouched,
        consent_version: request.consent_version.clone(),
        device_link_hash: sha256(link.as_bytes()),
        enrolled_at_us: now_us,
        revoked_at_us: None,
    })
}

fn find_invitation(
    transaction: &Transaction<'_>,
    token_hash: &Hash,
) -> Result<Option<InvitationRow>, rusqlite::Error> {
    let read = |row: &Row<'_>| {
        let tier: String = row.get(6)?;
        Ok(InvitationRow {
            invitation_id: row.get(0)?,
            token_hash: Hex(row.get(1)?),
            batch_id: row.get(2)?,
            expires_at_us: row.get(3)?,
            uses: row.get(4)?,
            used: row.get(5)?,
            tier: tier
                .parse()
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?,
            province: row.get(7)?,
            vouched: row.get(8)?,
        })
    };
    // The index compares hashes, so its timing tells nothing of a token; the comparison that
    // decides takes the same time for every hash all the same.
    let found = transaction
        .query_row(
            "SELECT invitation_id, token_hash, batch_id, expires_at_us, uses, used, tier, \
             province, vouched FROM invitation WHERE token_hash = ?1",
            [token_hash.0],
            read,
        )
        .optional()?;
    Ok(found.filter(|row| bool::from(row.token_hash.0.ct_eq(&token_hash.0))))
}

fn find_agent(
    transaction: &Transaction<'_>,
    key: &PublicKey,
) -> Result<Option<(AgentRow, i64)>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS}, invitation_id FROM agent WHERE key = ?1");
    transaction
        .query_row(&sql, [key.0], |row| {
            Ok((AgentRow::read(row)?, row.get(10)?))
        })
        .optional()
}

fn insert_agent(
    transaction: &Transaction<'_>,
    row: &AgentRow,
    invitation_id: i64,
) -> Result<(), rusqlite::Error> {
    transaction.execute(
        "UPDATE invitation SET used = used + 1 WHERE invitation_id = ?1",
        [invitation_id],
    )?;
    let sql = format!(
        "INSERT INTO agent ({COLUMNS}, invitation_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    transaction.execute(
        &sql,
        params![
            row.key.0,
            row.key_id,
            row.batch_id,
            row.tier.as_str(),
            row.province,
            row.vouched,
            row.consent_version,
            row.device_link_hash.0,
            row.enrolled_at_us,
            row.revoked_at_us,
            invitation_id,
        ],
    )?;
    Ok(())
}

fn put_entry(transaction: &Transaction<'_>, row: &AgentRow) -> Result<(), EnrolError> {
    let public = EnrolmentPublic {
        schema: ENROLMENT_SCHEMA.to_owned(),
        tier: row.tier,
        vouched: row.vouched,
        consent_version: row.consent_version.clone(),
    };
    let private = EnrolmentPrivate {
        schema: ENROLMENT_PRIVATE_SCHEMA.to_owned(),
        key: row.key,
        key_id: row.key_id.clone(),
        batch_id: row.batch_id.clone(),
        province: row.province.clone(),
        enrolled_at_us: row.enrolled_at_us,
        blind: Hex(random::<16>().map_err(AdminError::from)?),
    };
    let origin = outbox::Origin {
        key: row.key,
        tier: row.tier,
        at_us: row.enrolled_at_us,
    };
    outbox::put(
        transaction,
        (EntryKind::Enrolment, ENROLMENT_SCHEMA),
        (&public, &private),
        &origin,
    )?;
    Ok(())
}
