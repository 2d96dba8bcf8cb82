//! What the volunteer allowed, with the version of the text. Nothing third-party is contacted
//! without it.
//!
//! `consent.json`: `{"quality": {"version": "q1", "at_us": …}, "openness": {…} | null, "mlab":
//! {…} | null, "localisation": {…} | null, "withdrawn": [{"stream": …, "version": …, "at_us": …}]}`. Each is agreed to
//! separately; none is possible without quality, because joining itself is that consent, and none to
//! localisation has effect without openness.
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tonle_evidence::record::Stream;
use tonle_evidence::words::{Lang, Words};
use tonle_net::datadir::{DataDirError, write_atomic};

/// The file in the data directory.
pub const FILE: &str = "consent.json";
/// Version of the text about quality measurements. A test binds it to the text in every language.
pub const QUALITY_VERSION: &str = "q1";
/// Version of the text about openness measurements. A test binds it to the text.
pub const OPENNESS_VERSION: &str = "o3";
/// Version of the text about tests with M-Lab's servers. A test binds it to the text.
pub const MLAB_VERSION: &str = "m1";
/// Version of the text about localisation. A test binds it to the text.
pub const LOCALISATION_VERSION: &str = "l1";
/// Withdrawals remembered; older ones are in nobody's interest.
const WITHDRAWN_MAX: usize = 16;

/// The table of strings, embedded.
#[must_use]
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        Words::parse(include_str!("../../configs/words.toml"))
            .expect("a test parses the embedded words.toml")
    })
}

/// What a text is about. Each is agreed to by itself, but that nothing goes without quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Quality of service.
    Quality,
    /// Which sites can be reached.
    Openness,
    /// Servers that M-Lab's Locate names: M-Lab publishes the volunteer's address.
    Mlab,
    /// Where on the way somebody interferes: repeated unusual packets under a blocked name.
    Localisation,
}

impl Topic {
    /// Every topic, in the order in which texts are shown.
    pub const ALL: [Self; 4] = [
        Self::Quality,
        Self::Openness,
        Self::Mlab,
        Self::Localisation,
    ];

    /// As it stands in files, options and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Openness => "openness",
            Self::Mlab => "mlab",
            Self::Localisation => "localisation",
        }
    }
}

impl std::fmt::Display for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Stream> for Topic {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Quality => Self::Quality,
            Stream::Openness => Self::Openness,
        }
    }
}

/// Version of the present text about a topic.
#[must_use]
pub fn current_version(topic: impl Into<Topic>) -> &'static str {
    match topic.into() {
        Topic::Quality => QUALITY_VERSION,
        Topic::Openness => OPENNESS_VERSION,
        Topic::Mlab => MLAB_VERSION,
        Topic::Localisation => LOCALISATION_VERSION,
    }
}

/// The present text about a topic in one language.
#[must_use]
pub fn text(topic: impl Into<Topic>, lang: Lang) -> String {
    words().get(lang, &format!("agent.consent.{}", topic.into()))
}

/// What a person agrees to at joining, by version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consents {
    /// Version of the quality text.
    pub quality: String,
    /// Version of the openness text, where the person agreed to that too.
    pub openness: Option<String>,
}

/// One agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Version of the text.
    pub version: String,
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
}

/// An agreement taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Of which text.
    pub stream: Topic,
    /// Version of the text that had been accepted.
    pub version: String,
    /// When it was taken back, microseconds since the Unix epoch.
    pub at_us: i64,
}

/// Everything agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// To quality measurements.
    pub quality: Option<Accepted>,
    /// To openness measurements.
    pub openness: Option<Accepted>,
    /// To tests with M-Lab's servers.
    #[serde(default)]
    pub mlab: Option<Accepted>,
    /// To localisation.
    #[serde(default)]
    pub localisation: Option<Accepted>,
    /// Agreements taken back, oldest first.
    #[serde(default)]
    pub withdrawn: Vec<Withdrawn>,
}

/// Why consent could not be read, kept or given.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// The file is damaged; without it nothing is measured.
    #[error("{0} is damaged ({1}); remove it and agree again with `tonle agent consent`")]
    Damaged(PathBuf, serde_json::Error),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// Another text than the present one was accepted.
    #[error(
        "the text about {topic} measurements has version {current}, not {accepted}; read it and accept {current}"
    )]
    OtherVersion {
        /// What it is about.
        topic: Topic,
        /// What was accepted.
        accepted: String,
        /// What there is to accept.
        current: &'static str,
    },
}

impl Consents {
    /// Checks that what was accepted are the present texts.
    pub fn check(&self) -> Result<(), ConsentError> {
        check_version(Topic::Quality, &self.quality)?;
        match &self.openness {
            Some(version) => check_version(Topic::Openness, version),
            None => Ok(()),
        }
    }
}

fn check_version(topic: Topic, accepted: &str) -> Result<(), ConsentError> {
    let current = current_version(topic);
    if accepted == current {
        return Ok(());
    }
    Err(ConsentError::OtherVersion {
        topic,
        accepted: accepted.to_owned(),
        current,
    })
}

impl Consent {
    /// Reads what was agreed to; nothing when there is no file.
    pub fn load(data_dir: &Path) -> Result<Self, ConsentError> {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| ConsentError::Damaged(path, error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConsentError::Read(path, error)),
        }
    }

    /// Keeps it.
    pub fn store(&self, data_dir: &Path) -> Result<(), ConsentError> {
        let bytes = serde_json::to_vec_pretty(self).expect("plain values are always JSON");
        Ok(write_atomic(&data_dir.join(FILE), &bytes)?)
    }

    /// The version under which something may be done: the one accepted, when it is the present
    /// text. A changed text must be agreed to again.
    #[must_use]
    pub fn version(&self, topic: impl Into<Topic>) -> Option<&str> {
        let topic = topic.into();
        let accepted = self.accepted(topic)?;
        (accepted.version == current_version(topic)).then_some(accepted.version.as_str())
    }

    /// Whether it may be done. Localisation goes on from openness, and not without it.
    #[must_use]
    pub fn allows(&self, topic: impl Into<Topic>) -> bool {
        let topic = topic.into();
        let has_ground = topic != Topic::Localisation || self.version(Topic::Openness).is_some();
        has_ground && self.version(topic).is_some()
    }

    /// The agreement to a text, whatever its version.
    #[must_use]
    pub fn accepted(&self, topic: impl Into<Topic>) -> Option<&Accepted> {
        match topic.into() {
            Topic::Quality => self.quality.as_ref(),
            Topic::Openness => self.openness.as_ref(),
            Topic::Mlab => self.mlab.as_ref(),
            Topic::Localisation => self.localisation.as_ref(),
        }
    }

    /// Agrees to the present text about a topic, by its version.
    pub fn accept(
        &mut self,
        topic: impl Into<Topic>,
        version: &str,
        now_us: i64,
    ) -> Result<(), ConsentError> {
        let topic = topic.into();
        check_version(topic, version)?;
        *self.slot(topic) = Some(Accepted {
            version: version.to_owned(),
            at_us: now_us,
        });
        Ok(())
    }

    /// Takes an agreement back. True when there was one.
    pub fn withdraw(&mut self, topic: impl Into<Topic>, now_us: i64) -> bool {
        let topic = topic.into();
        let Some(accepted) = self.slot(topic).take() else {
            return false;
        };
        self.withdrawn.push(Withdrawn {
            stream: topic,
            version: accepted.version,
            at_us: now_us,
        });
        let surplus = self.withdrawn.len().saturating_sub(WITHDRAWN_MAX);
        self.withdrawn.drain(..surplus);
        true
    }

    fn slot(&mut self, topic: Topic) -> &mut Option<Accepted> {
        match topic {
            Topic::Quality => &mut self.quality,
            Topic::Openness => &mut self.openness,
            Topic::Mlab => &mut self.mlab,
            Topic::Localisation => &mut self.localisation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::hash::sha256;

    /// SHA-256 of every text with its version. Whoever changes a text changes its version too, so
    /// that "accepted q1" means the same words for ever.
    const TEXTS: [(Topic, &str, &str); 4] = [
        (
            Topic::Quality,
            "q1",
            "bb5d727d5f7f98bc7ce50af2e9c6bbb23b81654bcce1ddc5db6761ac6c12c83f",
        ),
        (
            Topic::Openness,
            "o3",
            "09a998ef0f1c735ac62cee64fd6214a9b45b332526ef0daa8f44edc531c12efd",
        ),
        (
            Topic::Mlab,
            "m1",
            "ce71d4d07869d559afaeecf8d9b8d1c85341e49fc4fd66337ed702e1476d319f",
        ),
        (
            Topic::Localisation,
            "l1",
            "fd752cd1604dc4ab99b7e75af4747c5dd5e31e796191f8015d5dbab31e0db075",
        ),
    ];

    #[test]
    fn a_changed_text_needs_a_new_version() {
        for (topic, version, expected) in TEXTS {
            assert_eq!(current_version(topic), version);
            let texts = Lang::ALL.map(|lang| text(topic, lang)).join("\n");
            let hash = sha256(texts.as_bytes()).to_string();
            assert_eq!(
                hash, expected,
                "the {topic} text changed: raise its version"
            );
        }
    }

    #[test]
    fn consent_reads_back_as_it_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let mut consent = Consent::default();
        consent.accept(Stream::Quality, QUALITY_VERSION, 5).unwrap();
        consent.store(dir.path()).unwrap();
        let read = Consent::load(dir.path()).unwrap();
        assert!(read.allows(Stream::Quality) && !read.allows(Stream::Openness));
        assert_eq!(read, consent);
    }

    #[test]
    fn an_absent_file_allows_nothing_and_a_damaged_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!Consent::load(dir.path()).unwrap().allows(Stream::Quality));
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Consent::load(dir.path()).is_err());
    }

    #[test]
    fn another_version_than_the_present_one_is_no_consent() {
        let mut consent = Consent::default();
        let error = consent.accept(Stream::Openness, "o0", 5).unwrap_err();
        assert!(error.to_string().contains("accept o3"), "{error}");
        consent.openness = Some(Accepted {
            version: "o0".into(),
            at_us: 5,
        });
        assert!(!consent.allows(Stream::Openness));
    }

    #[test]
    fn localisation_is_off_by_default_and_presupposes_openness() {
        let mut consent = Consent::default();
        consent.accept(Stream::Quality, QUALITY_VERSION, 5).unwrap();
        consent
            .accept(Stream::Openness, OPENNESS_VERSION, 5)
            .unwrap();
        assert!(!consent.allows(Topic::Localisation));
        let accepted = consent.accept(Topic::Localisation, LOCALISATION_VERSION, 6);
        accepted.unwrap();
        assert!(consent.allows(Topic::Localisation));
        consent.withdraw(Stream::Openness, 7);
        assert!(!consent.allows(Topic::Localisation));
    }

    #[test]
    fn a_withdrawal_is_remembered() {
        let mut consent = Consent::default();
        assert!(!consent.withdraw(Stream::Openness, 6));
        consent
            .accept(Stream::Openness, OPENNESS_VERSION, 5)
            .unwrap();
        assert!(consent.withdraw(Stream::Openness, 6));
        assert!(!consent.allows(Stream::Openness));
        assert_eq!(consent.withdrawn.len(), 1);
    }
}
