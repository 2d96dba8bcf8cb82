//! Short numbers for keys, series and cells. They depend on the order of entries and leave this
//! room nowhere.
use crate::analysis::Stratum;
use rusqlite::{OptionalExtension, Params, Transaction, params};
use tonle_evidence::hash::PublicKey;

/// A cell and the series it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) cell_id: i64,
    pub(super) series_id: i64,
}

pub(super) fn agent_id(
    transaction: &Transaction<'_>,
    key: &PublicKey,
) -> Result<i64, rusqlite::Error> {
    find_or_insert(
        transaction,
        "SELECT agent_id FROM agent WHERE key = ?1",
        "INSERT INTO agent (key) VALUES (?1) RETURNING agent_id",
        [key.0],
    )
}

pub(super) fn cell_of(
    transaction: &Transaction<'_>,
    metric: &str,
    stratum: &Stratum,
) -> Result<Cell, rusqlite::Error> {
    let series_id = find_or_insert(
        transaction,
        "SELECT series_id FROM series WHERE metric = ?1 AND province = ?2 AND access = ?3",
        "INSERT INTO series (metric, province, access) VALUES (?1, ?2, ?3) RETURNING series_id",
        params![metric, stratum.province, stratum.access().as_str()],
    )?;
    let cell_id = find_or_insert(
        transaction,
        "SELECT cell_id FROM cell WHERE series_id = ?1 AND operator = ?2 AND technology = ?3
             AND place = ?4 AND tier = ?5",
        "INSERT INTO cell (series_id, operator, technology, place, tier)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING cell_id",
        params![
            series_id,
            stratum.operator,
            stratum.technology.as_str(),
            stratum.place.as_str(),
            stratum.tier.as_str(),
        ],
    )?;
    Ok(Cell { cell_id, series_id })
}

fn find_or_insert<P: Params + Clone>(
    transaction: &Transaction<'_>,
    find: &str,
    insert: &str,
    params: P,
) -> Result<i64, rusqlite::Error> {
    let found = transaction
        .prepare_cached(find)?
        .query_row(params.clone(), |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => transaction
            .prepare_cached(insert)?
            .query_row(params, |row| row.get(0)),
    }
}
