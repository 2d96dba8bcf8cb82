//! Joining, declaring, withdrawing, leaving: what binds the agent to a collector and a volunteer.
use super::Device;
use super::open::{OpenError, open_outbox};
use crate::consent::{Consent, ConsentError, Consents};
use crate::context::System;
use crate::identity::{Enrolment, EnrolmentError};
use crate::join::{self, JoinError};
use crate::outbox::lock;
use crate::profile::{Declared, Profile, ProfileError, new_salt};
use crate::seat::Seat;
use crate::targets;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tonle_evidence::enrolment::Invitation;
use tonle_evidence::record::Stream;
use tonle_net::clock::wall_us;
use url::Url;

/// What a volume has of its own; everything else in the data directory is the agent's.
const VOLUME_ENTRY: &str = "lost+found";
/// Deleted before all else: without it nothing can be signed in the volunteer's name.
const KEY_FILE: &str = "identity.key";

/// Why something of the agent is still on the device.
#[derive(Debug, thiserror::Error)]
#[error("cannot delete {0}: {1}; delete it by hand")]
pub struct LeaveError(PathBuf, io::Error);

impl Device {
    /// The joined collector, known by its pinned key, is now reached elsewhere.
    pub fn collector_moved(
        &self,
        collector: &Url,
        ndt7_url: Option<String>,
    ) -> Result<(), EnrolmentError> {
        let mut state = self.state();
        let Some(known) = &state.enrolment else {
            return Ok(());
        };
        if known.collectors.first() == Some(collector) && known.enrolled.ndt7_url == ndt7_url {
            return Ok(());
        }
        let mut enrolment = Enrolment::clone(known);
        enrolment.collectors = vec![collector.clone()];
        enrolment.enrolled.ndt7_url = ndt7_url;
        enrolment.save(&self.files)?;
        state.enrolment = Some(Arc::new(enrolment));
        state.uploader = None;
        state.dated_offset_us = None;
        Ok(())
    }

    /// Joins a collector: keeps the consent, proves the key, keeps the answer and the place.
    pub async fn join(
        &self,
        invitation: &Invitation,
        consents: &Consents,
    ) -> Result<(), JoinError> {
        consents.check()?;
        if let Some(enrolment) = self.enrolment() {
            return Err(JoinError::AlreadyJoined {
                key_id: enrolment.enrolled.key_id.clone(),
            });
        }
        if let Some(province) = &self.config.province {
            self.check_province(invitation, province).await?;
        }
        self.keep_consents(consents)?;
        let identity = lock(&self.outbox).identity().clone();
        let told = match (&consents.openness, self.config.seat) {
            (Some(openness), Seat::Openness) => openness,
            _ => &consents.quality,
        };
        let enrolled = join::enrol(&self.client, identity.key(), invitation, told).await?;
        let province = enrolled.province.clone();
        let enrolment = Enrolment::new(
            invitation.collector.clone(),
            invitation.collector_key,
            enrolled,
        );
        enrolment.save(&self.files)?;
        self.state().enrolment = Some(Arc::new(enrolment));
        self.prepare_for_openness()?;
        let declared = Declared {
            province,
            ..Declared::default()
        };
        self.declare(declared.with(&self.config))?;
        Ok(())
    }

    /// Whether the collector that invites knows this province, before the invitation is used up.
    pub async fn check_province(
        &self,
        invitation: &Invitation,
        province: &str,
    ) -> Result<(), JoinError> {
        join::check_province(&self.client, invitation, province).await
    }

    /// Whether the collector that invites takes openness records, before the invitation is used up.
    pub async fn check_openness(&self, invitation: &Invitation) -> Result<(), JoinError> {
        join::check_openness(&self.client, invitation).await
    }

    fn keep_consents(&self, consents: &Consents) -> Result<(), ConsentError> {
        let now_us = wall_us();
        let mut consent = Consent::load(self.dir.path())?;
        if self.config.seat.takes(Stream::Quality) {
            consent.accept(Stream::Quality, &consents.quality, now_us)?;
        }
        if let Some(version) = &consents.openness {
            consent.accept(Stream::Openness, version, now_us)?;
        }
        consent.store(self.dir.path())
    }

    /// Keeps what the volunteer says of place and line; its province is confirmed on the present
    /// network.
    pub fn declare(&self, declared: Declared) -> Result<(), ProfileError> {
        let enrolment = self.enrolment();
        if let Some(enrolment) = &enrolment {
            declared.check(&enrolment.enrolled.country)?;
        }
        confirm(self.dir.path(), &self.system, declared)
    }

    /// A first consent to openness bounds the age of what the spool keeps.
    fn prepare_for_openness(&self) -> Result<(), JoinError> {
        let consent = Consent::load(self.dir.path())?;
        let allowed = targets::streams(&consent, &self.config);
        let mut state = self.state();
        if !allowed.contains(&Stream::Openness) || state.keeps_openness {
            return Ok(());
        }
        let opened = open_outbox(&self.files, &self.config, true);
        *lock(&self.outbox) =
            opened.map_err(|error: OpenError| JoinError::Outbox(error.to_string()))?;
        state.uploader = None;
        state.keeps_openness = true;
        Ok(())
    }

    /// Deletes what a stream without consent has left: its list, and its unsent records.
    pub(super) fn forget(&self, stream: Stream) -> Result<(), super::RoundError> {
        targets::delete(self.dir.path(), stream)?;
        let had_any =
            stream == Stream::Openness && std::mem::take(&mut self.state().keeps_openness);
        if had_any {
            let discarded = lock(&self.outbox).forget(stream);
            let discarded =
                discarded.map_err(|error| super::RoundError::Keep(error.to_string()))?;
            tracing::info!(
                records = discarded,
                "the consent to {stream} is gone, and {discarded} unsent records with it"
            );
        }
        Ok(())
    }

    /// Deletes everything of the agent from this device, the key first.
    pub fn leave(self) -> Result<(), LeaveError> {
        let data_dir = self.dir.path().to_owned();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| LeaveError(path, error)
        };
        let key = data_dir.join(KEY_FILE);
        if key.exists() {
            fs::remove_file(&key).map_err(failed(&key))?;
        }
        for entry in fs::read_dir(&data_dir).map_err(failed(&data_dir))? {
            let entry = entry.map_err(failed(&data_dir))?;
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = match is_folder {
                _ if entry.file_name() == VOLUME_ENTRY => Ok(()),
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.map_err(failed(&path))?;
        }
        // A mount point or a folder of systemd stays, empty.
        let _ = fs::remove_dir(&data_dir);
        Ok(())
    }
}

/// Replaces what is declared and confirms its province on the present network.
pub fn confirm(data_dir: &Path, system: &System, declared: Declared) -> Result<(), ProfileError> {
    let mut profile = Profile::load(data_dir)?.unwrap_or_else(|| Profile::new(new_salt()));
    let province = declared.province.clone();
    let before = profile.declared.province.take();
    profile.declared = Declared {
        province: before,
        ..declared
    };
    if let Some(province) = province {
        let network = system.look(&profile.salt).network;
        profile.confirm(&province, network);
    }
    profile.store(data_dir)
}
