//! What a complaint needs of an open device: envelopes before they leave, receipts, and the key.
use super::Device;
use crate::outbox::{OutboxError, lock};
use crate::profile::Profile;
use crate::receipts::KeptReceipt;
use std::collections::BTreeSet;
use tonle_evidence::complaint::{Complaint, SignedComplaint};
use tonle_evidence::document::DocumentError;
use tonle_evidence::hash::Hash;

/// Records that are looked through at once.
const LOOK_LINES: usize = 100;
/// Bytes of them.
const LOOK_BYTES: usize = 8 << 20;

impl Device {
    /// The envelope of a record that waits to be sent.
    #[must_use]
    pub fn waiting_envelope(&self, hash: Hash) -> Option<String> {
        let mut outbox = lock(&self.outbox);
        let mut after = None;
        while let Some(batch) = outbox.batch(after, LOOK_LINES, LOOK_BYTES) {
            if let Some(found) = batch.items.iter().find(|item| item.hash == hash) {
                return Some(found.line.clone());
            }
            after = batch.items.last().map(|item| item.id);
        }
        None
    }

    /// The receipts of these records that are kept.
    pub fn receipts_of(&self, hashes: &BTreeSet<Hash>) -> Result<Vec<KeptReceipt>, OutboxError> {
        let mut seen = BTreeSet::new();
        let mut receipts = lock(&self.outbox).receipts()?;
        receipts.retain(|one| hashes.contains(&one.record_hash) && seen.insert(one.record_hash));
        Ok(receipts)
    }

    /// Signs a complaint with the key of this agent.
    pub fn sign_complaint(&self, complaint: &Complaint) -> Result<SignedComplaint, DocumentError> {
        SignedComplaint::sign(lock(&self.outbox).identity().key(), complaint)
    }

    /// The operator, as the volunteer declared it; nothing where the profile cannot be read.
    #[must_use]
    pub fn operator(&self) -> Option<String> {
        let profile = Profile::load(self.data_dir()).ok().flatten();
        let declared = profile.map(|profile| profile.declared).unwrap_or_default();
        declared.with(&self.config).operator
    }
}
