//! The lists of targets as agents fetch them: signed once at start, one per stream.
use tonle_evidence::SigningKey;
use tonle_evidence::document::{DocumentError, SignedDocument};
use tonle_evidence::dsse::types;
use tonle_evidence::record::Stream;
use tonle_evidence::targets::TargetFile;

/// Both lists under the collector's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTargets {
    quality: SignedDocument,
    openness: SignedDocument,
}

impl SignedTargets {
    /// Signs the lists of a target file.
    pub fn sign(file: &TargetFile, key: &SigningKey) -> Result<Self, DocumentError> {
        Ok(Self {
            quality: SignedDocument::sign(key, types::TARGETS, &file.quality)?,
            openness: SignedDocument::sign(key, types::TARGETS, &file.openness)?,
        })
    }

    /// The list of a stream.
    #[must_use]
    pub fn of(&self, stream: Stream) -> &SignedDocument {
        match stream {
            Stream::Quality => &self.quality,
            Stream::Openness => &self.openness,
        }
    }
}
