//! The form of `journal.sqlite`.
//!
//! Format, fixed for ever but for additions:
//! - `entry_index` counts from 0 without holes; it is the rowid, so the table only ever grows at
//!   its end.
//! - `public` and `private` are the exact bytes as received, each a zstd frame that states its
//!   size. Nothing is ever re-serialised.
//! - `record_hash` is the only thing that must be unique. Key, chain and sequence are a plain
//!   index: a conflict is stored and marked.
//! - `receipt` is the exact text of the receipt and `proof` what signs it (see [`super::entry`]),
//!   so that a replay is answered byte for byte.
//! - No address, and nothing from which one can be computed once the month's key is destroyed.
use crate::store::{Schema, application_id};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "journal.sqlite";

/// Identity and migrations of the file.
pub const SCHEMA: Schema = Schema {
    name: "journal",
    application_id: application_id(*b"TnlJ"),
    migrations: &[
        "
        CREATE TABLE entry (
            entry_index     INTEGER PRIMARY KEY CHECK (entry_index >= 0),
            kind            TEXT NOT NULL,
            payload_type    TEXT NOT NULL,
            record_hash     BLOB NOT NULL UNIQUE CHECK (length(record_hash) = 32),
            public          BLOB NOT NULL,
            private         BLOB NOT NULL,
            key             BLOB CHECK (length(key) = 32),
            sig             BLOB CHECK (length(sig) = 64),
            chain_id        BLOB CHECK (length(chain_id) = 8),
            sequence        INTEGER,
            tier            TEXT NOT NULL,
            provenance      TEXT NOT NULL,
            received_at_us  INTEGER NOT NULL,
            asn             INTEGER,
            asn_table       TEXT,
            network_country TEXT,
            group_id        BLOB CHECK (length(group_id) = 8),
            salt            BLOB NOT NULL CHECK (length(salt) = 16),
            marks           TEXT NOT NULL,
            receipt         BLOB NOT NULL,
            proof           BLOB NOT NULL
        ) STRICT;
        CREATE INDEX entry_chain ON entry (key, chain_id, sequence) WHERE key IS NOT NULL;
    ",
        "
        ALTER TABLE entry ADD COLUMN resolver_asn INTEGER;
    ",
    ],
};
