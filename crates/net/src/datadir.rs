//! The directory that holds a program's state: whose it is, that one process has it, durable writes.
//!
//! `tonle-data.json` marks a directory as ours: `{"format":1,"role":"agent","provenance":"real"}`.
//! `tonle-data.lock` is locked for as long as the process lives; the kernel frees it after a kill.
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The marker file.
pub const MARKER: &str = "tonle-data.json";
/// The lock file.
const LOCK: &str = "tonle-data.lock";
/// What every file of this module begins with, the marker's temporary form included.
const OWN_PREFIX: &str = "tonle-data.";
/// Layout of the directory that this program reads and writes.
const FORMAT: u32 = 1;
/// What a freshly made ext4 volume contains.
const VOLUME_ENTRY: &str = "lost+found";

/// Whose state a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// One agent.
    Agent,
    /// One collector.
    Collector,
    /// `tonle up`: a collector and an agent, each in a directory of its own inside.
    Home,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Collector => "collector",
            Self::Home => "home",
        })
    }
}

/// Where the data of a directory come from. The two are never in one directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Measured.
    Real,
    /// Made by a program.
    Synthetic,
}

impl Contents {
    fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Synthetic => "synthetic",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    role: String,
    provenance: String,
}

/// Why a directory cannot be used. Each message is one line with cause and remedy.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made, listed or written.
    #[error(
        "cannot use data directory {path}: {source}; give another with --data, or fix its owner and permissions"
    )]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something that is not ours.
    #[error(
        "{path} is not an empty directory and not a data directory of tonle ({reason}); give another with --data"
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// It is another program's.
    #[error(
        "{path} holds the data of a tonle {found}, not of a tonle {wanted}; give another with --data"
    )]
    OtherRole {
        /// The directory.
        path: PathBuf,
        /// The role in the marker.
        found: String,
        /// The role asked for.
        wanted: Role,
    },
    /// It holds data of the other kind.
    #[error(
        "{path} holds {found} data, and {} data is wanted; give another with --data",
        wanted.as_str()
    )]
    OtherContents {
        /// The directory.
        path: PathBuf,
        /// The provenance in the marker.
        found: String,
        /// The one asked for.
        wanted: Contents,
    },
    /// A newer program wrote it.
    #[error(
        "{path} was written by a newer tonle (format {found}, this program reads up to {FORMAT}); upgrade tonle"
    )]
    Newer {
        /// The directory.
        path: PathBuf,
        /// The format in the marker.
        found: u32,
    },
    /// Another process has it.
    #[error(
        "{path} is in use by another tonle process; stop that one, or give another with --data"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A file in it cannot be written.
    #[error("cannot write {path}: {source}; check free space and permissions")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An open data directory; the lock is held until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory of measured data if need be, checks whose it is and locks it.
    pub fn open(path: &Path, role: Role) -> Result<Self, DataDirError> {
        Self::open_with(path, role, Contents::Real)
    }

    /// The same of the data that is wanted.
    pub fn open_with(path: &Path, role: Role, contents: Contents) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable {
            path: path.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(unusable)?;
        // Before the lock, so that nothing is ever written into a stranger's directory.
        let marker = path.join(MARKER);
        if !marker.try_exists().map_err(unusable)?
            && let Some(stranger) = first_stranger(path).map_err(unusable)?
        {
            return Err(DataDirError::Foreign {
                path: path.to_owned(),
                reason: format!("it contains '{}'", stranger.display()),
            });
        }
        let lock = lock(path)?;
        if marker.try_exists().map_err(unusable)? {
            let bytes = fs::read(&marker).map_err(unusable)?;
            check_marker(path, (role, contents), &bytes)?;
        } else {
            write_marker(&marker, role, contents)?;
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

/// The first entry that neither we nor a fresh volume put there.
fn first_stranger(path: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        let is_own = name
            .to_str()
            .is_some_and(|name| name.starts_with(OWN_PREFIX));
        if !is_own && name != OsStr::new(VOLUME_ENTRY) {
            return Ok(Some(name.into()));
        }
    }
    Ok(None)
}

fn lock(path: &Path) -> Result<File, DataDirError> {
    let unusable = |source| DataDirError::Unusable {
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path.join(LOCK))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

fn check_marker(
    path: &Path,
    (role, contents): (Role, Contents),
    bytes: &[u8],
) -> Result<(), DataDirError> {
    let foreign = |reason: String| DataDirError::Foreign {
        path: path.to_owned(),
        reason,
    };
    let marker: Marker = serde_json::from_slice(bytes)
        .map_err(|error| foreign(format!("its {MARKER} cannot be read: {error}")))?;
    if marker.format > FORMAT {
        return Err(DataDirError::Newer {
            path: path.to_owned(),
            found: marker.format,
        });
    }
    if marker.provenance != contents.as_str() {
        return Err(DataDirError::OtherContents {
            path: path.to_owned(),
            found: marker.provenance,
            wanted: contents,
        });
    }
    if marker.role != role.to_string() {
        return Err(DataDirError::OtherRole {
            path: path.to_owned(),
            found: marker.role,
            wanted: role,
        });
    }
    Ok(())
}

fn write_marker(path: &Path, role: Role, contents: Contents) -> Result<(), DataDirError> {
    let marker = Marker {
        format: FORMAT,
        role: role.to_string(),
        provenance: contents.as_str().to_owned(),
    };
    let bytes = serde_json::to_vec(&marker).expect("an object of strings is always JSON");
    write_atomic(path, &bytes)
}

/// Replaces a file so that after a crash or a power cut either the old or the new bytes are there:
/// temporary file beside it (mode 0600), fsync, rename, fsync of the directory. A file has one
/// writer, so the temporary name is fixed and what a crash leaves of it is overwritten.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let write = || -> io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    };
    write().map_err(|source| DataDirError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Makes the making, renaming or removal of `path` durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests;
