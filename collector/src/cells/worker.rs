//! Follows the journal: takes new entries in as they are committed, for as long as the service runs.
#[cfg(test)]
mod tests;

use super::{Cells, CellsError};
use crate::journal::JournalReader;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// First pause after a failure; doubled up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(500);
/// Longest pause after failures.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// How far the worker is, for whoever waits or watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Index of the first entry that is not in yet.
    pub processed_to: u64,
    /// The last attempt failed and is being repeated.
    pub failing: bool,
}

/// What one attempt came to.
enum Step {
    /// Took entries in; there may be more.
    Advanced(u64),
    /// Nothing is left.
    CaughtUp(u64),
}

/// Runs until `cancel`. `committed` says how many entries the journal has; `progress` is told what
/// is in. A failure is logged once, repeated with growing pauses, and ends nothing else.
pub async fn run(
    mut cells: Cells,
    mut journal: JournalReader,
    mut committed: watch::Receiver<u64>,
    progress: watch::Sender<Progress>,
    cancel: CancellationToken,
) {
    let mut pause = RETRY_MIN;
    while !cancel.is_cancelled() {
        // Seen before reading: a commit during the step wakes the wait below at once.
        committed.borrow_and_update();
        let attempt = tokio::task::spawn_blocking(move || {
            let result = step(&mut cells, &journal);
            (cells, journal, result)
        });
        let Ok((cells_back, journal_back, result)) = attempt.await else {
            tracing::error!("the worker of the cells panicked; readiness says so from now on");
            progress.send_modify(|progress| progress.failing = true);
            return;
        };
        (cells, journal) = (cells_back, journal_back);
        match result {
            Ok(Step::Advanced(processed_to)) => {
                pause = RETRY_MIN;
                progress.send_replace(Progress {
                    processed_to,
                    failing: false,
                });
            }
            Ok(Step::CaughtUp(processed_to)) => {
                pause = RETRY_MIN;
                progress.send_replace(Progress {
                    processed_to,
                    failing: false,
                });
                tokio::select! {
                    changed = committed.changed() => if changed.is_err() { return },
                    () = cancel.cancelled() => return,
                }
            }
            Err(error) => {
                tracing::error!(%error, "cells cannot follow the journal: {error}");
                progress.send_modify(|progress| progress.failing = true);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cancel.cancelled() => return,
                }
                pause = (pause * 2).min(RETRY_MAX);
            }
        }
    }
}

fn step(cells: &mut Cells, journal: &JournalReader) -> Result<Step, CellsError> {
    match cells.catch_up(journal) {
        Ok(0) => Ok(Step::CaughtUp(cells.processed_to()?)),
        Ok(_) => Ok(Step::Advanced(cells.processed_to()?)),
        Err(error) if error.is_damage() => {
            tracing::warn!(%error, "derived.sqlite is damaged and rebuilt from the journal");
            cells.replace_damaged()?;
            Ok(Step::Advanced(0))
        }
        Err(error) => Err(error),
    }
}
