//! What the outbox promises across crashes, on a full disk and to careless experiments.
mod forget;

use super::*;
use crate::files::simulated::SimulatedFiles;
use crate::receipts::tests::receipt_of;
use crate::record::tests::{context, recorded};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::SigningKey;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::Id64;

const NOW_US: i64 = 1_790_000_000_000_000;
const LIMITS: Limits = Limits {
    max_bytes: 4 << 20,
    max_age_s: 7 * 86_400,
    segment_bytes: 6_000,
    drop_when_disk_full: true,
};

fn try_open(files: &SimulatedFiles) -> Option<Outbox<SimulatedFiles>> {
    let identity = Identity::load_or_create(files).ok()?;
    Outbox::open(files.clone(), identity, LIMITS, NOW_US).ok()
}

fn open(files: &SimulatedFiles) -> Outbox<SimulatedFiles> {
    try_open(files).unwrap()
}

fn collector() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn acknowledged(hash: Hash) -> Fate {
    let receipt = receipt_of(hash, &collector());
    Fate::Acknowledged(Acknowledged::check(hash, receipt, &collector().verifying_key()).unwrap())
}

fn envelopes(outbox: &mut Outbox<SimulatedFiles>) -> Vec<Envelope> {
    let batch = outbox.batch(None, usize::MAX, usize::MAX);
    let items = batch.map(|batch| batch.items).unwrap_or_default();
    items
        .iter()
        .map(|item| Envelope::from_line(item.line.as_bytes()).unwrap())
        .collect()
}

fn keep(outbox: &mut Outbox<SimulatedFiles>) -> Result<Kept, OutboxError> {
    outbox.keep(&context(), recorded(), NOW_US)
}

fn settle_all(outbox: &mut Outbox<SimulatedFiles>) -> Result<(), OutboxError> {
    let Some(batch) = outbox.batch(None, usize::MAX, usize::MAX) else {
        return Ok(());
    };
    let fates: Vec<Fate> = batch
        .items
        .iter()
        .map(|item| acknowledged(item.hash))
        .collect();
    outbox.settle(&batch, &fates, NOW_US)
}

#[test]
fn a_chain_goes_on_over_restarts_whether_or_not_its_records_were_sent() {
    let files = SimulatedFiles::default();
    for sends in [false, true, false] {
        let mut outbox = open(&files);
        keep(&mut outbox).unwrap();
        keep(&mut outbox).unwrap();
        if sends {
            settle_all(&mut outbox).unwrap();
        }
        files.power_cut(5);
    }
    let mut outbox = open(&files);
    keep(&mut outbox).unwrap();
    let privates: Vec<_> = envelopes(&mut outbox)
        .iter()
        .map(|envelope| envelope.open().unwrap().private)
        .collect();
    let sequences: Vec<u64> = privates.iter().map(|private| private.sequence).collect();
    assert!(sequences.ends_with(&[4, 5, 6]), "{sequences:?}");
    let chain_id = outbox.chain.chain_id;
    assert!(privates.iter().all(|private| private.chain_id == chain_id));
}

#[test]
fn a_lost_chain_file_or_spool_state_begins_a_new_chain() {
    for lost in ["chain.json", "spool/state.json"] {
        let files = SimulatedFiles::default();
        let mut outbox = open(&files);
        keep(&mut outbox).unwrap();
        let before = outbox.chain.chain_id;
        files.damage(lost, |bytes| bytes.truncate(5));
        let outbox = open(&files);
        assert_ne!(outbox.chain.chain_id, before, "{lost}");
        assert_eq!(outbox.chain.next_sequence, 0, "{lost}");
    }
}

#[test]
fn an_undeclared_metric_costs_the_figures_and_not_the_run() {
    let files = SimulatedFiles::default();
    let mut outbox = open(&files);
    let mut wrong = recorded();
    wrong.samples.push(("latency.invented".into(), 1));
    let kept = outbox.keep(&context(), wrong, NOW_US).unwrap();
    assert_eq!(kept.outcome, Outcome::Panicked);
    let opened = envelopes(&mut outbox)[0].open().unwrap();
    assert!(opened.public.samples.is_empty());
    assert_eq!(opened.public.observations.len(), 1);
}

#[test]
fn a_refused_record_is_kept_apart_with_the_reason() {
    let files = SimulatedFiles::default();
    let mut outbox = open(&files);
    let kept = keep(&mut outbox).unwrap();
    let batch = outbox.batch(None, 9, usize::MAX).unwrap();
    let fate = Fate::Refused {
        reason: "signature".into(),
        detail: "does not verify".into(),
    };
    outbox.settle(&batch, &[fate], NOW_US).unwrap();
    files.power_cut(1);
    let outbox = open(&files);
    assert_eq!(outbox.waiting_records(), 0);
    let refused = outbox.refused().unwrap();
    assert_eq!(
        (refused[0].record_hash, refused[0].reason.as_str()),
        (kept.hash, "signature")
    );
    assert_eq!(refused[0].line.as_ref(), Some(&batch.items[0].line));
}

#[test]
fn on_a_full_disk_records_still_leave_behind_their_receipts() {
    let files = SimulatedFiles::default();
    let mut outbox = open(&files);
    for _ in 0..9 {
        keep(&mut outbox).unwrap();
    }
    files.set_capacity(Some(files.used_bytes()));
    settle_all(&mut outbox).unwrap();
    assert_eq!(outbox.waiting_records(), 0);
    files.power_cut(1);
    assert_eq!(open(&files).receipts().unwrap().len(), 9);
}

#[derive(Debug, Clone)]
enum Step {
    Keep,
    Settle(usize),
    Kill,
    PowerCut(u64),
    PowerCutAfter(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Keep),
        4 => (1..5_usize).prop_map(Step::Settle),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::PowerCut),
        4 => (0..24_u64, any::<u64>()).prop_map(|(steps, seed)| Step::PowerCutAfter(steps, seed)),
    ];
    prop::collection::vec(step, 1..40)
}

/// The collector and the world outside: what has left the device.
#[derive(Default)]
struct Outside {
    durable: BTreeSet<Hash>,
    sent: BTreeMap<(Id64, u64), Hash>,
    settled: BTreeSet<Hash>,
}

impl Outside {
    fn keep(&mut self, outbox: &mut Outbox<SimulatedFiles>) {
        if let Ok(kept) = keep(outbox) {
            self.durable.insert(kept.hash);
        }
    }

    /// Sends a batch; every place of a chain must always carry the same record.
    fn send(&mut self, outbox: &mut Outbox<SimulatedFiles>, lines: usize) {
        let Some(batch) = outbox.batch(None, lines, usize::MAX) else {
            return;
        };
        for item in &batch.items {
            let envelope = Envelope::from_line(item.line.as_bytes()).unwrap();
            let private = envelope.open().unwrap().private;
            let place = (private.chain_id, private.sequence);
            let first = *self.sent.entry(place).or_insert(item.hash);
            assert_eq!(first, item.hash, "two records at one place of a chain");
        }
        let fates: Vec<Fate> = batch
            .items
            .iter()
            .map(|item| acknowledged(item.hash))
            .collect();
        if outbox.settle(&batch, &fates, NOW_US).is_ok() {
            self.settled
                .extend(batch.items.iter().map(|item| item.hash));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_record_is_lost_and_no_place_of_a_chain_is_used_twice(history in steps()) {
        let files = SimulatedFiles::default();
        let mut outside = Outside::default();
        let mut outbox = open(&files);
        for step in history {
            match step {
                Step::Keep => outside.keep(&mut outbox),
                Step::Settle(lines) => outside.send(&mut outbox, lines),
                Step::Kill => {
                    files.kill();
                    outbox = open(&files);
                }
                Step::PowerCut(seed) => {
                    files.power_cut(seed);
                    outbox = open(&files);
                }
                Step::PowerCutAfter(steps, seed) => {
                    files.cut_power_after(steps);
                    outside.keep(&mut outbox);
                    outside.send(&mut outbox, 3);
                    outside.keep(&mut outbox);
                    files.power_cut(seed);
                    files.cut_power_after(seed % 16);
                    let reopened = try_open(&files);
                    files.power_cut(seed ^ 1);
                    drop(reopened);
                    outbox = open(&files);
                }
            }
        }
        files.power_cut(3);
        let mut outbox = open(&files);
        let present: BTreeSet<Hash> = envelopes(&mut outbox).iter().map(Envelope::hash).collect();
        let receipts: BTreeSet<Hash> = outbox.receipts().unwrap().iter().map(|kept| kept.record_hash).collect();
        for hash in &outside.durable {
            prop_assert!(present.contains(hash) || receipts.contains(hash), "{hash} is lost");
        }
        for hash in &outside.settled {
            prop_assert!(receipts.contains(hash), "{hash} left without its receipt");
        }
    }
}
