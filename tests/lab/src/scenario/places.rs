//! On which line of a scenario file each key stands.
use std::collections::BTreeMap;

/// Lines by key path.
#[derive(Debug)]
pub(super) struct Places {
    /// Offsets at which lines begin.
    lines: Vec<usize>,
    by_key: BTreeMap<String, usize>,
}

impl Places {
    pub(super) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(offset, _)| offset + 1));
        Self {
            lines: lines.collect(),
            by_key: BTreeMap::new(),
        }
    }

    /// The line, counted from 1, of an offset in bytes.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= offset).max(1)
    }

    pub(super) fn remember(&mut self, key: &str, offset: usize) {
        let line = self.line_at(offset);
        self.by_key.entry(key.to_owned()).or_insert(line);
    }

    /// The line of a key, or of the nearest table around it that is in the file.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        let mut key = key;
        loop {
            if let Some(line) = self.by_key.get(key) {
                return Some(*line);
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
