//! What the rule does on lines whose truth is known.
use super::*;
use proptest::prelude::*;

const RULE: Rule = Rule::STANDARD;

/// Points every 100 ms of a line whose rate at each moment (microseconds) is `rate_bps`.
fn line(rate_bps: impl Fn(i64) -> i64) -> Vec<Point> {
    let mut bytes = 0;
    (1..=100)
        .map(|tick| {
            let elapsed_us = tick * 100_000;
            bytes += rate_bps(elapsed_us) / 80;
            Point { elapsed_us, bytes }
        })
        .collect()
}

/// Where the rule stops and what it says there.
fn stopped(points: &[Point]) -> Option<(i64, i64)> {
    (1..=points.len()).find_map(|count| {
        let seen = &points[..count];
        RULE.decide(seen)
            .map(|rate| (seen[count - 1].elapsed_us, rate))
    })
}

#[test]
fn a_constant_line_is_known_at_the_shortest_time() {
    for rate_bps in [1_000_000, 20_000_000, 1_000_000_000] {
        let (at_us, estimate) = stopped(&line(|_| rate_bps)).unwrap();
        assert_eq!(at_us, RULE.min_us);
        assert!(
            (estimate - rate_bps).abs() <= rate_bps / 1_000,
            "{estimate}"
        );
    }
}

#[test]
fn the_estimate_weighs_slow_start_as_a_full_test_does() {
    let points = line(|us| if us <= 500_000 { 0 } else { 20_000_000 });
    let (at_us, estimate) = stopped(&points).unwrap();
    assert!(at_us < 3_000_000, "{at_us}");
    assert!((estimate - 19_000_000).abs() < 200_000, "{estimate}");
}

#[test]
fn a_ramp_goes_on_until_it_has_ended() {
    let ramp = line(|us| 10_000_000.min(us * 2));
    assert!(stopped(&ramp).unwrap().0 > 6_000_000);
}

#[test]
fn a_bucket_that_runs_empty_within_the_look_is_not_taken_for_the_line() {
    let bucket = line(|us| {
        if us <= 700_000 {
            40_000_000
        } else {
            10_000_000
        }
    });
    let (at_us, estimate) = stopped(&bucket).unwrap();
    assert!(at_us > RULE.min_us, "{at_us}");
    assert!((estimate - 12_100_000).abs() < 605_000, "{estimate}");
}

#[test]
fn a_wild_line_is_looked_at_for_longer() {
    let wild = line(|us| {
        if us / 300_000 % 2 == 0 {
            2_000_000
        } else {
            18_000_000
        }
    });
    let (at_us, estimate) = stopped(&wild).unwrap();
    assert!(at_us > 4_000_000, "{at_us}");
    assert!((estimate - 10_000_000).abs() < 1_000_000, "{estimate}");
}

#[test]
fn a_very_slow_line_goes_on_until_it_has_enough_bytes() {
    let points = line(|_| 48_000);
    assert_eq!(stopped(&points), None, "60 kB in ten seconds");
    let (at_us, _) = stopped(&line(|_| 256_000)).unwrap();
    assert!(at_us >= 2_048_000, "{at_us}");
}

#[test]
fn too_few_points_decide_nothing() {
    let sparse: Vec<Point> = line(|_| 9_000_000).into_iter().step_by(10).collect();
    let (at_us, _) = stopped(&sparse).unwrap();
    assert!(at_us > 6_000_000, "four points behind the half: {at_us}");
    assert_eq!(RULE.decide(&[]), None);
}

proptest! {
    #[test]
    fn no_points_make_it_panic(mut raw in prop::collection::vec((0i64..1 << 53, 0i64..1 << 53), 0..60), min_us in 0i64..20_000_000) {
        raw.sort_unstable();
        let points: Vec<Point> = raw.into_iter().map(|(elapsed_us, bytes)| Point { elapsed_us, bytes }).collect();
        let _ = Rule { min_us, min_bytes: 0, ..RULE }.decide(&points);
    }
}
