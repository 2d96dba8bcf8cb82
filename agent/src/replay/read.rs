//! Reading traces from files: JSON Lines, one trace on a line.
use super::Replayed;
use crate::experiments::throughput::trace::{FORMAT, Trace};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Longest line that is read, bytes.
const LINE_MAX_BYTES: usize = 1 << 20;
/// Largest file that is read, bytes.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// Why a file of traces cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// The file is no trace file.
    #[error("{0} is larger than {FILE_MAX_BYTES} bytes; split it")]
    TooLarge(PathBuf),
    /// A line is no trace.
    #[error("{0}, line {1}: {2}")]
    Line(PathBuf, usize, String),
}

/// Reads the traces of a file.
pub fn file(path: &Path) -> Result<Vec<Trace>, ReadError> {
    let failed = |error| ReadError::Read(path.to_owned(), error);
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > FILE_MAX_BYTES {
        return Err(ReadError::TooLarge(path.to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    parse(&text).map_err(|(line, reason)| ReadError::Line(path.to_owned(), line, reason))
}

/// Traces of a text; else the number of the first line that is none, and why. The agent's own files
/// begin with a line about themselves, which is passed over.
pub fn parse(text: &str) -> Result<Vec<Trace>, (usize, String)> {
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line));
    let filled = numbered.filter(|(_, line)| !line.trim().is_empty());
    let read = filled.filter_map(|(number, line)| match read_line(line) {
        Ok(trace) => trace.map(Ok),
        Err(reason) => Some(Err((number, reason))),
    });
    read.collect()
}

fn read_line(line: &str) -> Result<Option<Trace>, String> {
    if line.len() > LINE_MAX_BYTES {
        return Err(format!("it is longer than {LINE_MAX_BYTES} bytes"));
    }
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if value.get("before").is_some() && value.get("trace").is_none() {
        return Ok(None);
    }
    let trace: Trace = serde_json::from_value(value).map_err(|error| error.to_string())?;
    if trace.trace != FORMAT {
        return Err(format!(
            "its form is {}, and this program reads {FORMAT}",
            trace.trace
        ));
    }
    if Replayed::of(&trace).is_none() {
        return Err("it has no bytes".to_owned());
    }
    Ok(Some(trace))
}
