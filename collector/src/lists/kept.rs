//! Copies of fetched lists on disk, so that a start without a network still has them.
//!
//! `lists/<id>.csv` holds the bytes as they came, `lists/<id>.json` what is known of them:
//! `{"url":…,"etag":…,"fetched_at_us":…}`. A copy of another URL, or one of which half is missing, is no
//! copy.
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tonle_net::datadir::{DataDirError, write_atomic};

/// The folder, below the data directory.
const FOLDER: &str = "lists";

/// A fetched list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Its bytes as they came.
    pub bytes: Vec<u8>,
    /// The server's name for this version.
    pub etag: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct About {
    url: String,
    etag: Option<String>,
    fetched_at_us: i64,
}

/// The folder of copies.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The folder below a data directory.
    #[must_use]
    pub fn below(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join(FOLDER),
        }
    }

    /// The copy of a list, if a whole one is there.
    #[must_use]
    pub fn copy(&self, id: &str, url: &str) -> Option<Copy> {
        let about = fs::read(self.path(id, "json")).ok()?;
        let about: About = serde_json::from_slice(&about).ok()?;
        let bytes = fs::read(self.path(id, "csv")).ok()?;
        (about.url == url).then_some(Copy {
            bytes,
            etag: about.etag,
        })
    }

    /// Keeps a copy durably. Interrupted between its two files, the new bytes stand under the old
    /// `ETag` until they are fetched anew: so the name goes first.
    pub fn keep(&self, id: &str, url: &str, copy: &Copy, now_us: i64) -> Result<(), DataDirError> {
        let unusable = |source: io::Error| DataDirError::Write {
            path: self.folder.clone(),
            source,
        };
        fs::create_dir_all(&self.folder).map_err(unusable)?;
        let about = self.path(id, "json");
        match fs::remove_file(&about) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            _ => {}
        }
        write_atomic(&self.path(id, "csv"), &copy.bytes)?;
        let text = serde_json::to_vec_pretty(&About {
            url: url.to_owned(),
            etag: copy.etag.clone(),
            fetched_at_us: now_us,
        })
        .expect("strings and an integer are always JSON");
        write_atomic(&about, &text)
    }

    fn path(&self, id: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{id}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_found_again_for_its_own_url_only() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::below(dir.path());
        let url = "https://lists.example/kh.csv";
        assert_eq!(shelf.copy("a1", url), None);
        let copy = Copy {
            bytes: b"url,category_code\n".to_vec(),
            etag: Some("\"v1\"".into()),
        };
        shelf.keep("a1", url, &copy, 5).unwrap();
        assert_eq!(shelf.copy("a1", url), Some(copy));
        assert_eq!(shelf.copy("a1", "https://other.example/"), None);
        fs::remove_file(dir.path().join("lists/a1.csv")).unwrap();
        assert_eq!(shelf.copy("a1", url), None, "half a copy is none");
    }
}
