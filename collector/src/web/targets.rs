//! The lists of targets as agents fetch them, one per stream that is hosted here, each signed.
use std::sync::{Arc, PoisonError, RwLock};
use tonle_evidence::SigningKey;
use tonle_evidence::document::{DocumentError, SignedDocument};
use tonle_evidence::dsse::types;
use tonle_evidence::record::Stream;
use tonle_evidence::targets::{ListSource, TargetFile, TargetList};

/// Lists under the collector's signature; cheap to clone, and every clone sees what is published.
#[derive(Debug, Clone, Default)]
pub struct SignedTargets {
    published: Arc<RwLock<Vec<Published>>>,
}

#[derive(Debug, Clone)]
struct Published {
    stream: Stream,
    document: SignedDocument,
    sources: Vec<ListSource>,
    targets: usize,
}

/// What of a published list is for everybody: whom to name, and how long it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFacts {
    /// The sources of its targets.
    pub sources: Vec<ListSource>,
    /// How many targets it has.
    pub targets: usize,
}

impl SignedTargets {
    /// Signs both lists of a target file.
    pub fn sign(file: &TargetFile, key: &SigningKey) -> Result<Self, DocumentError> {
        let signed = Self::default();
        for stream in Stream::ALL {
            signed.publish(file.list(*stream), key)?;
        }
        Ok(signed)
    }

    /// Signs a list and publishes it in place of the stream's earlier one.
    pub fn publish(&self, list: &TargetList, key: &SigningKey) -> Result<(), DocumentError> {
        let published = Published {
            stream: list.stream,
            document: SignedDocument::sign(key, types::TARGETS, list)?,
            sources: list.sources.clone(),
            targets: list.targets.len(),
        };
        let mut all = self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.stream != list.stream);
        all.push(published);
        Ok(())
    }

    /// The list of a stream; `None` where the stream is not hosted.
    #[must_use]
    pub fn of(&self, stream: Stream) -> Option<SignedDocument> {
        self.find(stream, |one| one.document.clone())
    }

    /// What of a stream's list is for everybody; `None` where the stream is not hosted.
    #[must_use]
    pub fn facts(&self, stream: Stream) -> Option<ListFacts> {
        self.find(stream, |one| ListFacts {
            sources: one.sources.clone(),
            targets: one.targets,
        })
    }

    fn find<T>(&self, stream: Stream, take: impl Fn(&Published) -> T) -> Option<T> {
        let all = self
            .published
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| one.stream == stream).map(take)
    }
}
