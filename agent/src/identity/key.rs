//! The agent's signing key: made once, kept in `identity.key`, never replaced behind anyone's back.
//!
//! `identity.key`, mode 0600: one line, `tonle-agent-key-v1 <64 hex digits of the Ed25519 seed>`.
use crate::files::{Files, read_if_there};
use std::fmt;
use std::io;
use std::path::Path;
use tonle_evidence::SigningKey;
use tonle_evidence::hash::{Hex, PublicKey};

/// The file.
const KEY_FILE: &str = "identity.key";
/// What its line begins with.
const KEY_PREFIX: &str = "tonle-agent-key-v1 ";

/// The agent's key.
#[derive(Clone)]
pub struct Identity {
    key: SigningKey,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file is there and is not a key. A new one would be a new agent, so none is made.
    #[error(
        "{KEY_FILE} is damaged; restore it from a copy, or remove it and join again as a new agent"
    )]
    Damaged,
    /// The file cannot be read.
    #[error("read {KEY_FILE}: {0}")]
    Read(io::Error),
    /// The file cannot be written.
    #[error("write {KEY_FILE}: {0}")]
    Write(io::Error),
    /// The system has no randomness to give.
    #[error("ask the system for randomness: {0}")]
    Randomness(getrandom::Error),
}

impl Identity {
    /// Whether a data directory has a key, good or not.
    #[must_use]
    pub fn is_in(data_dir: &Path) -> bool {
        data_dir.join(KEY_FILE).exists()
    }

    /// The key in the file, or a new one that is durably in the file when this returns.
    pub fn load_or_create<F: Files>(files: &F) -> Result<Self, IdentityError> {
        match read_if_there(files, KEY_FILE).map_err(IdentityError::Read)? {
            Some(bytes) => Self::parse(&bytes).ok_or(IdentityError::Damaged),
            None => Self::create(files),
        }
    }

    fn create<F: Files>(files: &F) -> Result<Self, IdentityError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(IdentityError::Randomness)?;
        let line = format!("{KEY_PREFIX}{}\n", hex::encode(seed));
        files
            .replace(KEY_FILE, line.as_bytes())
            .map_err(IdentityError::Write)?;
        Ok(Self {
            key: SigningKey::from_bytes(&seed),
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes).ok()?;
        let seed: Hex<32> = line.strip_prefix(KEY_PREFIX)?.trim_end().parse().ok()?;
        Some(Self {
            key: SigningKey::from_bytes(&seed.0),
        })
    }

    /// The key that signs.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The key that anyone may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        Hex(self.key.verifying_key().to_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, secret withheld)", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use proptest::prelude::*;

    #[test]
    fn the_key_is_made_once_and_survives_a_power_cut() {
        let files = SimulatedFiles::default();
        let made = Identity::load_or_create(&files).unwrap();
        files.power_cut(1);
        let loaded = Identity::load_or_create(&files).unwrap();
        assert_eq!(made.public(), loaded.public());
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let files = SimulatedFiles::default();
        Identity::load_or_create(&files).unwrap();
        files.damage(KEY_FILE, |bytes| bytes.truncate(30));
        let damaged = files.read(KEY_FILE).unwrap();
        assert!(matches!(
            Identity::load_or_create(&files),
            Err(IdentityError::Damaged)
        ));
        assert_eq!(files.read(KEY_FILE).unwrap(), damaged);
    }

    #[test]
    fn the_secret_is_not_in_the_debug_form() {
        let identity = Identity::parse(format!("{KEY_PREFIX}{}", "07".repeat(32)).as_bytes());
        assert!(!format!("{identity:?}").contains("0707"));
    }

    proptest! {
        #[test]
        fn no_key_file_makes_it_panic(bytes: Vec<u8>) {
            let _ = Identity::parse(&bytes);
        }
    }
}
