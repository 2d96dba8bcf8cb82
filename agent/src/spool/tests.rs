//! What the spool promises, against a disk that forgets, tears and fills up.
use super::*;
use crate::files::simulated::SimulatedFiles;
use proptest::prelude::*;
use std::collections::BTreeSet;
use tonle_evidence::hash::{Hex, Id64, sha256};
use tonle_evidence::record::SealedRecord;

const CHAIN: Id64 = Hex([1; 8]);
const NOW_US: i64 = 1_790_000_000_000_000;
const DAY_US: i64 = 86_400_000_000;
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_age_s: 7 * 86_400,
    segment_bytes: 2_000,
    drop_when_disk_full: true,
};

fn record(sequence: u64) -> (Envelope, Link) {
    let envelope = Envelope::new(SealedRecord {
        public: format!("public {sequence} {}", "x".repeat(200)).into_bytes(),
        private: format!("private {sequence}").into_bytes(),
        key: Hex([2; 32]),
        signature: [3; 64],
    });
    let link = Link {
        chain_id: CHAIN,
        sequence,
        hash: envelope.hash(),
    };
    (envelope, link)
}

fn open(files: &SimulatedFiles, limits: Limits) -> Opened<SimulatedFiles> {
    Spool::open(files.clone(), limits, Some(CHAIN)).unwrap()
}

fn fill(spool: &mut Spool<SimulatedFiles>, sequences: std::ops::Range<u64>) {
    for sequence in sequences {
        let (envelope, link) = record(sequence);
        spool.append(&envelope, link, NOW_US).unwrap();
    }
}

fn hashes(spool: &mut Spool<SimulatedFiles>) -> Vec<Hash> {
    let batch = spool.batch(None, usize::MAX, usize::MAX);
    let items = batch.map(|batch| batch.items).unwrap_or_default();
    items.into_iter().map(|item| item.hash).collect()
}

fn hashes_of(sequences: std::ops::Range<u64>) -> Vec<Hash> {
    sequences.map(|sequence| record(sequence).1.hash).collect()
}

fn segment_files(files: &SimulatedFiles) -> Vec<String> {
    let names = files.list("spool").unwrap();
    names
        .into_iter()
        .filter(|name| name != "state.json")
        .collect()
}

#[test]
fn a_record_that_was_appended_survives_a_power_cut_and_travels_unchanged() {
    let files = SimulatedFiles::default();
    fill(&mut open(&files, LIMITS).spool, 0..3);
    files.power_cut(7);
    let mut opened = open(&files, LIMITS);
    assert!(opened.is_certain);
    assert_eq!(opened.spool.newest(), Some(record(2).1));
    let batch = opened.spool.batch(None, 10, usize::MAX).unwrap();
    let lines: Vec<&str> = batch.items.iter().map(|item| item.line.as_str()).collect();
    assert_eq!(
        lines,
        (0..3).map(|n| record(n).0.to_line()).collect::<Vec<_>>()
    );
}

#[test]
fn one_record_costs_one_sync_and_a_new_segment_one_more() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..1);
    let before = files.syncs();
    fill(&mut spool, 1..2);
    assert_eq!(files.syncs() - before, 1);
    spool.is_open = false;
    fill(&mut spool, 2..3);
    assert_eq!(files.syncs() - before, 3);
}

#[test]
fn batches_are_bounded_and_go_from_the_oldest_to_the_newest() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..9);
    let by_lines = spool.batch(None, 4, usize::MAX).unwrap();
    assert_eq!(by_lines.items.len(), 4);
    let after = by_lines.items.last().map(|item| item.id);
    let next = spool.batch(after, 100, 1_600).unwrap();
    assert_eq!(next.items[0].hash, record(4).1.hash);
    assert!(next.items.len() < 5);
    assert_eq!(spool.batch(after, 100, 0).unwrap().items.len(), 1);
}

#[test]
fn a_segment_goes_when_all_its_records_are_settled_and_not_before() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..9);
    let ids: Vec<RecordId> = spool.waiting(None).into_iter().map(|(id, _)| id).collect();
    let before = segment_files(&files).len();
    assert!(before > 2);
    spool.settle(&ids[..1]);
    spool.reclaim().unwrap();
    assert_eq!(segment_files(&files).len(), before);
    spool.settle(&ids);
    spool.reclaim().unwrap();
    assert!(segment_files(&files).is_empty());
    assert_eq!(spool.status().records, 0);
}

#[test]
fn the_newest_record_is_known_after_its_segment_is_gone() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..5);
    let ids: Vec<RecordId> = spool.waiting(None).into_iter().map(|(id, _)| id).collect();
    spool.settle(&ids);
    spool.reclaim().unwrap();
    files.power_cut(3);
    let opened = open(&files, LIMITS);
    assert!(opened.is_certain);
    assert_eq!(opened.spool.newest(), Some(record(4).1));
}

#[test]
fn beyond_its_bytes_the_oldest_records_are_dropped_and_counted() {
    let files = SimulatedFiles::default();
    let limits = Limits {
        max_bytes: 6_000,
        ..LIMITS
    };
    let mut spool = open(&files, limits).spool;
    fill(&mut spool, 0..40);
    let status = spool.status();
    assert!(status.bytes <= 6_000);
    assert_eq!(status.records + status.dropped_size, 40);
    assert_eq!(hashes(&mut spool), hashes_of(status.dropped_size..40));
    files.power_cut(1);
    assert_eq!(
        open(&files, limits).spool.status().dropped_size,
        status.dropped_size
    );
}

#[test]
fn what_grew_too_old_is_dropped_and_counted() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..3);
    spool.expire(NOW_US + 6 * DAY_US).unwrap();
    assert_eq!(spool.status().dropped_age, 0);
    spool.expire(NOW_US + 8 * DAY_US).unwrap();
    assert_eq!(spool.status().dropped_age, 3);
    assert!(segment_files(&files).is_empty());
    fill(&mut spool, 3..4);
    files.power_cut(1);
    let opened = open(&files, LIMITS);
    assert_eq!(opened.spool.status().dropped_age, 3);
    assert!(opened.is_certain);
}

#[test]
fn a_clock_that_was_never_set_tells_no_age() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    let (envelope, link) = record(0);
    spool.append(&envelope, link, 5_000_000).unwrap();
    spool.expire(NOW_US).unwrap();
    assert_eq!(hashes(&mut spool), hashes_of(0..1));
    fill(&mut spool, 1..2);
    spool.expire(NOW_US + 8 * DAY_US).unwrap();
    assert_eq!(
        spool.status().dropped_age,
        2,
        "what was kept before an old record is older"
    );
}

#[test]
fn a_record_larger_than_the_spool_is_an_error_and_drops_nothing() {
    let files = SimulatedFiles::default();
    let limits = Limits {
        max_bytes: 1_000,
        ..LIMITS
    };
    let mut spool = open(&files, limits).spool;
    fill(&mut spool, 0..1);
    let (mut envelope, link) = record(1);
    envelope.record.public = vec![b'x'; 2_000];
    let error = spool.append(&envelope, link, NOW_US).unwrap_err();
    assert!(matches!(
        error,
        SpoolError::TooLarge {
            max_bytes: 1_000,
            ..
        }
    ));
    assert_eq!(hashes(&mut spool), hashes_of(0..1));
}

#[test]
fn a_full_disk_makes_room_by_dropping_the_oldest() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..12);
    files.set_capacity(Some(files.used_bytes() + 300));
    fill(&mut spool, 12..20);
    let status = spool.status();
    assert_eq!(status.records + status.dropped_size, 20);
    assert!(status.dropped_size > 0);
    files.set_capacity(None);
    files.power_cut(1);
    let mut spool = open(&files, LIMITS).spool;
    assert_eq!(spool.status().dropped_size, status.dropped_size);
    assert_eq!(hashes(&mut spool), hashes_of(status.dropped_size..20));
}

#[test]
fn a_full_disk_without_that_policy_is_a_clear_error_and_the_spool_goes_on() {
    let files = SimulatedFiles::default();
    let limits = Limits {
        drop_when_disk_full: false,
        ..LIMITS
    };
    let mut spool = open(&files, limits).spool;
    fill(&mut spool, 0..2);
    files.set_capacity(Some(files.used_bytes() + 100));
    let (envelope, link) = record(2);
    let error = spool.append(&envelope, link, NOW_US).unwrap_err();
    assert!(matches!(error, SpoolError::DiskFull(hash) if hash == link.hash));
    files.set_capacity(None);
    fill(&mut spool, 3..5);
    files.power_cut(1);
    let mut opened = open(&files, limits);
    assert!(
        opened.is_certain,
        "what the failed write left was taken back"
    );
    let expected = [hashes_of(0..2), hashes_of(3..5)].concat();
    assert_eq!(hashes(&mut opened.spool), expected);
}

#[test]
fn a_damaged_record_is_stepped_over_counted_once_and_ends_certainty() {
    let files = SimulatedFiles::default();
    fill(&mut open(&files, LIMITS).spool, 0..3);
    let path = format!("spool/{}", segment_files(&files)[0]);
    files.damage(&path, |bytes| bytes[40] ^= 1);
    let mut opened = open(&files, LIMITS);
    assert!(!opened.is_certain);
    assert_eq!(hashes(&mut opened.spool), hashes_of(1..3));
    let mut again = open(&files, LIMITS);
    assert!(again.is_certain);
    assert_eq!(hashes(&mut again.spool), hashes_of(1..3));
    assert_eq!(again.spool.status().damaged, 1);
}

#[test]
fn a_record_damaged_while_the_spool_is_open_does_not_hold_up_the_others() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..3);
    let path = format!("spool/{}", segment_files(&files)[0]);
    files.damage(&path, |bytes| bytes[40] ^= 1);
    assert_eq!(hashes(&mut spool), hashes_of(1..3));
    assert_eq!((spool.status().records, spool.status().damaged), (2, 1));
}

#[test]
fn a_segment_of_a_newer_program_is_left_alone() {
    let files = SimulatedFiles::default();
    files
        .append("spool/00000000000000000004.seg", b"TONLSPL2 and more")
        .unwrap();
    let mut opened = open(&files, LIMITS);
    assert_eq!((opened.newer_segments, opened.is_certain), (1, false));
    fill(&mut opened.spool, 0..1);
    assert_eq!(segment_files(&files).len(), 2);
    assert_eq!(
        files.read("spool/00000000000000000004.seg").unwrap(),
        b"TONLSPL2 and more"
    );
}

#[test]
fn a_dropped_segment_that_comes_back_after_a_power_cut_is_not_sent_nor_counted_again() {
    let files = SimulatedFiles::default();
    let mut spool = open(&files, LIMITS).spool;
    fill(&mut spool, 0..9);
    let oldest = format!("spool/{}", segment_files(&files)[0]);
    let bytes = files.read(&oldest).unwrap();
    spool.drop_oldest(Because::Size).unwrap();
    let dropped = spool.status().dropped_size;
    files.append(&oldest, &bytes).unwrap();
    let mut spool = open(&files, LIMITS).spool;
    assert_eq!(spool.status().dropped_size, dropped);
    assert_eq!(hashes(&mut spool), hashes_of(dropped..9));
}

/// What the world knows of the spool in a random history.
#[derive(Default)]
struct Ledger {
    next_sequence: u64,
    acknowledged: BTreeSet<Hash>,
    settled: BTreeSet<Hash>,
}

#[derive(Debug, Clone)]
enum Step {
    Append,
    SettleOldest(usize),
    SettleNewest,
    LaterBy(i64),
    Kill,
    PowerCut(u64),
    PowerCutDuring(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => Just(Step::Append),
        3 => (1..6_usize).prop_map(Step::SettleOldest),
        1 => Just(Step::SettleNewest),
        1 => (0..3 * DAY_US).prop_map(Step::LaterBy),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
        3 => (0..14_u64, any::<u64>()).prop_map(|(after, seed)| Step::PowerCutDuring(after, seed)),
    ];
    prop::collection::vec(step, 1..60)
}

/// Opens the spool again, through as many power cuts as it takes.
fn reopen(files: &SimulatedFiles, limits: Limits, seed: u64) -> Spool<SimulatedFiles> {
    loop {
        match Spool::open(files.clone(), limits, Some(CHAIN)) {
            Ok(opened) if !files.is_off() => return opened.spool,
            opened => assert!(files.is_off(), "{:?}", opened.err()),
        }
        files.power_cut(seed);
    }
}

/// Lives a history; returns how many acknowledged records are neither there nor settled, and what
/// the spool counted as dropped or damaged.
fn missing_and_counted(history: &[Step], limits: Limits, files: &SimulatedFiles) -> (u64, u64) {
    let mut ledger = Ledger::default();
    let mut now_us = NOW_US;
    let mut spool = open(files, limits).spool;
    for step in history {
        match step {
            Step::Append => append_next(&mut spool, &mut ledger, now_us),
            Step::SettleOldest(count) => {
                settle(&mut spool, &mut ledger, |ids| ids.truncate(*count));
            }
            Step::SettleNewest => settle(&mut spool, &mut ledger, |ids| {
                drop(ids.drain(..ids.len().saturating_sub(1)));
            }),
            Step::LaterBy(us) => {
                now_us += us;
                let _ = spool.expire(now_us);
            }
            Step::Kill => {
                files.kill();
                spool = reopen(files, limits, 0);
            }
            Step::PowerCut(seed) => {
                files.power_cut(*seed);
                spool = reopen(files, limits, *seed);
            }
            Step::PowerCutDuring(after, seed) => {
                files.cut_power_after(*after);
                append_next(&mut spool, &mut ledger, now_us);
                settle(&mut spool, &mut ledger, |ids| ids.truncate(2));
                append_next(&mut spool, &mut ledger, now_us);
                files.power_cut(*seed);
                files.cut_power_after(seed % 9);
                spool = reopen(files, limits, *seed);
            }
        }
    }
    files.power_cut(1);
    let mut spool = reopen(files, limits, 2);
    let status = spool.status();
    let present: BTreeSet<Hash> = hashes(&mut spool).into_iter().collect();
    let missing = ledger
        .acknowledged
        .iter()
        .filter(|hash| !present.contains(hash) && !ledger.settled.contains(hash))
        .count();
    let counted = status.dropped_size + status.dropped_age + status.damaged;
    (missing as u64, counted)
}

fn append_next(spool: &mut Spool<SimulatedFiles>, ledger: &mut Ledger, now_us: i64) {
    let (envelope, link) = record(ledger.next_sequence);
    ledger.next_sequence += 1;
    if spool.append(&envelope, link, now_us).is_ok() {
        ledger.acknowledged.insert(link.hash);
    }
}

fn settle(
    spool: &mut Spool<SimulatedFiles>,
    ledger: &mut Ledger,
    choose: impl FnOnce(&mut Vec<(RecordId, Hash)>),
) {
    let waiting = spool.waiting(None).into_iter();
    let mut chosen = waiting
        .map(|(id, kept)| (id, kept.meta.link.hash))
        .collect();
    choose(&mut chosen);
    ledger.settled.extend(chosen.iter().map(|(_, hash)| *hash));
    let ids: Vec<RecordId> = chosen.into_iter().map(|(id, _)| id).collect();
    spool.settle(&ids);
    let _ = spool.reclaim();
}

const BOUNDLESS: Limits = Limits {
    max_bytes: u64::MAX,
    max_age_s: u64::MAX,
    ..LIMITS
};
const TIGHT: Limits = Limits {
    max_bytes: 9_000,
    ..LIMITS
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_acknowledged_is_lost_whatever_happens(history in steps()) {
        let files = SimulatedFiles::default();
        prop_assert_eq!(missing_and_counted(&history, BOUNDLESS, &files), (0, 0));
    }

    #[test]
    fn what_bounds_cost_is_counted_whatever_happens(history in steps()) {
        let files = SimulatedFiles::default();
        let (missing, counted) = missing_and_counted(&history, TIGHT, &files);
        prop_assert!(missing <= counted, "{missing} are gone, {counted} are counted");
    }

    #[test]
    fn opening_never_fails_and_finds_what_is_whole(
        damage in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..12), keep: prop::sample::Index,
    ) {
        let files = SimulatedFiles::default();
        fill(&mut open(&files, LIMITS).spool, 0..8);
        for name in files.list("spool").unwrap() {
            files.damage(&format!("spool/{name}"), |bytes| {
                for (at, flip) in &damage {
                    let at = at.index(bytes.len());
                    bytes[at] ^= flip;
                }
                let length = bytes.len();
                bytes.truncate(length - keep.index(length) / 4);
            });
        }
        let mut spool = open(&files, LIMITS).spool;
        let waiting = spool.waiting_records();
        prop_assert_eq!(hashes(&mut spool).len(), waiting);
        fill(&mut spool, 8..9);
        prop_assert!(hashes(&mut spool).contains(&record(8).1.hash));
    }
}

#[test]
fn these_tests_would_notice_a_missing_sync() {
    let files = SimulatedFiles::default();
    files.forget_to_sync();
    let history: Vec<Step> = (0..40)
        .flat_map(|seed| [Step::Append, Step::Append, Step::PowerCut(seed)])
        .collect();
    let (missing, counted) = missing_and_counted(&history, BOUNDLESS, &files);
    assert!(missing > counted);
}

#[test]
fn a_link_is_the_hash_of_its_envelope() {
    let (envelope, link) = record(1);
    let body = [
        sha256(&envelope.record.public).0,
        sha256(&envelope.record.private).0,
    ]
    .concat();
    assert_eq!(link.hash, sha256(&body));
}
