//! What the spool must remember beyond its records: what it dropped, and the newest it ever held.
//!
//! `spool/state.json`: `{"format":1,"first_segment":n,"dropped_size":n,"dropped_age":n,"damaged":n,
//! "newest":{"chain_id":…,"sequence":…,"hash":…}}`. It is written only when a segment is dropped or
//! the newest record is removed. Segments below `first_segment` are already counted: one that is
//! still there was about to be removed when the power went.
use crate::files::{Files, read_if_there};
use crate::identity::Link;
use serde::{Deserialize, Serialize};
use std::io;
use tonle_evidence::strict_json;

/// The file.
const STATE_FILE: &str = "spool/state.json";
/// Version of the file.
const FORMAT: u32 = 1;

/// The spool's memory, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    format: u32,
    /// Segments of lower numbers are done with.
    pub(super) first_segment: u64,
    /// Records dropped unsent because the spool or the disk was full.
    pub(super) dropped_size: u64,
    /// Records dropped unsent because they grew too old.
    pub(super) dropped_age: u64,
    /// Stretches of damage stepped over.
    pub(super) damaged: u64,
    /// The newest record that was ever kept, as of the last writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<Link>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            format: FORMAT,
            first_segment: 1,
            dropped_size: 0,
            dropped_age: 0,
            damaged: 0,
            newest: None,
        }
    }
}

impl Memory {
    /// Reads the file; `None` when there is none or it cannot be read as what it should be.
    pub(super) fn load<F: Files>(files: &F) -> io::Result<Option<Self>> {
        Ok(read_if_there(files, STATE_FILE)?.and_then(|bytes| Self::parse(&bytes)))
    }

    /// Writes the file durably.
    pub(super) fn save<F: Files>(&self, files: &F) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).expect("integers and strings are always JSON");
        files.replace(STATE_FILE, &bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let memory: Self = strict_json::parse_as(bytes).ok()?;
        (memory.format == FORMAT).then_some(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_memory_reads_back_what_it_wrote() {
        let memory = Memory {
            first_segment: 4,
            dropped_size: 3,
            ..Memory::default()
        };
        let bytes = serde_json::to_vec(&memory).unwrap();
        assert_eq!(Memory::parse(&bytes), Some(memory));
    }

    proptest! {
        #[test]
        fn no_state_file_makes_it_panic(bytes: Vec<u8>) {
            let _ = Memory::parse(&bytes);
        }
    }
}
