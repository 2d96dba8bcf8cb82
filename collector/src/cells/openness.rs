//! Openness: what visits to pages say, by target × network × layer × day, and who is heard.
//!
//! What is said of resolving has the resolver's network as a key more: whoever asks a resolver abroad may be
//! told otherwise than the network's own customers. It never stands in the place of the network, in which
//! somebody may answer in a resolver's name.
//!
//! A cell holds the witness of every record and no average: outcomes are counted when they are asked for.
//! A record adds at most one row per layer, whatever came before.
use super::CellsError;
use super::apply::sighting;
use crate::analysis::openness::{Said, Visit, confirmed_province, visit as judge};
use crate::analysis::web::Fingerprints;
use crate::analysis::{Ground, Received, network_of};
use crate::journal::Entry;
use rusqlite::{OptionalExtension, Transaction, params};
use tonle_evidence::envelope::Opened;

const HOUR_US: i64 = 3_600_000_000;

/// Notes that the agent was heard.
pub(super) fn contact(
    transaction: &Transaction<'_>,
    agent_id: i64,
    entry: &Entry,
    opened: &Opened,
    ground: &Ground,
) -> Result<(), CellsError> {
    if opened.public.country != ground.country.code {
        return Ok(());
    }
    transaction
        .prepare_cached("INSERT OR IGNORE INTO contact VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            entry.received_at_us.div_euclid(HOUR_US),
            agent_id,
            network_of(&opened.public, entry.network.asn),
            confirmed_province(opened, ground).unwrap_or_default(),
        ])?;
    Ok(())
}

/// Adds what a visit says, if the record is of one.
pub(super) fn visit(
    transaction: &Transaction<'_>,
    agent_id: i64,
    entry_index: u64,
    opened: &Opened,
    received: &Received<'_>,
    ground: &Ground,
) -> Result<(), CellsError> {
    // Why a record says nothing is told of all kinds alike, by `analyse`.
    let Ok(Some(visit)) = judge(opened, received, ground, Fingerprints::built_in()) else {
        return Ok(());
    };
    sighting(
        transaction,
        agent_id,
        visit.hour,
        visit.access,
        &visit.sighting,
    )?;
    for said in &visit.said {
        let cell_id = cell_of(transaction, &visit, said)?;
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO openness_witness VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                cell_id,
                entry_index.cast_signed(),
                agent_id,
                visit.hour.hour,
                said.state.as_str(),
                said.fingerprint,
                visit.province.as_deref().unwrap_or_default(),
                visit.software,
            ])?;
    }
    Ok(())
}

fn cell_of(
    transaction: &Transaction<'_>,
    visit: &Visit,
    said: &Said,
) -> Result<i64, rusqlite::Error> {
    let key = params![
        visit.hour.day.to_string(),
        visit.target,
        visit.network,
        said.layer,
        said.resolver,
    ];
    let found = transaction
        .prepare_cached(
            "SELECT cell_id FROM openness_cell
             WHERE day = ?1 AND target = ?2 AND network = ?3 AND layer = ?4 AND resolver = ?5",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    match found {
        Some(cell_id) => Ok(cell_id),
        None => transaction
            .prepare_cached(
                "INSERT INTO openness_cell (day, target, network, layer, resolver)
                 VALUES (?1, ?2, ?3, ?4, ?5) RETURNING cell_id",
            )?
            .query_row(key, |row| row.get(0)),
    }
}
