//! Answers that are reckoned once for a version of the cells, and kept until the cells change.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Answers to questions, all of one version of the cells.
#[derive(Debug)]
pub(super) struct Kept<Q, A> {
    of_version: Mutex<(u64, HashMap<Q, A>)>,
    most: usize,
}

impl<Q: Eq + Hash, A: Clone> Kept<Q, A> {
    /// Keeps at most so many: whoever asks for every month there is must not fill the memory.
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            of_version: Mutex::new((0, HashMap::new())),
            most,
        }
    }

    /// The answer, where it was reckoned for this version.
    pub(super) fn get(&self, version: u64, question: &Q) -> Option<A> {
        let kept = self
            .of_version
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let answer = kept.1.get(question).cloned();
        answer.filter(|_| kept.0 == version)
    }

    /// Keeps an answer; what is of another version goes.
    pub(super) fn put(&self, version: u64, question: Q, answer: A) {
        let mut kept = self
            .of_version
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if kept.0 != version || kept.1.len() >= self.most {
            *kept = (version, HashMap::new());
        }
        kept.1.insert(question, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    #[test]
    fn an_answer_is_kept_until_the_version_changes() {
        let kept = Kept::at_most(MOST);
        kept.put(1, "month", 10);
        kept.put(1, "other", 20);
        assert_eq!(kept.get(1, &"month"), Some(10));
        assert_eq!(kept.get(2, &"month"), None);
        kept.put(2, "other", 30);
        assert_eq!(kept.get(2, &"month"), None);
        assert_eq!(kept.get(1, &"month"), None);
    }

    #[test]
    fn no_number_of_questions_fills_the_memory() {
        let kept = Kept::at_most(MOST);
        for question in 0..10_000 {
            kept.put(1, question, question);
            assert_eq!(kept.get(1, &question), Some(question));
        }
        assert!(kept.of_version.lock().unwrap().1.len() <= MOST);
    }
}
