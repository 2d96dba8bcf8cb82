//! The worker follows the journal, mends a damaged file and ends when it is told to.
use super::{Progress, run};
use crate::cells::{Cells, FILE_NAME};
use crate::journal::{Journal, NewEntry};
use crate::testing::{NOON_US, ground, key, opened};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonle_evidence::entry::Tier;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::record::seal;

/// Longer than any of these steps takes: a worker that hangs fails its test instead of blocking it.
const PATIENCE: Duration = Duration::from_mins(1);

struct Following {
    journal: Journal,
    progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    worker: JoinHandle<()>,
}

impl Following {
    fn start(dir: &Path) -> Self {
        let journal = Journal::open(dir, key(200)).unwrap();
        let reader = journal.reader().unwrap();
        let cells = Cells::open(dir, Arc::new(ground()), &reader).unwrap();
        let (told, progress) = watch::channel(Progress::default());
        let cancel = CancellationToken::new();
        let worker = tokio::spawn(run(
            cells,
            reader,
            journal.committed(),
            told,
            cancel.clone(),
        ));
        Self {
            journal,
            progress,
            cancel,
            worker,
        }
    }

    async fn append(&self, values: impl IntoIterator<Item = i64>) {
        let entry = |value: i64| {
            let record = opened(NOON_US, value);
            let sealed = seal(&record.public, &record.private, &key(1)).unwrap();
            NewEntry::record(&Envelope::new(sealed), Tier::Unvetted, NOON_US)
        };
        let entries = values.into_iter().map(entry).collect();
        self.journal.append(entries).await.unwrap();
    }

    async fn reaches(&mut self, entries: u64) {
        let there = |progress: &Progress| progress.processed_to == entries;
        let waiting = self.progress.wait_for(there);
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap()
            .unwrap();
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.worker)
            .await
            .unwrap()
            .unwrap();
        self.journal.close().await;
    }
}

#[tokio::test]
async fn the_worker_follows_the_journal_and_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Following::start(dir.path());
    first.append(0..3).await;
    first.reaches(3).await;
    first.append(3..1_200).await;
    first.reaches(1_200).await;
    first.stop().await;

    let mut second = Following::start(dir.path());
    second.reaches(1_200).await;
    second.append([5_000]).await;
    second.reaches(1_201).await;
    second.stop().await;
}

#[tokio::test]
async fn a_file_that_was_damaged_while_nobody_looked_is_rebuilt_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = Following::start(dir.path());
    before.append(0..40).await;
    before.reaches(40).await;
    before.stop().await;
    let path = dir.path().join(FILE_NAME);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages_after_the_first = 4_096..;
    bytes[pages_after_the_first].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();

    let mut after = Following::start(dir.path());
    after.append([77]).await;
    after.reaches(41).await;
    after.stop().await;
}
