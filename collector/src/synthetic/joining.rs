//! How the agents joined: by invitations of their own, or in cohorts that share one. Agents of one invitation on one
//! mobile network may be one person, and count once.
use super::Settings;
use super::agents::Agent;
use crate::admin::{ENROLMENT_PRIVATE_SCHEMA, ENROLMENT_SCHEMA, EnrolmentPrivate, EnrolmentPublic};
use crate::journal::NewEntry;
use rand::RngExt;
use tonle_evidence::entry::{EntryKind, Provenance};
use tonle_evidence::hash::Hex;

/// Of so many agents, one cohort.
const OF_AGENTS: u32 = 25;
/// Agents of a cohort.
const COHORT: u32 = 5;

/// The entry of an agent's enrolment.
pub(super) fn entry(agent: &Agent, settings: &Settings, at_us: i64) -> NewEntry {
    let number = agent.number;
    let batch_id = if number % OF_AGENTS < COHORT {
        format!("cohort {}", number / OF_AGENTS)
    } else {
        format!("agent {number}")
    };
    let public = EnrolmentPublic {
        schema: ENROLMENT_SCHEMA.to_owned(),
        tier: agent.tier,
        vouched: false,
        consent_version: "synthetic".to_owned(),
    };
    let mut random = settings.random("joining", &[i64::from(number)]);
    let private = EnrolmentPrivate {
        schema: ENROLMENT_PRIVATE_SCHEMA.to_owned(),
        key: Hex(agent.key.verifying_key().to_bytes()),
        key_id: agent.key_id(),
        batch_id,
        province: Some(agent.province.clone()),
        enrolled_at_us: at_us,
        blind: Hex(random.random()),
    };
    let public = serde_json::to_vec(&public).expect("texts alone");
    let private = serde_json::to_vec(&private).expect("texts and integers alone");
    let mut entry = NewEntry::own(
        EntryKind::Enrolment,
        ENROLMENT_SCHEMA,
        &public,
        &private,
        agent.tier,
    );
    entry.received_at_us = at_us;
    entry.provenance = Provenance::Synthetic;
    entry
}
