//! The outbox: entries that a change of this store owes the journal.
//!
//! A change and its entry are written in one transaction here; the entry then goes to the journal
//! and only then leaves the outbox. A crash in between repeats the append, which the journal
//! answers as a duplicate.
use super::{Admin, AdminError};
use crate::journal::{Journal, JournalError, NewEntry};
use rusqlite::{Row, Transaction, params};
use serde::Serialize;
use tonle_evidence::entry::{EntryKind, Tier};
use tonle_evidence::hash::{Hex, PublicKey};

/// Most entries of one append.
const DRAIN_MAX: i64 = 256;

/// Why the outbox could not be emptied; what is left is tried again.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// This store.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Whose entry it is and when it came about.
pub(super) struct Origin {
    pub(super) key: PublicKey,
    pub(super) tier: Tier,
    pub(super) at_us: i64,
}

/// Puts an entry in the outbox, as part of the change that it tells of.
pub(super) fn put(
    transaction: &Transaction<'_>,
    (kind, schema): (EntryKind, &str),
    (public, private): (&impl Serialize, &impl Serialize),
    origin: &Origin,
) -> Result<(), rusqlite::Error> {
    transaction.execute(
        "INSERT INTO outbox (kind, schema, public, private, key, tier, at_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            kind.as_str(),
            schema,
            bytes_of(public),
            bytes_of(private),
            origin.key.0,
            origin.tier.as_str(),
            origin.at_us
        ],
    )?;
    Ok(())
}

fn bytes_of(half: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(half).expect("strings, integers and booleans are always JSON")
}

impl Admin {
    /// Moves everything owed to the journal. Returns once it is durable there.
    pub async fn drain_outbox(&self, journal: &Journal) -> Result<u64, OutboxError> {
        let mut moved = 0;
        loop {
            let (ids, entries): (Vec<i64>, Vec<NewEntry>) =
                self.owed().map_err(AdminError::from)?.into_iter().unzip();
            let Some(last) = ids.last() else {
                return Ok(moved);
            };
            let count = entries.len() as u64;
            journal.append(entries).await?;
            self.settle(*last).map_err(AdminError::from)?;
            moved += count;
        }
    }

    fn owed(&self) -> Result<Vec<(i64, NewEntry)>, rusqlite::Error> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT outbox_id, kind, schema, public, private, key, tier, at_us FROM outbox \
             ORDER BY outbox_id LIMIT ?1",
        )?;
        statement.query_map([DRAIN_MAX], read)?.collect()
    }

    fn settle(&self, last: i64) -> Result<(), rusqlite::Error> {
        let connection = self.lock();
        connection.execute("DELETE FROM outbox WHERE outbox_id <= ?1", [last])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<(i64, NewEntry), rusqlite::Error> {
    let wrong = |error: tonle_evidence::entry::UnknownWord| {
        rusqlite::Error::ToSqlConversionFailure(Box::new(error))
    };
    let (kind, tier): (String, String) = (row.get(1)?, row.get(6)?);
    let (public, private): (Vec<u8>, Vec<u8>) = (row.get(3)?, row.get(4)?);
    let schema: String = row.get(2)?;
    let mut entry = NewEntry::own(
        kind.parse().map_err(wrong)?,
        &schema,
        &public,
        &private,
        tier.parse().map_err(wrong)?,
    );
    entry.key = Some(Hex(row.get(5)?));
    entry.received_at_us = row.get(7)?;
    Ok((row.get(0)?, entry))
}
