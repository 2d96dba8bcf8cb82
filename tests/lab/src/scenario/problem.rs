//! What is wrong with a scenario file, said so that its writer can mend it.
use super::places::Place;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    place: Option<Place>,
    key: String,
    what: String,
}

impl Problem {
    /// `key` is the path of the key, as `host[1].down.rate_kbit`, lists
    /// counted from 0; `what` is wrong and what is allowed.
    pub(super) fn new(place: Option<Place>, key: String, what: String) -> Self {
        Self { place, key, what }
    }

    /// The line, counted from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line)
    }

    /// The included file that it is in; none: the scenario's own.
    #[must_use]
    pub fn included(&self) -> Option<&str> {
        self.place.as_ref()?.file.as_deref()
    }

    /// The path of the key; empty: the file as a whole.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong and what is allowed.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// A scenario that cannot be started, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadScenario {
    origin: String,
    problems: Vec<Problem>,
}

impl BadScenario {
    pub(super) fn new(origin: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self {
            origin: origin.to_owned(),
            problems,
        }
    }

    pub(super) fn whole(origin: &str, what: String) -> Self {
        Self::new(origin, vec![Problem::new(None, String::new(), what)])
    }

    /// Everything that is wrong, in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for BadScenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write!(out, "{}", problem.included().unwrap_or(&self.origin))?;
            if let Some(line) = problem.line() {
                write!(out, ":{line}")?;
            }
            write!(out, ": ")?;
            if !problem.key.is_empty() {
                write!(out, "{}: ", problem.key)?;
            }
            write!(out, "{}", problem.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for BadScenario {}

/// The one of `known` that `word` was probably meant to be: at most a third of its letters differ.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to put in, take out or change between two words (Levenshtein). Long words count as far.
fn edits(left: &str, right: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let right: Vec<char> = right.chars().take(LETTERS_MAX).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(LETTERS_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["delay_ms", "rate_kbit", "mtu"];
        let near = |word| nearest(word, known.into_iter());
        assert_eq!(near("delay"), None);
        assert_eq!(near("delay_s"), Some("delay_ms"));
        assert_eq!(near("rate_kbits"), Some("rate_kbit"));
        assert_eq!(near("mtv"), Some("mtu"));
        assert_eq!(near("colour"), None);
    }
}
