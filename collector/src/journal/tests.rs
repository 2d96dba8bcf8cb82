//! Tests of the journal: no holes, no second copy, the same receipt for ever.
use super::*;
use tonle_evidence::SigningKey;
use tonle_evidence::dsse::types;
use tonle_evidence::entry::{EntryKind, Mark, Tier};
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::Hex;
use tonle_evidence::record::SealedRecord;

fn collector() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// A record of agent `agent`; the journal does not read halves, so any bytes do.
fn record(agent: u8, sequence: u64, text: &str) -> NewEntry {
    let envelope = Envelope {
        payload_type: types::RECORD.into(),
        record: SealedRecord {
            public: text.as_bytes().to_vec(),
            private: format!("{agent} {sequence}").into_bytes(),
            key: Hex([agent; 32]),
            signature: [agent; 64],
        },
    };
    let mut entry = NewEntry::record(&envelope, Tier::Unvetted, 1_700_000_000_000_000);
    entry.chain = Some(ChainPlace {
        chain_id: Hex([agent; 8]),
        sequence,
    });
    entry.network = NetworkIdentity {
        asn: Some(64_500),
        country: Some("KH".into()),
        asn_table: Some("test 1".into()),
        group_id: Some(Hex([3; 8])),
        resolver_asn: Some(15_169),
    };
    entry
}

fn records(agent: u8, count: u64) -> Vec<NewEntry> {
    (0..count)
        .map(|sequence| record(agent, sequence, "a"))
        .collect()
}

#[tokio::test]
async fn an_entry_reads_back_exactly_with_its_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let public: Vec<u8> = (0..=255).collect();
    let mut entry = record(7, 3, "");
    entry.public = Blob::pack(&public);
    entry.marks = vec![Mark::Late, Mark::Implausible];
    let appended = journal.append(vec![entry.clone()]).await.unwrap().remove(0);
    let reader = journal.reader().unwrap();
    let read = reader.by_hash(&entry.record_hash).unwrap().unwrap();
    assert_eq!(read.public, public);
    assert_eq!(read.private, b"7 3");
    assert_eq!(read.network, entry.network);
    assert_eq!(read.chain, entry.chain);
    assert_eq!((read.key, read.signature), (entry.key, entry.signature));
    assert_eq!(read.marks, entry.marks);
    assert_eq!(read.receipt, appended.receipt);
    let receipt = read.receipt.open(&collector().verifying_key()).unwrap();
    assert_eq!(receipt.record_hash, entry.record_hash);
    assert_eq!(receipt.entry_index, 0);
    assert_eq!(receipt.asn, Some(64_500));
    assert_ne!(read.salt, Hex::ZERO);
}

#[tokio::test]
async fn indexes_count_from_zero_without_holes_across_duplicates_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    journal.append(records(1, 40)).await.unwrap();
    journal.append(records(1, 60)).await.unwrap();
    journal.close().await;
    let journal = Journal::open(dir.path(), collector()).unwrap();
    assert_eq!(*journal.committed().borrow(), 60);
    journal.append(records(2, 5)).await.unwrap();
    let entries = journal.reader().unwrap().entries_from(0, 1_000).unwrap();
    let indexes: Vec<u64> = entries.iter().map(|entry| entry.entry_index).collect();
    assert_eq!(indexes, (0..65).collect::<Vec<u64>>());
    assert_eq!(journal.reader().unwrap().last_index().unwrap(), Some(64));
}

#[tokio::test]
async fn a_replay_gets_the_same_receipts_also_in_other_batches() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let all = records(1, 30);
    let first = journal.append(all.clone()).await.unwrap();
    let mut shuffled = all;
    shuffled.reverse();
    let (left, right) = shuffled.split_at(11);
    let mut again = journal.append(left.to_vec()).await.unwrap();
    again.extend(journal.append(right.to_vec()).await.unwrap());
    again.reverse();
    assert!(again.iter().all(|appended| appended.duplicate));
    assert!(first.iter().all(|appended| !appended.duplicate));
    for (before, after) in first.iter().zip(&again) {
        assert_eq!(before.receipt, after.receipt);
        assert_eq!(before.entry_index, after.entry_index);
    }
    assert_eq!(*journal.committed().borrow(), 30);
}

#[tokio::test]
async fn the_same_line_twice_in_one_batch_is_stored_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let twice = vec![record(1, 0, "a"), record(1, 0, "a"), record(1, 1, "a")];
    let appended = journal.append(twice).await.unwrap();
    assert_eq!(appended[0].receipt, appended[1].receipt);
    assert!(!appended[0].duplicate && appended[1].duplicate);
    assert_eq!(appended[2].entry_index, 1);
}

#[tokio::test]
async fn a_conflict_is_stored_and_marked_never_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let key = collector().verifying_key();
    let marks = |appended: &Appended| appended.receipt.open(&key).unwrap().marks;
    let conflicting = vec![record(1, 0, "a"), record(1, 0, "b")];
    let first = journal.append(conflicting).await.unwrap();
    assert_eq!(marks(&first[0]), []);
    assert_eq!(marks(&first[1]), [Mark::Equivocation]);
    let later = journal
        .append(vec![record(1, 0, "c"), record(2, 0, "a")])
        .await
        .unwrap();
    assert_eq!(marks(&later[0]), [Mark::Equivocation]);
    assert_eq!(marks(&later[1]), []);
    let stored = journal.reader().unwrap().entries_from(2, 1).unwrap();
    assert_eq!(stored[0].marks, [Mark::Equivocation]);
}

#[tokio::test]
async fn many_writers_at_once_lose_nothing_and_leave_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for agent in 0..20 {
        let journal = journal.clone();
        tasks.spawn(async move { journal.append(records(agent, 90)).await.unwrap() });
    }
    let mut indexes: Vec<u64> = tasks
        .join_all()
        .await
        .into_iter()
        .flatten()
        .map(|appended| appended.entry_index)
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..20 * 90).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_failed_commit_stores_nothing_and_the_next_one_leaves_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    journal.append(records(1, 3)).await.unwrap();
    let other = rusqlite::Connection::open(dir.path().join(FILE_NAME)).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.entry_index = 5
             BEGIN SELECT RAISE(ABORT, 'disk full'); END;",
        )
        .unwrap();
    let failed = journal.append(records(2, 6)).await;
    assert!(matches!(failed, Err(JournalError::Write(_))), "{failed:?}");
    other.execute_batch("DROP TRIGGER full").unwrap();
    let appended = journal.append(records(2, 6)).await.unwrap();
    assert_eq!(appended[0].entry_index, 3);
    assert!(appended.iter().all(|appended| !appended.duplicate));
}

#[tokio::test]
async fn an_entry_of_the_collectors_own_has_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), collector()).unwrap();
    let own = NewEntry::own(EntryKind::Enrolment, "x/1", b"{}", b"{}", Tier::Vetted);
    journal.append(vec![own]).await.unwrap();
    let entry = journal
        .reader()
        .unwrap()
        .entries_from(0, 1)
        .unwrap()
        .remove(0);
    assert_eq!(
        (entry.key, entry.signature, entry.chain),
        (None, None, None)
    );
    assert_eq!(entry.kind, EntryKind::Enrolment);
}
