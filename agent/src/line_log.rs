//! A bounded, append-only log of lines: two files, of which the older goes when the newer has half
//! of what the log may hold.
//!
//! Form of a file: a first line `{"format":1,"before":n}`, where `n` lines were logged before this
//! file's own, then the lines. A line that a crash tore is ended by the next append and passed over
//! by readers, who skip whatever they cannot read.
use crate::files::{Files, folder_of, read_if_there, remove_if_there};
use serde::{Deserialize, Serialize};
use std::io;

/// Version of the files.
const FORMAT: u32 = 1;

/// How much a log may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes of both files together, but for the last append.
    pub(crate) max_bytes: usize,
    /// Lines of both files together, but for the last append.
    pub(crate) max_lines: usize,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    before: u64,
}

/// One of the two files, as it is known in memory.
#[derive(Debug, Clone, Copy, Default)]
struct Generation {
    before: u64,
    lines: u64,
    bytes: usize,
    /// Its last line lacks an end.
    is_torn: bool,
}

/// The log.
#[derive(Debug)]
pub(crate) struct LineLog<F> {
    files: F,
    current: String,
    previous: String,
    bounds: Bounds,
    now: Generation,
    older: Generation,
}

impl<F: Files> LineLog<F> {
    /// Opens `<stem>.log` and `<stem>.1.log`.
    pub(crate) fn open(files: F, stem: &str, bounds: Bounds) -> io::Result<Self> {
        let mut log = Self {
            current: format!("{stem}.log"),
            previous: format!("{stem}.1.log"),
            files,
            bounds,
            now: Generation::default(),
            older: Generation::default(),
        };
        log.older = log.read_generation(&log.previous)?.0;
        log.now = log.read_generation(&log.current)?.0;
        if log.now.bytes == 0 {
            log.now.before = log.older.before + log.older.lines;
        }
        Ok(log)
    }

    /// Adds lines; durable when it returns. After an error some of them may be there.
    pub(crate) fn append(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if self.is_half_full() {
            self.rotate()?;
        }
        let is_new = self.now.bytes == 0;
        let mut text = String::new();
        if is_new {
            text.push_str(&header(self.now.before));
        } else if self.now.is_torn {
            text.push('\n');
        }
        for line in lines {
            debug_assert!(!line.contains('\n'), "a line is one line");
            text.push_str(line);
            text.push('\n');
        }
        self.now.bytes += text.len();
        self.now.is_torn = true;
        self.files.append(&self.current, text.as_bytes())?;
        self.files.sync(&self.current)?;
        if is_new {
            self.files.sync_folder(folder_of(&self.current))?;
        }
        self.now.is_torn = false;
        self.now.lines += lines.len() as u64;
        Ok(())
    }

    /// The lines still kept, oldest first.
    pub(crate) fn lines(&self) -> io::Result<Vec<String>> {
        let mut lines = self.read_generation(&self.previous)?.1;
        lines.extend(self.read_generation(&self.current)?.1);
        Ok(lines)
    }

    /// Keeps only the lines that `keep` says; writes nothing when it keeps all.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) -> io::Result<()> {
        let all = self.lines()?;
        let kept: Vec<&String> = all.iter().filter(|line| keep(line)).collect();
        if kept.len() == all.len() {
            return Ok(());
        }
        let now = Generation {
            before: self.ever() - kept.len() as u64,
            lines: kept.len() as u64,
            ..Generation::default()
        };
        let mut text = header(now.before);
        for line in kept {
            text.push_str(line);
            text.push('\n');
        }
        self.files.replace(&self.current, text.as_bytes())?;
        remove_if_there(&self.files, &self.previous)?;
        self.older = Generation::default();
        self.now = Generation {
            bytes: text.len(),
            ..now
        };
        Ok(())
    }

    /// How many lines were ever logged.
    pub(crate) fn ever(&self) -> u64 {
        self.now.before + self.now.lines
    }

    /// How many are still kept.
    pub(crate) fn kept(&self) -> u64 {
        self.older.lines + self.now.lines
    }

    /// Bytes of both files.
    pub(crate) fn bytes(&self) -> usize {
        self.older.bytes + self.now.bytes
    }

    fn is_half_full(&self) -> bool {
        let lines = usize::try_from(self.now.lines).unwrap_or(usize::MAX);
        self.now.bytes * 2 >= self.bounds.max_bytes
            || lines.saturating_mul(2) >= self.bounds.max_lines
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.files.rename(&self.current, &self.previous)?;
        self.files.sync_folder(folder_of(&self.current))?;
        self.older = self.now;
        self.now = Generation {
            before: self.ever(),
            ..Generation::default()
        };
        Ok(())
    }

    fn read_generation(&self, path: &str) -> io::Result<(Generation, Vec<String>)> {
        let bytes = read_if_there(&self.files, path)?.unwrap_or_default();
        Ok(parse(&bytes))
    }
}

fn header(before: u64) -> String {
    let header = Header {
        format: FORMAT,
        before,
    };
    let line = serde_json::to_string(&header).expect("two integers are always JSON");
    line + "\n"
}

/// Reads a file of whatever bytes: a torn last line and what is not UTF-8 are left out.
fn parse(bytes: &[u8]) -> (Generation, Vec<String>) {
    let is_torn = bytes.last().is_some_and(|last| *last != b'\n');
    let mut pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    pieces.pop();
    let text = |piece: &&[u8]| String::from_utf8(piece.to_vec()).ok();
    let mut lines: Vec<String> = pieces.iter().filter_map(text).collect();
    lines.retain(|line| !line.is_empty());
    let header: Option<Header> = lines
        .first()
        .and_then(|line| serde_json::from_str(line).ok());
    if header.is_some() {
        lines.remove(0);
    }
    let generation = Generation {
        before: header.map_or(0, |header| header.before.min(u64::MAX / 2)),
        lines: lines.len() as u64,
        bytes: bytes.len(),
        is_torn,
    };
    (generation, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        max_bytes: 400,
        max_lines: 1_000,
    };

    fn open(files: &SimulatedFiles) -> LineLog<SimulatedFiles> {
        LineLog::open(files.clone(), "notes", BOUNDS).unwrap()
    }

    fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|number| format!("line {number}")).collect()
    }

    #[test]
    fn the_newest_lines_are_kept_within_the_bound_and_all_are_counted() {
        let files = SimulatedFiles::default();
        let mut log = open(&files);
        for line in numbers(0..200) {
            log.append(&[line]).unwrap();
        }
        files.power_cut(1);
        let log = open(&files);
        let lines = log.lines().unwrap();
        assert!(log.bytes() <= BOUNDS.max_bytes + 40);
        assert_eq!((log.ever(), log.kept()), (200, lines.len() as u64));
        assert_eq!(
            lines,
            numbers(200 - u32::try_from(lines.len()).unwrap()..200)
        );
    }

    #[test]
    fn a_torn_line_does_not_spoil_the_next() {
        let files = SimulatedFiles::default();
        open(&files).append(&numbers(0..2)).unwrap();
        files.damage("notes.log", |bytes| bytes.truncate(bytes.len() - 3));
        let mut log = open(&files);
        log.append(&["after".into()]).unwrap();
        let lines = open(&files).lines().unwrap();
        assert_eq!(lines.first().map(String::as_str), Some("line 0"));
        assert_eq!(lines.last().map(String::as_str), Some("after"));
    }

    #[test]
    fn what_is_not_retained_is_gone_from_the_disk_and_still_counted() {
        let files = SimulatedFiles::default();
        let mut log = open(&files);
        log.append(&numbers(0..60)).unwrap();
        log.append(&numbers(60..63)).unwrap();
        log.retain(|line| line == "line 62").unwrap();
        files.power_cut(1);
        let log = open(&files);
        assert_eq!(log.lines().unwrap(), ["line 62"]);
        assert_eq!(log.ever(), 63);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_was_appended_survives_power_cuts(cuts in prop::collection::vec((0..6_u64, any::<u64>()), 1..20)) {
            let files = SimulatedFiles::default();
            let bounds = Bounds { max_bytes: usize::MAX / 2, max_lines: usize::MAX / 2 };
            let mut appended = Vec::new();
            for (number, (steps, seed)) in cuts.into_iter().enumerate() {
                let mut log = LineLog::open(files.clone(), "notes", bounds).unwrap();
                files.cut_power_after(steps);
                for part in ["a", "b"] {
                    let line = format!("{number} {part}");
                    if log.append(std::slice::from_ref(&line)).is_ok() {
                        appended.push(line);
                    }
                }
                files.power_cut(seed);
            }
            let lines = LineLog::open(files.clone(), "notes", bounds).unwrap().lines().unwrap();
            for line in appended {
                prop_assert!(lines.contains(&line), "{} is not in {:?}", line, lines);
            }
        }
    }
}
