//! Files and folders as numbered lines, read one at a time and never longer than a line may be.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tonle_evidence::envelope::LINE_MAX_BYTES;

/// Endings of the files that are read in a folder; a file that is named is read whatever its name.
pub const ENDINGS: [&str; 3] = ["ndjson", "jsonl", "log"];

/// Why nothing could be checked. Each is the caller's to mend.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path cannot be opened, listed or read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder without a file that could be checked.
    #[error("no file ending in .ndjson, .jsonl or .log in {}", .0.display())]
    NothingInFolder(PathBuf),
}

impl SourceError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// The files behind a path, in order: itself, or every file of the folder with one of [`ENDINGS`].
pub fn files(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let kind = fs::metadata(path).map_err(SourceError::at(path))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, &mut found)?;
    found.sort();
    if found.is_empty() {
        return Err(SourceError::NothingInFolder(path.to_owned()));
    }
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    for entry in fs::read_dir(folder).map_err(SourceError::at(folder))? {
        let entry = entry.map_err(SourceError::at(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(SourceError::at(&path))?;
        if kind.is_dir() {
            collect(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
        {
            found.push(path);
        }
    }
    Ok(())
}

/// Calls `each` with the number (from 1) and bytes of every line that is not blank. A line longer
/// than [`LINE_MAX_BYTES`] is cut one byte beyond it, so that it is refused for its length.
pub fn for_each_line(path: &Path, mut each: impl FnMut(u64, &[u8])) -> Result<(), SourceError> {
    let file = File::open(path).map_err(SourceError::at(path))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut number = 0;
    while next_line(&mut reader, &mut line).map_err(SourceError::at(path))? {
        number += 1;
        if !line.trim_ascii().is_empty() {
            each(number, line.trim_ascii_end());
        }
    }
    Ok(())
}

/// Reads one line into `line`; false at the end. What is beyond the longest line is read past.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let longest = LINE_MAX_BYTES as u64 + 2; // one byte too long, and the newline
    reader.by_ref().take(longest).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(false);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == longest {
        reader.skip_until(b'\n')?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlong_line_is_cut_and_the_next_one_still_read() {
        let mut text = vec![b'x'; 3 * LINE_MAX_BYTES];
        text.extend_from_slice(b"\nnext\nlast");
        let mut reader = text.as_slice();
        let mut line = Vec::new();
        assert!(next_line(&mut reader, &mut line).unwrap());
        assert!(line.len() > LINE_MAX_BYTES && line.len() < LINE_MAX_BYTES + 3);
        assert!(next_line(&mut reader, &mut line).unwrap());
        assert_eq!(line, b"next\n");
        assert!(next_line(&mut reader, &mut line).unwrap());
        assert_eq!(line, b"last");
        assert!(!next_line(&mut reader, &mut line).unwrap());
    }

    #[test]
    fn a_folder_without_evidence_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
        let error = files(folder.path()).unwrap_err();
        assert!(matches!(error, SourceError::NothingInFolder(_)), "{error}");
    }

    #[test]
    fn files_of_inner_folders_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["b/two.jsonl", "a.ndjson", "c.log", "d.txt"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let found = files(folder.path()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.ndjson", "two.jsonl", "c.log"]);
    }
}
