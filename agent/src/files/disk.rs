//! The real file layer: a directory on disk, files readable by their owner only.
use super::Files;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonle_net::datadir::{self, DataDirError};

/// Files below one directory, usually [`tonle_net::datadir::DataDir::path`].
#[derive(Debug, Clone)]
pub struct DiskFiles {
    root: PathBuf,
    /// Files with bytes that are not synced yet. The descriptor that wrote must be the one that
    /// syncs: an error of writing back is reported to it for certain, to a later one perhaps not.
    unsynced: Arc<Mutex<BTreeMap<String, File>>>,
}

impl DiskFiles {
    /// Works below `root`, which must exist.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            unsynced: Arc::default(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Every change under the lock is one insertion or removal: a poisoned map is still right.
    fn unsynced(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for DiskFiles {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn read_at(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        File::open(self.at(path))?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut unsynced = self.unsynced();
        if !unsynced.contains_key(path) {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(self.at(path))?;
            unsynced.insert(path.to_owned(), file);
        }
        let file = unsynced
            .get_mut(path)
            .expect("inserted above unless it was there");
        file.write_all(bytes)
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().append(true).open(self.at(path))?;
        file.set_len(length)?;
        self.unsynced().insert(path.to_owned(), file);
        Ok(())
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let written = self.unsynced().remove(path);
        let file = match written {
            Some(file) => file,
            None => OpenOptions::new().write(true).open(self.at(path))?,
        };
        file.sync_data()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.unsynced().remove(from);
        self.unsynced().remove(to);
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.unsynced().remove(path);
        fs::remove_file(self.at(path))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        File::open(self.at(folder))?.sync_all()
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.at(folder)) {
            Ok(()) => self.sync_folder(""),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.unsynced().remove(path);
        match datadir::write_atomic(&self.at(path), bytes) {
            Ok(()) => Ok(()),
            Err(DataDirError::Write { source, .. }) => Err(source),
            Err(other) => Err(io::Error::other(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn files() -> (tempfile::TempDir, DiskFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = DiskFiles::new(folder.path());
        (folder, files)
    }

    #[test]
    fn what_is_appended_in_pieces_reads_back_whole() {
        let (_folder, files) = files();
        files.make_folder("spool").unwrap();
        files.append("spool/a", b"one ").unwrap();
        files.sync("spool/a").unwrap();
        files.append("spool/a", b"two").unwrap();
        assert_eq!(files.read("spool/a").unwrap(), b"one two");
        assert_eq!(files.read_at("spool/a", 4, 3).unwrap(), b"two");
        assert_eq!(files.list("spool").unwrap(), ["a"]);
    }

    #[test]
    fn an_append_after_a_cut_goes_to_the_new_end() {
        let (_folder, files) = files();
        files.append("a", b"12345").unwrap();
        files.truncate("a", 2).unwrap();
        files.sync("a").unwrap();
        files.append("a", b"x").unwrap();
        assert_eq!(files.read("a").unwrap(), b"12x");
    }

    #[test]
    fn files_are_readable_by_their_owner_only() {
        let (folder, files) = files();
        files.append("a", b"x").unwrap();
        files.replace("b", b"x").unwrap();
        for name in ["a", "b"] {
            let mode = fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_missing_folder_lists_as_empty_and_a_short_file_is_an_error() {
        let (_folder, files) = files();
        assert!(files.list("nowhere").unwrap().is_empty());
        files.append("a", b"x").unwrap();
        let error = files.read_at("a", 0, 2).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
