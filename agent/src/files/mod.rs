//! The file layer under everything the agent must not lose: what is written, and when it is durable.
//!
//! Rules of [`Files`]:
//! 1. Paths are relative to the data directory, at most one folder deep (`spool/state.json`).
//! 2. What [`Files::append`] and [`Files::truncate`] did survives a power cut only after
//!    [`Files::sync`] of that file returned; until then any prefix of it may survive, in any order
//!    between files.
//! 3. That a name exists, was renamed or removed survives only after [`Files::sync_folder`].
//! 4. [`Files::replace`] is durable when it returns; interrupted, it leaves the old or the new bytes.
mod disk;
#[cfg(test)]
pub(crate) mod simulated;

pub use disk::DiskFiles;

use std::io;

/// What the spool, the logs and the identity need of a file system.
///
/// There are two: [`DiskFiles`], and a simulator in tests that forgets what was not synced.
pub trait Files: Clone + Send + Sync + 'static {
    /// Names of the files in a folder, sorted; none when there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// The whole file.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// `length` bytes from `offset`; `UnexpectedEof` when the file is shorter.
    fn read_at(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Adds bytes at the end, making the file if need be. After an error any prefix may be there.
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file to `length` bytes.
    fn truncate(&self, path: &str, length: u64) -> io::Result<()>;
    /// Makes contents and length durable.
    fn sync(&self, path: &str) -> io::Result<()>;
    /// Renames, replacing what had the name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a folder durable; `""` is the data directory itself.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Makes a folder unless it is there, durably.
    fn make_folder(&self, folder: &str) -> io::Result<()>;
    /// Replaces the whole file, durably, old or new and nothing between.
    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()>;
}

/// The folder part of a path, `""` for the data directory itself.
#[must_use]
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Reads a file that may not be there.
pub fn read_if_there<F: Files>(files: &F, path: &str) -> io::Result<Option<Vec<u8>>> {
    match files.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may not be there.
pub fn remove_if_there<F: Files>(files: &F, path: &str) -> io::Result<()> {
    match files.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// True when the disk, or the user's quota of it, is full.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
