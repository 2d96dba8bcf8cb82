//! The agents that joined, and revoking their keys.
use super::entries::{
    REVOCATION_PRIVATE_SCHEMA, REVOCATION_SCHEMA, RevocationPrivate, RevocationPublic,
};
use super::{Admin, AdminError, audit, outbox, random};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use tonle_evidence::entry::{EntryKind, Tier};
use tonle_evidence::hash::{Hash, Hex, Id128, PublicKey};

pub(super) const COLUMNS: &str = "key, key_id, batch_id, tier, province, vouched, \
     consent_version, device_link_hash, enrolled_at_us, revoked_at_us";

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// Its public key.
    pub key: PublicKey,
    /// Its name.
    pub key_id: String,
    /// Joins that may be one person's share it.
    pub batch_id: String,
    /// How well it is known.
    pub tier: Tier,
    /// Province its invitation was tagged with.
    pub province: Option<String>,
    /// Whether the inviter vouched that the invited are distinct people.
    pub vouched: bool,
    /// Version of the consent text its volunteer accepted.
    pub consent_version: String,
    /// SHA-256 of the secret path of its own page.
    pub device_link_hash: Hash,
    /// When it joined, microseconds since the Unix epoch.
    pub enrolled_at_us: i64,
    /// From when on its records are refused.
    pub revoked_at_us: Option<i64>,
}

impl AgentRow {
    /// True when records that arrive at `now_us` are refused.
    #[must_use]
    pub fn is_revoked(&self, now_us: i64) -> bool {
        self.revoked_at_us.is_some_and(|at_us| at_us <= now_us)
    }

    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        let tier: String = row.get(3)?;
        Ok(Self {
            key: Hex(row.get(0)?),
            key_id: row.get(1)?,
            batch_id: row.get(2)?,
            tier: tier
                .parse()
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?,
            province: row.get(4)?,
            vouched: row.get(5)?,
            consent_version: row.get(6)?,
            device_link_hash: Hex(row.get(7)?),
            enrolled_at_us: row.get(8)?,
            revoked_at_us: row.get(9)?,
        })
    }
}

/// Why a key was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// No agent has this key id.
    #[error("no agent has key id '{0}'; `agents` lists them")]
    Unknown(String),
    /// The store.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl Admin {
    /// Every agent, in the order of joining.
    pub fn agents(&self) -> Result<Vec<AgentRow>, AdminError> {
        Ok(all(&self.lock())?)
    }

    /// Refuses records of a key from `effective_at_us` on. A second revocation can only make it
    /// earlier; one that would not is a harmless repeat.
    pub fn revoke(
        &self,
        key_id: &str,
        effective_at_us: i64,
        now_us: i64,
    ) -> Result<AgentRow, RevokeError> {
        let blind = random::<16>().map_err(AdminError::from)?;
        let found = self
            .store_revocation(key_id, effective_at_us, now_us, Hex(blind))
            .map_err(AdminError::from)?;
        let Some(row) = found else {
            return Err(RevokeError::Unknown(key_id.to_owned()));
        };
        self.remember(row.clone());
        Ok(row)
    }

    fn store_revocation(
        &self,
        key_id: &str,
        effective_at_us: i64,
        now_us: i64,
        blind: Id128,
    ) -> Result<Option<AgentRow>, rusqlite::Error> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!("SELECT {COLUMNS} FROM agent WHERE key_id = ?1");
        let found = transaction.query_row(&sql, [key_id], AgentRow::read);
        let Some(mut row) = found.optional()? else {
            return Ok(None);
        };
        if row.is_revoked(effective_at_us) {
            return Ok(Some(row));
        }
        transaction.execute(
            "UPDATE agent SET revoked_at_us = ?2 WHERE key_id = ?1",
            params![key_id, effective_at_us],
        )?;
        let public = RevocationPublic {
            schema: REVOCATION_SCHEMA.to_owned(),
        };
        let private = RevocationPrivate {
            schema: REVOCATION_PRIVATE_SCHEMA.to_owned(),
            key: row.key,
            key_id: row.key_id.clone(),
            effective_at_us,
            blind,
        };
        let origin = outbox::Origin {
            key: row.key,
            tier: row.tier,
            at_us: now_us,
        };
        outbox::put(
            &transaction,
            (EntryKind::Revocation, REVOCATION_SCHEMA),
            (&public, &private),
            &origin,
        )?;
        audit(
            &transaction,
            now_us,
            "revoke",
            key_id,
            &format!("from {effective_at_us}"),
        )?;
        transaction.commit()?;
        row.revoked_at_us = Some(effective_at_us);
        Ok(Some(row))
    }
}

pub(super) fn all(connection: &Connection) -> Result<Vec<AgentRow>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM agent ORDER BY agent_id");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([], AgentRow::read)?.collect()
}
