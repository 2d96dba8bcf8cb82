//! Several visits at a time: they wait for most of theirs.
use std::sync::{Mutex, PoisonError};

/// Visits at a time.
const AT_A_TIME: usize = 6;

/// Does `work` on each item, several at a time; results in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let jobs = Mutex::new(items.iter().zip(&mut results));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((item, result)) = job else { return };
                    *result = Some(work(item));
                }
            });
        }
    });
    results.into_iter().flatten().collect()
}

/// Says how far it is.
#[expect(clippy::print_stderr, reason = "progress of a long command")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
