//! What a volunteer sees of the own device, by its private link and by nothing else.
//!
//! The link is a secret of the enrolment. It is looked up by its SHA-256, so neither the time of an
//! answer nor the disk tells anything of it.
use super::problem::ApiError;
use super::state::{AppState, blocking};
use crate::cells::DeviceResult;
use crate::journal::JournalReader;
use tonle_evidence::entry::Mark;
use tonle_evidence::record::Public;
use tonle_evidence::strict_json;

/// One of the device's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Name, time and why it enters no cell.
    pub result: DeviceResult,
    /// The public half.
    pub public: Public,
    /// What the checks at intake found.
    pub marks: Vec<Mark>,
}

/// A device with its newest records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Its key is no longer accepted.
    pub revoked: bool,
    /// Records of its key that are processed.
    pub processed: u64,
    /// Some newest entries of the journal are not processed yet; they may be this device's.
    pub catching_up: bool,
    /// Its newest records, the newest first.
    pub records: Vec<DeviceRecord>,
}

impl AppState {
    /// The device behind a private link.
    pub async fn device(&self, link: &str) -> Result<DeviceView, ApiError> {
        let Some(agent) = self.admin.agent_by_device_link(link) else {
            let detail = "no device has this link; it is printed by `tonle agent status`";
            return Err(ApiError::NotFound(detail.to_owned()));
        };
        let (cells, journal) = (self.cells.clone(), self.journal.clone());
        let key = agent.key;
        let index = blocking(move || cells.device(&key)).await?;
        let newest = index.newest;
        let records = blocking(move || -> Result<_, crate::journal::ReadError> {
            let reader = journal.reader()?;
            let read = |result| record(&reader, result);
            newest
                .into_iter()
                .filter_map(|result| read(result).transpose())
                .collect()
        })
        .await?;
        let processed_to = self.progress.borrow().processed_to;
        Ok(DeviceView {
            revoked: agent.is_revoked(self.now_us()),
            processed: index.processed,
            catching_up: processed_to < *self.journal.committed().borrow(),
            records,
        })
    }
}

/// The record's public half from the journal.
fn record(
    reader: &JournalReader,
    result: DeviceResult,
) -> Result<Option<DeviceRecord>, crate::journal::ReadError> {
    let entries = reader.entries_from(result.entry_index, 1)?;
    let Some(entry) = entries.into_iter().next() else {
        return Ok(None);
    };
    let Ok(public) = strict_json::parse_as(&entry.public) else {
        return Ok(None);
    };
    Ok(Some(DeviceRecord {
        result,
        public,
        marks: entry.marks,
    }))
}
