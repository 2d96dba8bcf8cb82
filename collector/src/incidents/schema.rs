//! The tables of `incidents.sqlite`. It is a kept fact: nothing rebuilds it, so it is backed up with the
//! journal.
use crate::store::{Schema, application_id};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "incidents.sqlite";

pub(super) const SCHEMA: Schema = Schema {
    name: "incidents",
    application_id: application_id(*b"TnIn"),
    migrations: &[TABLES],
};

const TABLES: &str = "
CREATE TABLE entry (
    sequence INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    event TEXT NOT NULL,           -- opened, changed or closed
    incident_id TEXT NOT NULL,
    body TEXT NOT NULL,            -- the incident as it was then, JSON
    hash BLOB NOT NULL             -- over the entry before, time, event and body
) STRICT;
CREATE INDEX entry_of_incident ON entry (incident_id, sequence);

CREATE TABLE reply (
    sequence INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    incident_id TEXT NOT NULL,
    name TEXT NOT NULL,            -- of the key, as the configuration had it then
    role TEXT NOT NULL,
    key BLOB NOT NULL,
    text TEXT NOT NULL,
    document TEXT NOT NULL,        -- as it was handed in
    UNIQUE (incident_id, document)
) STRICT;

CREATE TRIGGER entry_is_not_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log stays as it is'); END;
CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log stays'); END;
CREATE TRIGGER reply_is_not_changed BEFORE UPDATE ON reply
BEGIN SELECT RAISE(ABORT, 'a reply stays as it is'); END;
CREATE TRIGGER reply_is_not_removed BEFORE DELETE ON reply
BEGIN SELECT RAISE(ABORT, 'a reply stays'); END;

-- Hours in which the collector was there to hear.
CREATE TABLE awake (hour INTEGER PRIMARY KEY) STRICT;

-- What is to be told to whom, until it is delivered.
CREATE TABLE delivery (
    sequence INTEGER NOT NULL REFERENCES entry,
    url TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at_us INTEGER NOT NULL,
    delivered_at_us INTEGER,
    last_error TEXT,
    PRIMARY KEY (sequence, url)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (next_at_us) WHERE delivered_at_us IS NULL;
";
