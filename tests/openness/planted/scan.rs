//! Looks through all that was written.
use super::needles::Needle;
use aho_corasick::AhoCorasick;
use libtest_mimic::Failed;
use std::collections::BTreeSet;
use std::path::Path;

/// Something that may stand in a file, and why.
pub(super) struct Allowed {
    /// The end of the file's path.
    pub(super) file: &'static str,
    /// The needle, by what it is.
    pub(super) what: &'static str,
    pub(super) reason: &'static str,
}

/// Every text and file that was looked through, and what was found in them.
pub(super) struct Scan<'a> {
    needles: &'a [Needle],
    finder: AhoCorasick,
    allowed: &'a [Allowed],
    found: BTreeSet<String>,
    /// Bytes that were looked through.
    pub(super) bytes: usize,
    /// Reasons that were needed.
    pub(super) needed: BTreeSet<&'static str>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(needles: &'a [Needle], allowed: &'a [Allowed]) -> Result<Self, Failed> {
        let patterns = needles.iter().map(|needle| &needle.bytes);
        Ok(Self {
            needles,
            finder: AhoCorasick::new(patterns)?,
            allowed,
            found: BTreeSet::new(),
            bytes: 0,
            needed: BTreeSet::new(),
        })
    }

    /// Looks through every file below a folder, and through their names.
    pub(super) fn folder(&mut self, folder: &Path) -> Result<(), Failed> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.to_string_lossy().into_owned();
            self.text(&name, name.as_bytes());
            if path.is_dir() {
                self.folder(&path)?;
            } else if path.is_file() {
                self.text(&name, &std::fs::read(&path)?);
            }
        }
        Ok(())
    }

    /// Looks through a text that is known by this name.
    pub(super) fn text(&mut self, name: &str, text: &[u8]) {
        self.bytes += text.len();
        for hit in self.finder.find_overlapping_iter(text) {
            let what = &self.needles[hit.pattern().as_usize()].what;
            let is_its = |one: &&Allowed| name.ends_with(one.file) && what.starts_with(one.what);
            if let Some(allowed) = self.allowed.iter().find(is_its) {
                self.needed.insert(allowed.reason);
                continue;
            }
            let around = hit.start().saturating_sub(60)..(hit.end() + 20).min(text.len());
            let around = String::from_utf8_lossy(&text[around]).into_owned();
            self.found.insert(format!("{name}: {what}: …{around:?}…"));
        }
    }

    /// What was found where it must not be.
    pub(super) fn found(&self) -> String {
        let lines: Vec<&str> = self.found.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}
