//! In which file and on which line each key of a scenario stands.
use std::collections::BTreeMap;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The included file; none: the scenario's own.
    pub(super) file: Option<String>,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Places by key path.
#[derive(Debug)]
pub(super) struct Places {
    /// Offsets at which lines begin.
    lines: Vec<usize>,
    /// An included file, and how many lines stand before it.
    included: Option<(String, usize)>,
    by_key: BTreeMap<String, Place>,
}

impl Places {
    pub(super) fn new(text: &str) -> Self {
        Self {
            lines: lines(text),
            included: None,
            by_key: BTreeMap::new(),
        }
    }

    /// Behind the text `before`, which ends with a line's end, stands an included file.
    pub(super) fn begin_file(&mut self, file: &str, before: &str, included: &str) {
        self.lines = lines(&format!("{before}{included}"));
        let lines_before = before.matches('\n').count();
        self.included = Some((file.to_owned(), lines_before));
    }

    /// The place of an offset in bytes.
    pub(super) fn at(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|begin| *begin <= offset).max(1);
        match &self.included {
            Some((file, before)) if line > *before => Place {
                file: Some(file.clone()),
                line: line - before,
            },
            _ => Place { file: None, line },
        }
    }

    pub(super) fn remember(&mut self, key: &str, offset: usize) {
        let place = self.at(offset);
        self.by_key.entry(key.to_owned()).or_insert(place);
    }

    /// The place of a key, or of the nearest table around it that is in the files.
    pub(super) fn of(&self, key: &str) -> Option<Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.by_key.get(key) {
                return Some(place.clone());
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }

    /// Every key that was remembered.
    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }
}

fn lines(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0)
        .chain(breaks.map(|(offset, _)| offset + 1))
        .collect()
}
