//! The collector that the agent joined: what it answered, and the key by which it is believed.
//!
//! `enrolment.json`: `{"format":1,"collectors":["https://…/"],"collector_key":"<64 hex>",
//! "enrolled":{…}}`. The first collector is the one that was joined; others are alternates that hold
//! the same key.
use crate::files::{Files, read_if_there, remove_if_there};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use tonle_evidence::VerifyingKey;
use tonle_evidence::enrolment::Enrolled;
use tonle_evidence::hash::PublicKey;
use url::Url;

/// The file.
const ENROLMENT_FILE: &str = "enrolment.json";
/// Version of the file.
const FORMAT: u32 = 1;

/// What an agent keeps of having joined.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Where to send records, ending in `/`; never empty.
    pub collectors: Vec<Url>,
    /// The key pinned from the invitation.
    pub collector_key: PublicKey,
    /// The collector's answer, as verified under that key.
    pub enrolled: Enrolled,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
struct EnrolmentFile {
    format: u32,
    collectors: Vec<String>,
    collector_key: PublicKey,
    enrolled: Enrolled,
}

/// Why the enrolment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The file is there and is not an enrolment.
    #[error("{ENROLMENT_FILE} is damaged ({0}); join again with a new invitation")]
    Damaged(String),
    /// A newer program wrote it.
    #[error("{ENROLMENT_FILE} was written by a newer tonle (format {0}); upgrade tonle")]
    Newer(u32),
    /// The file cannot be read.
    #[error("read {ENROLMENT_FILE}: {0}")]
    Read(io::Error),
    /// The file cannot be written or removed.
    #[error("write {ENROLMENT_FILE}: {0}")]
    Write(io::Error),
}

#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

impl Enrolment {
    /// Whether a data directory has an enrolment, readable or not.
    #[must_use]
    pub fn is_in(data_dir: &Path) -> bool {
        data_dir.join(ENROLMENT_FILE).exists()
    }

    /// An enrolment with the collector that answered.
    #[must_use]
    pub fn new(collector: Url, collector_key: PublicKey, enrolled: Enrolled) -> Self {
        Self {
            collectors: vec![collector],
            collector_key,
            enrolled,
        }
    }

    /// The stored enrolment; `None` before the agent has joined.
    pub fn load<F: Files>(files: &F) -> Result<Option<Self>, EnrolmentError> {
        let bytes = read_if_there(files, ENROLMENT_FILE).map_err(EnrolmentError::Read)?;
        bytes.map(|bytes| Self::parse(&bytes)).transpose()
    }

    /// Stores it durably.
    pub fn save<F: Files>(&self, files: &F) -> Result<(), EnrolmentError> {
        files
            .replace(ENROLMENT_FILE, &self.to_bytes())
            .map_err(EnrolmentError::Write)
    }

    /// Forgets it: the agent has left.
    pub fn remove<F: Files>(files: &F) -> Result<(), EnrolmentError> {
        remove_if_there(files, ENROLMENT_FILE)
            .and_then(|()| files.sync_folder(""))
            .map_err(EnrolmentError::Write)
    }

    /// The pinned key, ready to verify with.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(&self.collector_key.0)
            .expect("an invitation and a stored enrolment are only read with a key on the curve")
    }

    fn parse(bytes: &[u8]) -> Result<Self, EnrolmentError> {
        let damaged = |reason: String| EnrolmentError::Damaged(reason);
        let AnyFormat { format } =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if format > FORMAT {
            return Err(EnrolmentError::Newer(format));
        }
        let file: EnrolmentFile =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if file.collectors.is_empty() {
            return Err(damaged("it names no collector".into()));
        }
        if VerifyingKey::from_bytes(&file.collector_key.0).is_err() {
            return Err(damaged("the collector's key is not a key".into()));
        }
        let collectors: Result<Vec<Url>, _> =
            file.collectors.iter().map(|text| text.parse()).collect();
        Ok(Self {
            collectors: collectors.map_err(|_| damaged("a collector's URL is not one".into()))?,
            collector_key: file.collector_key,
            enrolled: file.enrolled,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let file = EnrolmentFile {
            format: FORMAT,
            collectors: self.collectors.iter().map(Url::to_string).collect(),
            collector_key: self.collector_key,
            enrolled: self.enrolled.clone(),
        };
        serde_json::to_vec_pretty(&file).expect("an enrolment is always JSON")
    }
}

impl std::fmt::Debug for Enrolment {
    /// Leaves out the link to the device's own page.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("key_id", &self.enrolled.key_id)
            .field("collector_key", &self.collector_key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use proptest::prelude::*;
    use tonle_evidence::SigningKey;
    use tonle_evidence::country::Country;
    use tonle_evidence::entry::Tier;
    use tonle_evidence::hash::Hex;

    fn enrolment() -> Enrolment {
        let key = Hex(SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes());
        let enrolled = Enrolled {
            key: Hex([5; 32]),
            key_id: "k1".into(),
            tier: Tier::Unvetted,
            country: Country {
                code: "XX".into(),
                en: "Testland".into(),
                km: "Testland".into(),
                utc_offset_s: 0,
                peak: None,
                provinces: Vec::new(),
                operators: Vec::new(),
            },
            province: None,
            device_link: "secret-link".into(),
            ndt7_url: None,
            streams: tonle_evidence::record::Stream::ALL.to_vec(),
        };
        Enrolment::new("https://data.example.org/".parse().unwrap(), key, enrolled)
    }

    #[test]
    fn an_enrolment_survives_a_power_cut_and_ends_when_the_agent_leaves() {
        let files = SimulatedFiles::default();
        assert!(Enrolment::load(&files).unwrap().is_none());
        enrolment().save(&files).unwrap();
        files.power_cut(1);
        assert_eq!(Enrolment::load(&files).unwrap(), Some(enrolment()));
        Enrolment::remove(&files).unwrap();
        files.power_cut(2);
        assert!(Enrolment::load(&files).unwrap().is_none());
    }

    #[test]
    fn an_enrolment_without_a_usable_key_or_collector_is_damaged() {
        let mut without_key = enrolment();
        without_key.collector_key = Hex([2; 32]);
        let mut without_collector = enrolment();
        without_collector.collectors.clear();
        for wrong in [without_key, without_collector] {
            assert!(matches!(
                Enrolment::parse(&wrong.to_bytes()),
                Err(EnrolmentError::Damaged(_))
            ));
        }
    }

    #[test]
    fn an_enrolment_of_a_newer_program_is_left_to_it() {
        assert!(matches!(
            Enrolment::parse(b"{\"format\":2}"),
            Err(EnrolmentError::Newer(2))
        ));
    }

    #[test]
    fn the_private_link_is_not_in_the_debug_form() {
        assert!(!format!("{:?}", enrolment()).contains("secret-link"));
    }

    proptest! {
        #[test]
        fn no_enrolment_file_makes_it_panic(bytes: Vec<u8>) {
            let _ = Enrolment::parse(&bytes);
        }
    }
}
