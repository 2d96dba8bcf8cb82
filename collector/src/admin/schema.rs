//! The form of `admin.sqlite`: invitations, agents, group-id keys, the outbox and the audit trail.
//!
//! - Secrets (invitation tokens, device links) are SHA-256 only. What has 128 random bits needs no
//!   slow hash.
//! - `secure_delete` is on, so that a destroyed group-id key is overwritten and not only unlinked.
//! - Times are microseconds since the Unix epoch.
use crate::store::{Schema, application_id};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "admin.sqlite";

pub(super) const SCHEMA: Schema = Schema {
    name: "admin",
    application_id: application_id(*b"TnlA"),
    migrations: &["
        CREATE TABLE invitation (
            invitation_id  INTEGER PRIMARY KEY,
            token_hash     BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
            batch_id       TEXT NOT NULL UNIQUE,
            created_at_us  INTEGER NOT NULL,
            expires_at_us  INTEGER NOT NULL,
            uses           INTEGER NOT NULL CHECK (uses > 0),
            used           INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
            tier           TEXT NOT NULL,
            province       TEXT,
            vouched        INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE agent (
            agent_id       INTEGER PRIMARY KEY,
            key            BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
            key_id         TEXT NOT NULL UNIQUE,
            invitation_id  INTEGER NOT NULL REFERENCES invitation,
            batch_id       TEXT NOT NULL,
            tier           TEXT NOT NULL,
            province       TEXT,
            vouched        INTEGER NOT NULL,
            consent_version TEXT NOT NULL,
            device_link_hash BLOB NOT NULL UNIQUE CHECK (length(device_link_hash) = 32),
            enrolled_at_us INTEGER NOT NULL,
            revoked_at_us  INTEGER
        ) STRICT;
        CREATE TABLE group_key (
            month TEXT PRIMARY KEY,
            key   BLOB NOT NULL CHECK (length(key) = 32)
        ) STRICT;
        CREATE TABLE outbox (
            outbox_id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: two drains may overlap
            kind      TEXT NOT NULL,
            schema    TEXT NOT NULL,
            public    BLOB NOT NULL,
            private   BLOB NOT NULL,
            key       BLOB NOT NULL CHECK (length(key) = 32),
            tier      TEXT NOT NULL,
            at_us     INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE audit (
            audit_id INTEGER PRIMARY KEY,
            at_us    INTEGER NOT NULL,
            action   TEXT NOT NULL,
            object   TEXT NOT NULL,
            detail   TEXT NOT NULL
        ) STRICT;
    "],
};
