//! What the experiments are run against: the collector's signed lists, or a CSV file in their place.
//!
//! A list is asked for, held and stored only for a stream with consent. `targets-quality.json` and
//! `targets-openness.json` hold the documents exactly as signed, verified again at every reading, so
//! that a device that is offline still knows what to measure.
use crate::config::Config;
use crate::consent::Consent;
use crate::identity::Enrolment;
use std::io;
use std::path::{Path, PathBuf};
use tonle_evidence::document::{DocumentError, SignedDocument};
use tonle_evidence::dsse::types;
use tonle_evidence::record::Stream;
use tonle_evidence::targets::{BadTargets, TARGETS_MAX, TargetFile, TargetList};
use tonle_net::datadir::{DataDirError, sync_parent, write_atomic};

/// Largest list read from a collector, bytes.
const LIST_MAX_BYTES: usize = 4 << 20;

/// Why a list is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    /// The configured file cannot be read.
    #[error("cannot read target list {0}: {1}")]
    Read(PathBuf, io::Error),
    /// The configured file is not a target list.
    #[error("{0}: {1}")]
    Csv(PathBuf, BadTargets),
    /// The collector did not answer, or not with a list.
    #[error("cannot fetch the {stream} list from the collector: {reason}")]
    Fetch {
        /// Which list.
        stream: Stream,
        /// What went wrong, without addresses.
        reason: String,
    },
    /// The list is not the collector's.
    #[error("the {0} list is not believed: {1}")]
    Document(Stream, DocumentError),
    /// The signed list is another one.
    #[error("the collector answered with something else than the {0} list; tell whoever runs it")]
    OtherList(Stream),
    /// It could not be kept.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// A stored list could not be deleted.
    #[error("cannot delete {0}: {1}; delete it by hand")]
    Delete(PathBuf, io::Error),
}

/// Where a stream's list is stored.
#[must_use]
pub fn path_of(data_dir: &Path, stream: Stream) -> PathBuf {
    data_dir.join(format!("targets-{stream}.json"))
}

/// Streams that may be measured, in the order of a round.
#[must_use]
pub fn streams(consent: &Consent, config: &Config) -> Vec<Stream> {
    let is_off = |stream: Stream| config.qos_only && stream == Stream::Openness;
    let is_allowed =
        |stream: &Stream| consent.allows(*stream) && config.seat.takes(*stream) && !is_off(*stream);
    Stream::ALL.iter().copied().filter(is_allowed).collect()
}

/// The lists of a CSV file, of the given streams only: the others are dropped unread.
pub fn from_csv(path: &Path, streams: &[Stream]) -> Result<Vec<TargetList>, TargetsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| TargetsError::Read(path.to_owned(), error))?;
    let file =
        TargetFile::parse(&text).map_err(|error| TargetsError::Csv(path.to_owned(), error))?;
    Ok(streams
        .iter()
        .map(|stream| file.list(*stream).clone())
        .collect())
}

/// The stored list of a stream; `None` when there is none.
pub fn stored(
    data_dir: &Path,
    stream: Stream,
    enrolment: &Enrolment,
) -> Result<Option<TargetList>, TargetsError> {
    let path = path_of(data_dir, stream);
    match std::fs::read(&path) {
        Ok(bytes) => open(&bytes, stream, enrolment).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TargetsError::Read(path, error)),
    }
}

/// Asks the collector for a stream's list and stores it.
pub async fn fetch(
    client: &reqwest::Client,
    data_dir: &Path,
    stream: Stream,
    enrolment: &Enrolment,
) -> Result<TargetList, TargetsError> {
    let failed = |reason: String| TargetsError::Fetch { stream, reason };
    let collector = enrolment
        .collectors
        .first()
        .expect("an enrolment names a collector");
    let url = collector
        .join(&format!("api/v1/targets/{stream}"))
        .map_err(|error| failed(error.to_string()))?;
    let answer = client.get(url).send().await;
    let answer = answer
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| failed(crate::http::reason(&error)))?;
    let bytes = crate::http::body(answer, LIST_MAX_BYTES)
        .await
        .map_err(failed)?;
    let list = open(&bytes, stream, enrolment)?;
    write_if_changed(&path_of(data_dir, stream), &bytes)?;
    Ok(list)
}

/// An SD card wears by writing: an unchanged list is not written again.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    if std::fs::read(path).is_ok_and(|stored| stored == bytes) {
        return Ok(());
    }
    write_atomic(path, bytes)
}

fn open(bytes: &[u8], stream: Stream, enrolment: &Enrolment) -> Result<TargetList, TargetsError> {
    let document: SignedDocument = serde_json::from_slice(bytes).map_err(|error| {
        TargetsError::Document(stream, DocumentError::Malformed(error.to_string()))
    })?;
    let list: TargetList = document
        .open(&enrolment.verifying_key(), types::TARGETS)
        .map_err(|error| TargetsError::Document(stream, error))?;
    if list.stream != stream || list.targets.len() > TARGETS_MAX {
        return Err(TargetsError::OtherList(stream));
    }
    Ok(list)
}

/// Deletes the stored list of a stream, durably; no list is no error.
pub fn delete(data_dir: &Path, stream: Stream) -> Result<(), TargetsError> {
    let path = path_of(data_dir, stream);
    let deleted = std::fs::remove_file(&path).and_then(|()| sync_parent(&path));
    match deleted {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(TargetsError::Delete(path, error))
        }
        _ => Ok(()),
    }
}
