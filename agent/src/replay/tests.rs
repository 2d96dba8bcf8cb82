//! What a replay may claim: on traces whose truth is known.
use super::evaluate::{OURS, play};
use super::*;
use crate::experiments::throughput::early_stop::Rule;
use proptest::prelude::*;

/// The made-up set as rules see it.
fn replayed() -> Vec<Replayed> {
    synthetic_traces().iter().filter_map(Replayed::of).collect()
}

#[test]
fn our_rule_saves_three_times_the_data_at_a_median_error_below_five_percent() {
    for traces in [recorded::choosing(), recorded::reporting(), replayed()] {
        let report = evaluate(&traces);
        let shipped = report.shipped().unwrap().all;
        assert!(shipped.median_error_ppm < 50_000, "{shipped:?}");
        assert!(shipped.used_ppm * 3 <= 1_000_000, "{shipped:?}");
    }
}

#[test]
fn no_baseline_is_cheaper_at_the_same_error_on_lines_of_the_lab() {
    for traces in [recorded::choosing(), recorded::reporting()] {
        let report = evaluate(&traces);
        let shipped = report.shipped().unwrap().all;
        let baselines = report.baselines();
        assert_eq!(baselines.len(), 5);
        for rule in baselines {
            let used_ppm = report
                .cheapest(rule, shipped.median_error_ppm)
                .map(|sweep| sweep.all.used_ppm);
            assert!(
                used_ppm.is_none_or(|used| used > shipped.used_ppm),
                "{rule}: {used_ppm:?}"
            );
        }
    }
}

#[test]
fn a_rule_sees_only_the_past() {
    struct Nosy(usize);
    impl Stopper for Nosy {
        fn decide(&mut self, points: &[Point], _: i64) -> Option<i64> {
            self.0 += 1;
            assert_eq!(points.len(), self.0);
            None
        }
    }
    let trace = &replayed()[0];
    let outcome = play(trace, &mut Nosy(0));
    assert!(!outcome.is_stopped);
    assert_eq!((outcome.error_ppm, outcome.used_ppm), (0, 1_000_000));
}

#[test]
fn bytes_on_their_way_are_paid_for() {
    struct At(i64);
    impl Stopper for At {
        fn decide(&mut self, points: &[Point], _: i64) -> Option<i64> {
            let last = points.last()?;
            (last.elapsed_us >= self.0).then_some(1)
        }
    }
    let point = |tick: i64| Point {
        elapsed_us: tick * 100_000,
        bytes: tick * 1_000,
    };
    let trace = Replayed {
        points: (1..=100).map(point).collect(),
        rtt_us: 200_000,
        full_bps: 80_000,
    };
    assert_eq!(play(&trace, &mut At(1_000_000)).used_bytes, 12_000);
}

#[test]
fn files_of_the_agent_and_of_others_are_read_and_bad_lines_are_named() {
    let trace = serde_json::to_string(&synthetic_traces()[0]).unwrap();
    let own = format!("{{\"format\":1,\"before\":7}}\n{trace}\n\n{trace}\n");
    assert_eq!(read::parse(&own).unwrap().len(), 2);
    for bad in ["nonsense", "{}", "{\"trace\":1}", "[1]"] {
        let error = read::parse(&format!("{trace}\n{bad}\n")).unwrap_err();
        assert_eq!(error.0, 2, "{bad}");
    }
    let newer = trace.replace("\"trace\":1", "\"trace\":2");
    assert!(read::parse(&newer).unwrap_err().1.contains("form is 2"));
}

#[test]
fn the_table_has_a_line_for_every_rule() {
    let report = evaluate(&replayed()[..3]);
    let lines = table(&report);
    for rule in report.baselines() {
        assert!(lines.iter().any(|line| line.starts_with(rule)), "{rule}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.contains("(shipped)") && line.starts_with(OURS))
    );
}

proptest! {
    #[test]
    fn no_trace_makes_a_rule_panic(raw in prop::collection::vec((any::<i64>(), any::<i64>()), 1..40), rtt in any::<i64>()) {
        let trace = Trace {
            points: raw,
            kernel: vec![crate::experiments::throughput::trace::Kernel { min_rtt_us: Some(rtt), ..Default::default() }],
            ..Trace::default()
        };
        if let Some(replayed) = Replayed::of(&trace) {
            let _ = evaluate(&[replayed]);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n]{0,300}") {
        let _ = read::parse(&text);
    }
}

#[test]
fn the_shipped_parameters_are_among_those_swept() {
    let report = evaluate(&[]);
    assert!(report.shipped().is_some(), "{:?}", Rule::STANDARD);
}
