//! What of openness is still on the device after seven days, or after the consent was withdrawn.
use super::*;
use tonle_evidence::record::Stream;

const WEEK_US: i64 = 7 * 86_400 * 1_000_000;
const LIVES_LONG: Limits = Limits {
    max_age_s: 90 * 86_400,
    ..LIMITS
};

fn open_with(files: &SimulatedFiles, limits: Limits, now_us: i64) -> Outbox<SimulatedFiles> {
    let identity = Identity::load_or_create(files).unwrap();
    Outbox::open(files.clone(), identity, limits, now_us).unwrap()
}

fn keep_of(outbox: &mut Outbox<SimulatedFiles>, stream: Stream) {
    let mut context = context();
    context.method.stream = stream;
    outbox.keep(&context, recorded(), NOW_US).unwrap();
}

/// Streams of everything that lies on the disk, in whatever place.
fn streams_on_disk(files: &SimulatedFiles) -> Vec<Stream> {
    let mut found = Vec::new();
    for folder in ["", "spool", "refused"] {
        for name in files.list(folder).unwrap() {
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let Ok(bytes) = files.read(&path) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).replace("\\\"", "\"");
            // Envelopes lie as JSON objects among other bytes, in refused lines with quotes escaped.
            for (at, _) in text.match_indices("{\"type\"") {
                let rest = &text[at..];
                let end = rest.find('}').map_or(rest.len(), |end| end + 1);
                found.extend(crate::receipts::stream_of(&rest[..end]));
            }
            let sent = text.matches("\"stream\":\"openness\"").count();
            found.extend(vec![Stream::Openness; sent]);
        }
    }
    found
}

/// One record acknowledged, one refused, one waiting.
fn every_fate(outbox: &mut Outbox<SimulatedFiles>, stream: Stream) {
    keep_of(outbox, stream);
    keep_of(outbox, stream);
    let batch = outbox.batch(None, usize::MAX, usize::MAX).unwrap();
    let refused = Fate::Refused {
        reason: "format".into(),
        detail: "planted".into(),
    };
    let fates = [acknowledged(batch.items[0].hash), refused];
    outbox
        .settle(&batch, &fates, NOW_US + 6 * 86_400 * 1_000_000)
        .unwrap();
    keep_of(outbox, stream);
}

#[test]
fn nothing_of_openness_is_on_the_device_after_seven_days_whatever_became_of_it() {
    let files = SimulatedFiles::default();
    let mut outbox = open(&files);
    every_fate(&mut outbox, Stream::Openness);
    assert_eq!(
        streams_on_disk(&files).len(),
        3,
        "the test sees all there is"
    );
    outbox.expire(NOW_US + WEEK_US);
    assert_eq!(streams_on_disk(&files).len(), 3);
    outbox.expire(NOW_US + WEEK_US + 3_600_000_001);
    assert_eq!(streams_on_disk(&files), []);
    drop(outbox);
    let mut outbox = open(&files);
    every_fate(&mut outbox, Stream::Openness);
    drop(outbox);
    drop(open_with(&files, LIMITS, NOW_US + WEEK_US + 1));
    assert_eq!(streams_on_disk(&files), [], "nor after a start");
}

#[test]
fn a_withdrawal_erases_openness_at_once_and_leaves_quality() {
    let files = SimulatedFiles::default();
    let mut outbox = open_with(&files, LIVES_LONG, NOW_US);
    every_fate(&mut outbox, Stream::Openness);
    keep_of(&mut outbox, Stream::Quality);
    assert_eq!(outbox.forget(Stream::Openness).unwrap(), 1);
    assert_eq!(streams_on_disk(&files), [Stream::Quality]);
    assert_eq!(envelopes(&mut outbox).len(), 1);
    drop(outbox);
    let mut outbox = open_with(&files, LIVES_LONG, NOW_US);
    assert_eq!(envelopes(&mut outbox).len(), 1, "blanks are never sent");
    assert_eq!(outbox.status().spool.damaged, 0);
}

#[test]
fn a_batch_on_its_way_is_settled_rightly_though_a_stream_was_forgotten_meanwhile() {
    let files = SimulatedFiles::default();
    let mut outbox = open(&files);
    for stream in [Stream::Openness, Stream::Quality, Stream::Quality] {
        keep_of(&mut outbox, stream);
    }
    let batch = outbox.batch(None, 2, usize::MAX).unwrap();
    outbox.forget(Stream::Openness).unwrap();
    let fates: Vec<Fate> = batch
        .items
        .iter()
        .map(|item| acknowledged(item.hash))
        .collect();
    outbox.settle(&batch, &fates, NOW_US).unwrap();
    assert_eq!(envelopes(&mut outbox).len(), 1);
}
