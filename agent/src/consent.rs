//! What the volunteer allowed, with the version of the text. Nothing third-party is contacted
//! without it.
//!
//! `consent.json`: `{"quality": {"version": "q1", "at_us": …}, "openness": {…} | null,
//! "withdrawn": [{"stream": …, "version": …, "at_us": …}]}`. Quality and openness are agreed to
//! separately; openness alone is not possible, because joining itself is the quality consent.
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
pub const OPENNESS_VERSION: &str = "o1";
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

/// Version of the present text of a stream.
#[must_use]
pub fn current_version(stream: Stream) -> &'static str {
    match stream {
        Stream::Quality => QUALITY_VERSION,
        Stream::Openness => OPENNESS_VERSION,
    }
}

/// The present text of a stream in one language.
#[must_use]
pub fn text(stream: Stream, lang: Lang) -> String {
    words().get(lang, &format!("agent.consent.{stream}"))
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
    /// Which stream.
    pub stream: Stream,
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
        "the text about {stream} measurements has version {current}, not {accepted}; read it and accept {current}"
    )]
    OtherVersion {
        /// Which stream.
        stream: Stream,
        /// What was accepted.
        accepted: String,
        /// What there is to accept.
        current: &'static str,
    },
}

impl Consents {
    /// Checks that what was accepted are the present texts.
    pub fn check(&self) -> Result<(), ConsentError> {
        check_version(Stream::Quality, &self.quality)?;
        match &self.openness {
            Some(version) => check_version(Stream::Openness, version),
            None => Ok(()),
        }
    }
}

fn check_version(stream: Stream, accepted: &str) -> Result<(), ConsentError> {
    let current = current_version(stream);
    if accepted == current {
        return Ok(());
    }
    Err(ConsentError::OtherVersion {
        stream,
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

    /// The version under which a stream may be measured: the one accepted, when it is the present
    /// text. A changed text must be agreed to again.
    #[must_use]
    pub fn version(&self, stream: Stream) -> Option<&str> {
        let accepted = self.accepted(stream)?;
        (accepted.version == current_version(stream)).then_some(accepted.version.as_str())
    }

    /// Whether a stream may be measured.
    #[must_use]
    pub fn allows(&self, stream: Stream) -> bool {
        self.version(stream).is_some()
    }

    /// The agreement to a stream, whatever its version.
    #[must_use]
    pub fn accepted(&self, stream: Stream) -> Option<&Accepted> {
        match stream {
            Stream::Quality => self.quality.as_ref(),
            Stream::Openness => self.openness.as_ref(),
        }
    }

    /// Agrees to the present text of a stream, by its version.
    pub fn accept(
        &mut self,
        stream: Stream,
        version: &str,
        now_us: i64,
    ) -> Result<(), ConsentError> {
        check_version(stream, version)?;
        *self.slot(stream) = Some(Accepted {
            version: version.to_owned(),
            at_us: now_us,
        });
        Ok(())
    }

    /// Takes an agreement back. True when there was one.
    pub fn withdraw(&mut self, stream: Stream, now_us: i64) -> bool {
        let Some(accepted) = self.slot(stream).take() else {
            return false;
        };
        self.withdrawn.push(Withdrawn {
            stream,
            version: accepted.version,
            at_us: now_us,
        });
        let surplus = self.withdrawn.len().saturating_sub(WITHDRAWN_MAX);
        self.withdrawn.drain(..surplus);
        true
    }

    fn slot(&mut self, stream: Stream) -> &mut Option<Accepted> {
        match stream {
            Stream::Quality => &mut self.quality,
            Stream::Openness => &mut self.openness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonle_evidence::hash::sha256;

    /// SHA-256 of every text with its version. Whoever changes a text changes its version too, so
    /// that "accepted q1" means the same words for ever.
    const TEXTS: [(Stream, &str, &str); 2] = [
        (
            Stream::Quality,
            "q1",
            "bb5d727d5f7f98bc7ce50af2e9c6bbb23b81654bcce1ddc5db6761ac6c12c83f",
        ),
        (
            Stream::Openness,
            "o1",
            "19e4f0de5406f09224bc4cb9caea61f81c3e4065b9ebf44bd12cc59baf8a9ce2",
        ),
    ];

    #[test]
    fn a_changed_text_needs_a_new_version() {
        for (stream, version, expected) in TEXTS {
            assert_eq!(current_version(stream), version);
            let texts = Lang::ALL.map(|lang| text(stream, lang)).join("\n");
            let hash = sha256(texts.as_bytes()).to_string();
            assert_eq!(
                hash, expected,
                "the {stream} text changed: raise its version"
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
        assert!(error.to_string().contains("accept o1"), "{error}");
        consent.openness = Some(Accepted {
            version: "o0".into(),
            at_us: 5,
        });
        assert!(!consent.allows(Stream::Openness));
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
