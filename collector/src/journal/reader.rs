//! Reading the journal: read-only connections beside the writer.
use super::entry::receipt_from_columns;
use super::schema::SCHEMA;
use super::{Blob, ChainPlace, Entry, NetworkIdentity};
use crate::store::{self, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::Path;
use tonle_evidence::hash::{Hash, Hex};

const COLUMNS: &str = "entry_index, kind, payload_type, record_hash, public, private, key, sig, \
     chain_id, sequence, tier, provenance, received_at_us, asn, asn_table, network_country, \
     group_id, salt, marks, receipt, proof, resolver_asn";

/// Bytes of entries after which a read gives no more: measurements of OONI's can be large.
const READ_MAX_BYTES: usize = 32 << 20;

/// Why the journal could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] StoreError),
    /// A query failed.
    #[error("read the journal: {0}")]
    Query(#[from] rusqlite::Error),
    /// An entry is not as this program writes them.
    #[error("journal entry {entry_index} cannot be read: {reason}")]
    Damaged {
        /// Which.
        entry_index: u64,
        /// What is wrong.
        reason: String,
    },
}

/// A reader with a connection of its own. Synchronous: call it from a blocking task.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
}

impl JournalReader {
    /// Opens the journal at `path` for reading.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let connection = store::open_read_only(path, &SCHEMA)?;
        Ok(Self { connection })
    }

    /// At most `limit` entries in order, from `index` on; fewer once they hold `READ_MAX_BYTES`.
    pub fn entries_from(&self, index: u64, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entry WHERE entry_index >= ?1 ORDER BY entry_index LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((index.cast_signed(), limit))?;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let entry = read(row)?;
            bytes += entry.public.len() + entry.private.len();
            entries.push(entry);
            if bytes >= READ_MAX_BYTES {
                break;
            }
        }
        Ok(entries)
    }

    /// The entry with this hash.
    pub fn by_hash(&self, hash: &Hash) -> Result<Option<Entry>, ReadError> {
        let sql = format!("SELECT {COLUMNS} FROM entry WHERE record_hash = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([hash.0])?;
        rows.next()?.map(read).transpose()
    }

    /// Where the entry with this hash stands, without reading it.
    pub fn index_of(&self, hash: &Hash) -> Result<Option<u64>, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT entry_index FROM entry WHERE record_hash = ?1")?;
        let index = statement.query_row([hash.0], |row| row.get::<_, i64>(0));
        Ok(index.optional()?.map(i64::cast_unsigned))
    }

    /// The newest entry's index; `None` while the journal is empty.
    pub fn last_index(&self) -> Result<Option<u64>, ReadError> {
        let sql = "SELECT max(entry_index) FROM entry";
        let last: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(last.map(i64::cast_unsigned))
    }
}

fn read(row: &Row<'_>) -> Result<Entry, ReadError> {
    let entry_index = row.get::<_, i64>(0)?.cast_unsigned();
    let damaged = |reason: String| ReadError::Damaged {
        entry_index,
        reason,
    };
    let word = |column: usize| row.get::<_, String>(column);
    let chain = match (
        row.get::<_, Option<[u8; 8]>>(8)?,
        row.get::<_, Option<i64>>(9)?,
    ) {
        (Some(chain_id), Some(sequence)) => Some(ChainPlace {
            chain_id: Hex(chain_id),
            sequence: sequence.cast_unsigned(),
        }),
        _ => None,
    };
    let unpack = |column: usize| {
        let stored = Blob::from_stored(row.get(column)?);
        stored.unpack().map_err(|error| damaged(error.to_string()))
    };
    let (receipt, proof): (Vec<u8>, Vec<u8>) = (row.get(19)?, row.get(20)?);
    Ok(Entry {
        entry_index,
        kind: parsed(&word(1)?).map_err(damaged)?,
        payload_type: word(2)?,
        record_hash: Hex(row.get(3)?),
        public: unpack(4)?,
        private: unpack(5)?,
        key: row.get::<_, Option<_>>(6)?.map(Hex),
        signature: row.get(7)?,
        chain,
        tier: parsed(&word(10)?).map_err(damaged)?,
        provenance: parsed(&word(11)?).map_err(damaged)?,
        received_at_us: row.get(12)?,
        network: NetworkIdentity {
            asn: row.get(13)?,
            asn_table: row.get(14)?,
            country: row.get(15)?,
            group_id: row.get::<_, Option<_>>(16)?.map(Hex),
            resolver_asn: row.get(21)?,
        },
        salt: Hex(row.get(17)?),
        marks: word(18)?
            .split_whitespace()
            .map(|mark| parsed(mark).map_err(damaged))
            .collect::<Result<_, _>>()?,
        receipt: receipt_from_columns(&receipt, &proof)
            .ok_or_else(|| damaged("its receipt is damaged".into()))?,
    })
}

/// A stored word of one of the closed lists in [`tonle_evidence::entry`].
fn parsed<T: std::str::FromStr>(word: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    word.parse().map_err(|error: T::Err| error.to_string())
}
