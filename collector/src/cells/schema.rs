//! The tables of `derived.sqlite`. Nothing in it is evidence: it is rebuilt from the journal when it
//! is missing, damaged, of another schema or made under other rules.
//!
//! | table | one row per | says |
//! | --- | --- | --- |
//! | `progress` | file | which entries are in, under which rules |
//! | `agent` | key | enrolment batch; how many of its records are in |
//! | `series` | metric × province × access | what statements are made of |
//! | `cell` | metric × province × operator × technology × place × tier | a stratum; path class is in the metric |
//! | `sample` | value | cell, agent, local hour, the entry it came from |
//! | `agent_hour` | agent × cell × local hour | median of its samples |
//! | `agent_day` | agent × series × local day × window | median of its agent-hours |
//! | `agent_month` | agent × series × local month × window | median of its agent-days |
//! | `left_out` | metric × province × access × month × reason | how many samples entered no cell |
//! | `sighting` | agent × month × access × network | what independence is judged by |
//! | `openness_cell` | target × network × layer × resolver × local day | what visits to pages say |
//! | `openness_witness` | openness cell × entry | who, when, what is said, and how it is done |
//! | `contact` | hour × agent × network × province | who was heard, by the collector's clock |
//! | `device_result` | newest records of a key | what a volunteer sees of the own device |
//!
//! Hours, days and months are texts of the country's clock (`2026-11-10T12`), so that a day is a
//! range of hours. A key's cost is bounded: an hour is computed from its samples, a day from at most
//! its hours, a month from at most 31 days, whatever came before.
use crate::store::{Schema, application_id};

/// Name of the file in the data directory.
pub const FILE_NAME: &str = "derived.sqlite";

/// Raised with any change below: a file of another version is rebuilt, never migrated.
pub(super) const VERSION: u32 = 6;

pub(super) const SCHEMA: Schema = Schema {
    name: "derived",
    application_id: application_id(*b"TnDr"),
    migrations: &[TABLES],
};

const TABLES: &str = "
CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    made_under BLOB NOT NULL,      -- schema version and fingerprint of rules and ground
    next_index INTEGER NOT NULL,   -- first entry that is not in yet
    last_hash BLOB NOT NULL        -- hash of the last entry that is in; empty before the first
) STRICT;

CREATE TABLE agent (
    agent_id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    batch TEXT,                    -- NULL until its enrolment entry is in
    records INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE series (
    series_id INTEGER PRIMARY KEY,
    metric TEXT NOT NULL,
    province TEXT NOT NULL,
    access TEXT NOT NULL,
    UNIQUE (metric, province, access)
) STRICT;

CREATE TABLE cell (
    cell_id INTEGER PRIMARY KEY,
    series_id INTEGER NOT NULL REFERENCES series,
    operator TEXT NOT NULL,
    technology TEXT NOT NULL,
    place TEXT NOT NULL,
    tier TEXT NOT NULL,
    UNIQUE (series_id, operator, technology, place, tier)
) STRICT;

CREATE TABLE sample (
    agent_id INTEGER NOT NULL REFERENCES agent,
    cell_id INTEGER NOT NULL REFERENCES cell,
    hour TEXT NOT NULL,
    value INTEGER NOT NULL,
    entry_index INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,      -- position among the record's samples
    PRIMARY KEY (agent_id, cell_id, hour, value, entry_index, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_hour (
    agent_id INTEGER NOT NULL REFERENCES agent,
    series_id INTEGER NOT NULL REFERENCES series,
    hour TEXT NOT NULL,
    cell_id INTEGER NOT NULL REFERENCES cell,
    value INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (agent_id, series_id, hour, cell_id)
) STRICT, WITHOUT ROWID;

-- Standards are held against the hours of all agents of a series.
CREATE INDEX agent_hour_of_series ON agent_hour (series_id, hour);

CREATE TABLE agent_day (
    agent_id INTEGER NOT NULL REFERENCES agent,
    series_id INTEGER NOT NULL REFERENCES series,
    day TEXT NOT NULL,
    window TEXT NOT NULL,          -- all, peak or off_peak hours
    value INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (agent_id, series_id, day, window)
) STRICT, WITHOUT ROWID;

CREATE TABLE agent_month (
    month TEXT NOT NULL,
    window TEXT NOT NULL,
    series_id INTEGER NOT NULL REFERENCES series,
    agent_id INTEGER NOT NULL REFERENCES agent,
    value INTEGER NOT NULL,
    agent_days INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (month, window, series_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE left_out (
    month TEXT NOT NULL,
    metric TEXT NOT NULL,
    province TEXT NOT NULL,
    access TEXT NOT NULL,
    reason TEXT NOT NULL,          -- see `analysis::LeftOut`
    samples INTEGER NOT NULL,
    PRIMARY KEY (month, metric, province, access, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE sighting (
    month TEXT NOT NULL,
    access TEXT NOT NULL,
    agent_id INTEGER NOT NULL REFERENCES agent,
    asn INTEGER NOT NULL,          -- -1 where not known
    group_id BLOB NOT NULL,        -- empty where left out
    PRIMARY KEY (month, access, agent_id, asn, group_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE openness_cell (
    cell_id INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    target TEXT NOT NULL,
    network TEXT NOT NULL,
    layer TEXT NOT NULL,
    resolver TEXT NOT NULL,        -- of resolving: the network that the resolver asks from; else empty
    UNIQUE (day, target, network, layer, resolver)
) STRICT;

CREATE TABLE openness_witness (
    cell_id INTEGER NOT NULL REFERENCES openness_cell,
    entry_index INTEGER NOT NULL,
    agent_id INTEGER NOT NULL REFERENCES agent,
    hour INTEGER NOT NULL,         -- of the cell's day
    state TEXT NOT NULL,
    fingerprint TEXT NOT NULL,     -- mechanism and artefact; empty where nothing interferes
    province TEXT NOT NULL,        -- empty where it is not confirmed
    software TEXT NOT NULL,
    PRIMARY KEY (cell_id, entry_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact (
    hour INTEGER NOT NULL,         -- hours since the Unix epoch
    agent_id INTEGER NOT NULL REFERENCES agent,
    network TEXT NOT NULL,
    province TEXT NOT NULL,        -- empty where it is not confirmed
    PRIMARY KEY (hour, agent_id, network, province)
) STRICT, WITHOUT ROWID;

-- Changes are looked for in the hours of all agents.
CREATE INDEX agent_hour_of_hour ON agent_hour (hour);

CREATE TABLE device_result (
    agent_id INTEGER NOT NULL REFERENCES agent,
    t_start_us INTEGER NOT NULL,
    record_hash BLOB NOT NULL,
    entry_index INTEGER NOT NULL,
    no_cell TEXT,                  -- why the whole record enters no cell
    PRIMARY KEY (agent_id, t_start_us, record_hash)
) STRICT, WITHOUT ROWID;
";
