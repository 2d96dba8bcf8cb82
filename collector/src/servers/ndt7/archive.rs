//! Keeps finished tests, where the operator asks for it. A file appears whole or not at all; what
//! cannot be written is counted and logged, and disturbs no test.
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tonle_wire::ndt7::archive::Finished;

/// What was archived since the server started.
#[derive(Debug, Default)]
pub struct ArchiveCounters {
    /// Tests that were archived.
    pub kept: AtomicU64,
    /// Tests that could not be archived.
    pub failures: AtomicU64,
}

/// The folder that tests are kept in.
#[derive(Debug)]
pub(super) struct Archive {
    dir: PathBuf,
    counters: Arc<ArchiveCounters>,
}

impl Archive {
    pub(super) fn new(dir: PathBuf, counters: Arc<ArchiveCounters>) -> Self {
        Self { dir, counters }
    }

    /// Writes a test, beside everything else that runs.
    pub(super) async fn keep(&self, test: &Finished<'_>) {
        let path = self.dir.join(test.path());
        let json = test.to_json();
        let writing = tokio::task::spawn_blocking(move || write(&path, json.as_bytes()));
        let written = writing
            .await
            .unwrap_or_else(|panic| Err(io::Error::other(panic)));
        match written {
            Ok(()) => {
                self.counters.kept.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                self.counters.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "ndt7: a test cannot be archived: {error}");
            }
        }
    }
}

/// Under another name first: readers of the folder never see half a file. Gzip at its fastest, as
/// stock servers do.
fn write(path: &Path, json: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("every path of an archive has folders");
    fs::create_dir_all(folder)?;
    if path.exists() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    let unfinished = path.with_extension("tmp");
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(&unfinished)?;
    let filled = fill(file, json).and_then(|()| fs::rename(&unfinished, path));
    if filled.is_err() {
        // What is left would only take room; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&unfinished);
    }
    filled
}

fn fill(file: File, json: &[u8]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(file, Compression::fast());
    encoder.write_all(json)?;
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read as _;

    #[test]
    fn a_file_appears_whole_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ndt7/2026/11/23/x.json.gz");
        write(&path, b"{}").unwrap();
        let mut text = String::new();
        let mut decoder = GzDecoder::new(File::open(&path).unwrap());
        decoder.read_to_string(&mut text).unwrap();
        assert_eq!(text, "{}");
        let again = write(&path, b"other").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(names.count(), 1, "nothing unfinished is left");
    }
}
