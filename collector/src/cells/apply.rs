//! Entries into tables: what one entry adds, and which hours must be computed anew.
use super::intern::{Cell, agent_id, cell_of};
use super::openness;
use super::roll::{self, TouchedHour};
use super::{CellsError, DEVICE_RESULTS_KEPT};
use crate::admin::{ENROLMENT_SCHEMA, EnrolmentPrivate};
use crate::analysis::{Facts, Ground, LeftOut, NoCell, Received, analyse};
use crate::journal::Entry;
use crate::statements::Sighting;
use rusqlite::{Transaction, params};
use std::collections::BTreeSet;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::EntryKind;
use tonle_evidence::envelope::Opened;
use tonle_evidence::hash::PublicKey;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::statement::Access;
use tonle_evidence::strict_json;

/// Adds entries and brings every value that they touch up to date.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    entries: &[Entry],
    ground: &Ground,
) -> Result<(), CellsError> {
    let mut touched = BTreeSet::new();
    for entry in entries {
        match (entry.kind, entry.key) {
            (EntryKind::Record, Some(key)) => {
                record(transaction, entry, &key, ground, &mut touched)?;
            }
            (EntryKind::Enrolment, _) => enrolment(transaction, entry)?,
            // A revocation is enforced at intake; what was accepted before it stands. What nobody
            // signed enters no figure.
            (EntryKind::Record | EntryKind::Revocation | EntryKind::OoniMeasurement, _) => {}
        }
    }
    roll::bring_up_to_date(transaction, &touched, ground.country.peak)
}

/// Learns an agent's batch. Of several batches the least stands, whatever the order of entries.
fn enrolment(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), CellsError> {
    if entry.payload_type != ENROLMENT_SCHEMA {
        return Ok(());
    }
    let joined: EnrolmentPrivate =
        strict_json::parse_as(&entry.private).map_err(|error| CellsError::Enrolment {
            entry_index: entry.entry_index,
            reason: error.to_string(),
        })?;
    let agent_id = agent_id(transaction, &joined.key)?;
    transaction
        .prepare_cached(
            "UPDATE agent SET batch = min(coalesce(batch, ?2), ?2) WHERE agent_id = ?1",
        )?
        .execute(params![agent_id, joined.batch_id])?;
    Ok(())
}

fn record(
    transaction: &Transaction<'_>,
    entry: &Entry,
    key: &PublicKey,
    ground: &Ground,
    touched: &mut BTreeSet<TouchedHour>,
) -> Result<(), CellsError> {
    let agent_id = agent_id(transaction, key)?;
    transaction
        .prepare_cached("UPDATE agent SET records = records + 1 WHERE agent_id = ?1")?
        .execute([agent_id])?;
    let Some(opened) = opened(entry) else {
        return Ok(());
    };
    let received = received(entry);
    let facts = analyse(&opened, &received, ground);
    let t_start_us = opened.private.t_start_us;
    device_result(
        transaction,
        agent_id,
        entry,
        t_start_us,
        facts.as_ref().err(),
    )?;
    openness::contact(transaction, agent_id, entry, &opened, ground)?;
    openness::visit(
        transaction,
        agent_id,
        entry.entry_index,
        &opened,
        &received,
        ground,
    )?;
    match facts {
        Ok(facts) => {
            left_out(transaction, &facts)?;
            samples(transaction, agent_id, entry.entry_index, &facts, touched)
        }
        Err(_) => Ok(()),
    }
}

/// Both halves of a record that this program reads. What it does not read stays in the journal for
/// a newer one, counted and not shown.
/// Both halves of a record; `None` of another type, and of one that this version cannot read.
pub(crate) fn opened(entry: &Entry) -> Option<Opened> {
    if entry.payload_type != types::RECORD {
        return None;
    }
    Some(Opened {
        public: strict_json::parse_as(&entry.public).ok()?,
        private: strict_json::parse_as(&entry.private).ok()?,
    })
}

/// What intake knew of an entry.
pub(crate) fn received(entry: &Entry) -> Received<'_> {
    Received {
        provenance: entry.provenance,
        tier: entry.tier,
        received_at_us: entry.received_at_us,
        asn: entry.network.asn,
        resolver_asn: entry.network.resolver_asn,
        group_id: entry.network.group_id,
        marks: &entry.marks,
    }
}

fn samples(
    transaction: &Transaction<'_>,
    agent_id: i64,
    entry_index: u64,
    facts: &Facts,
    touched: &mut BTreeSet<TouchedHour>,
) -> Result<(), CellsError> {
    if facts.values.is_empty() {
        return Ok(());
    }
    sighting(
        transaction,
        agent_id,
        facts.hour,
        facts.stratum.access(),
        &facts.sighting,
    )?;
    let hour = facts.hour.to_string();
    for (ordinal, value) in facts.values.iter().enumerate() {
        let Cell { cell_id, series_id } = cell_of(transaction, &value.metric, &facts.stratum)?;
        let ordinal = i64::try_from(ordinal).expect("a record's samples fit in a line");
        transaction
            .prepare_cached("INSERT INTO sample VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                agent_id,
                cell_id,
                hour,
                value.value,
                entry_index.cast_signed(),
                ordinal,
            ])?;
        touched.insert(TouchedHour {
            agent_id,
            series_id,
            hour: facts.hour,
            cell_id,
        });
    }
    Ok(())
}

/// Counts what was measured and says nothing of the line. A metric that is declared nowhere has no
/// figure to be missing from.
fn left_out(transaction: &Transaction<'_>, facts: &Facts) -> Result<(), CellsError> {
    let month = facts.hour.day.month().to_string();
    let declared = facts
        .left_out
        .iter()
        .filter(|(_, reason)| *reason != LeftOut::Undeclared);
    for (metric, reason) in declared {
        transaction
            .prepare_cached(
                "INSERT INTO left_out VALUES (?1, ?2, ?3, ?4, ?5, 1)
                 ON CONFLICT DO UPDATE SET samples = samples + 1",
            )?
            .execute(params![
                month,
                metric,
                facts.stratum.province,
                facts.stratum.access().as_str(),
                reason.as_str(),
            ])?;
    }
    Ok(())
}

/// Remembers a network that the agent was seen in, as independence of agents is judged.
pub(super) fn sighting(
    transaction: &Transaction<'_>,
    agent_id: i64,
    hour: LocalHour,
    access: Access,
    sighting: &Sighting,
) -> Result<(), CellsError> {
    let group_id: &[u8] = match &sighting.group_id {
        Some(group_id) => &group_id.0,
        None => &[],
    };
    transaction
        .prepare_cached("INSERT OR IGNORE INTO sighting VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            hour.day.month().to_string(),
            access.as_str(),
            agent_id,
            sighting.asn.map_or(-1, i64::from),
            group_id,
        ])?;
    Ok(())
}

/// Keeps the newest records of the agent, by their own clock.
fn device_result(
    transaction: &Transaction<'_>,
    agent_id: i64,
    entry: &Entry,
    t_start_us: i64,
    no_cell: Option<&NoCell>,
) -> Result<(), CellsError> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO device_result VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            agent_id,
            t_start_us,
            entry.record_hash.0,
            entry.entry_index.cast_signed(),
            no_cell.map(|reason| reason.as_str()),
        ])?;
    transaction
        .prepare_cached(
            "DELETE FROM device_result WHERE agent_id = ?1 AND (t_start_us, record_hash) <
                 (SELECT t_start_us, record_hash FROM device_result WHERE agent_id = ?1
                  ORDER BY t_start_us DESC, record_hash DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![agent_id, DEVICE_RESULTS_KEPT - 1])?;
    Ok(())
}
