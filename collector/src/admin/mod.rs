//! Who may take part: invitations, enrolment, revocation, and the collector's own keys.
//!
//! `admin.sqlite` may be opened by the running service and by a command at the same time; each
//! change is one transaction, and the service notices the other's within a second
//! ([`Admin::refresh`]).
mod agents;
mod enrol;
mod entries;
mod group_keys;
mod invitations;
mod keys;
mod outbox;
mod schema;
#[cfg(test)]
mod tests;

pub use agents::{AgentRow, RevokeError};
pub use enrol::EnrolError;
pub use entries::{
    ENROLMENT_PRIVATE_SCHEMA, ENROLMENT_SCHEMA, EnrolmentPrivate, EnrolmentPublic,
    REVOCATION_PRIVATE_SCHEMA, REVOCATION_SCHEMA, RevocationPrivate, RevocationPublic,
};
pub use invitations::{InviteError, InviteOptions};
pub use keys::KEY_FILE_NAME;
pub use outbox::OutboxError;
pub use schema::FILE_NAME;

use crate::store::{self, StoreError};
use rusqlite::{Connection, Transaction, params};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use tonle_evidence::SigningKey;
use tonle_evidence::country::Country;
use tonle_evidence::hash::{Hash, Hex, PublicKey, sha256};
use tonle_evidence::record::Stream;
use tonle_net::datadir::DataDirError;
use url::Url;

/// What agents are told when they join.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where agents and browsers reach this collector, ending in `/`.
    pub public_url: Url,
    /// The country whose clock and provinces apply.
    pub country: Country,
    /// ndt7 base URL of the measurement server, if it runs.
    pub ndt7_url: Option<String>,
    /// The streams that are hosted here.
    pub streams: Vec<Stream>,
}

/// Why the room could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A query.
    #[error("admin store: {0}")]
    Query(#[from] rusqlite::Error),
    /// The key file cannot be written.
    #[error(transparent)]
    KeyFile(#[from] DataDirError),
    /// The key file is there and is not a key.
    #[error(
        "{0} is not a collector key: restore it from a backup; a new key would break every agent's pin"
    )]
    BadKey(std::path::PathBuf),
    /// The system gives no randomness.
    #[error("random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// The room. Cheap to share; every call is short and blocking.
#[derive(Debug)]
pub struct Admin {
    connection: Mutex<Connection>,
    signing_key: SigningKey,
    settings: AdminSettings,
    agents: RwLock<AgentCache>,
    group_key: Mutex<Option<group_keys::MonthKey>>,
}

/// The agents in memory: intake asks for each record.
#[derive(Debug, Default)]
struct AgentCache {
    by_key: HashMap<PublicKey, Arc<AgentRow>>,
    by_link: HashMap<Hash, PublicKey>,
    data_version: i64,
}

impl AgentCache {
    fn insert(&mut self, row: AgentRow) {
        self.by_link.insert(row.device_link_hash, row.key);
        self.by_key.insert(row.key, Arc::new(row));
    }
}

impl Admin {
    /// Opens or creates `admin.sqlite` and the collector's key in `dir`.
    pub fn open(dir: &Path, settings: AdminSettings) -> Result<Self, AdminError> {
        let connection = store::open(&dir.join(FILE_NAME), &schema::SCHEMA)?;
        connection.pragma_update(None, "secure_delete", true)?;
        let admin = Self {
            connection: Mutex::new(connection),
            signing_key: keys::load_or_create(dir)?,
            settings,
            agents: RwLock::default(),
            group_key: Mutex::new(None),
        };
        admin.reload()?;
        Ok(admin)
    }

    /// The collector's signing key.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing_key
    }

    /// The collector's public key, as invitations carry it.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        Hex(self.signing_key.verifying_key().to_bytes())
    }

    /// What agents are told when they join.
    #[must_use]
    pub fn settings(&self) -> &AdminSettings {
        &self.settings
    }

    /// The agent that holds this key, enrolled now or ever.
    #[must_use]
    pub fn agent_by_key(&self, key: &PublicKey) -> Option<Arc<AgentRow>> {
        let cache = self.agents.read().expect("no panic while it is held");
        cache.by_key.get(key).cloned()
    }

    /// The agent whose private page this is.
    #[must_use]
    pub fn agent_by_device_link(&self, link: &str) -> Option<Arc<AgentRow>> {
        let cache = self.agents.read().expect("no panic while it is held");
        let key = cache.by_link.get(&sha256(link.as_bytes()))?;
        cache.by_key.get(key).cloned()
    }

    /// Takes over what another process changed, if it did.
    pub fn refresh(&self) -> Result<(), AdminError> {
        let known = self
            .agents
            .read()
            .expect("no panic while it is held")
            .data_version;
        let found = data_version(&self.lock())?;
        if found == known {
            Ok(())
        } else {
            self.reload()
        }
    }

    fn reload(&self) -> Result<(), AdminError> {
        let connection = self.lock();
        let data_version = data_version(&connection)?;
        let rows = agents::all(&connection)?;
        drop(connection);
        let mut cache = AgentCache {
            data_version,
            ..AgentCache::default()
        };
        for row in rows {
            cache.insert(row);
        }
        *self.agents.write().expect("no panic while it is held") = cache;
        Ok(())
    }

    /// Takes a change of our own into memory.
    fn remember(&self, row: AgentRow) {
        let mut cache = self.agents.write().expect("no panic while it is held");
        cache.insert(row);
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("no panic while it is held")
    }
}

/// Changes whenever another connection commits.
fn data_version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "data_version", |row| row.get(0))
}

/// Notes who did what to which object, without personal data.
fn audit(
    transaction: &Transaction<'_>,
    at_us: i64,
    action: &str,
    object: &str,
    detail: &str,
) -> Result<(), rusqlite::Error> {
    transaction.execute(
        "INSERT INTO audit (at_us, action, object, detail) VALUES (?1, ?2, ?3, ?4)",
        params![at_us, action, object, detail],
    )?;
    Ok(())
}

/// Random bytes of the operating system.
fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
