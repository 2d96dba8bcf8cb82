//! What a use case may be said to be, from what is known of its parts.
use super::*;
use crate::statements::suppress::{Rules, estimate};
use proptest::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

const METRICS: [&str; 4] = [
    "throughput.download_bps/ndt7",
    "throughput.upload_bps/ndt7",
    "latency.rtt_median_us/icmp",
    "latency.loss_ppm/icmp",
];

fn use_cases() -> UseCases {
    let ground = crate::testing::ground();
    let file = include_str!("../../../../configs/composites.toml");
    UseCases::parse(file, &ground.catalogue).unwrap()
}

fn seen(values: &[i64]) -> Seen {
    let unit = |value: &i64| UnitValue {
        value: *value,
        agent_days: 1,
        records: 1,
    };
    let units: Vec<UnitValue> = values.iter().map(unit).collect();
    Seen::new(estimate(&units, &Rules::PUBLISHED), &units)
}

/// Web browsing for the half, of agents with these values of each metric.
fn browsing(of: [&[i64]; 4]) -> Judged {
    let use_cases = use_cases();
    let known: BTreeMap<&str, Seen> = METRICS.into_iter().zip(of.map(seen)).collect();
    let use_case = &use_cases.all[0];
    assert_eq!(use_case.id, "web_browsing");
    judge(
        &use_cases,
        use_case,
        &use_cases.levels[0],
        "domestic",
        |one| known.get(one.metric.as_str()),
    )
}

const FAST: [i64; 8] = [90_000_000; 8];
const NEAR: [i64; 8] = [9_000; 8];
const CLEAN: [i64; 8] = [0; 8];
const SLOW: [i64; 8] = [2_000_000; 8];

#[test]
fn a_use_case_is_met_where_every_interval_is_on_the_right_side() {
    let judged = browsing([&FAST, &FAST, &NEAR, &CLEAN]);
    assert_eq!(judged.said, Said::Met);
    let score = judged.score.unwrap();
    assert_eq!((score.low_permille, score.high_permille), (1_000, 1_000));
    assert_eq!(
        judged.parts[0].metric,
        "throughput.download_bps/ndt7/domestic"
    );
}

#[test]
fn the_threshold_itself_is_not_met() {
    let judged = browsing([&[10_000_000; 8], &FAST, &[100_000; 8], &CLEAN]);
    assert_eq!(judged.parts[0].said, Said::NotMet);
    assert_eq!(judged.parts[2].said, Said::NotMet);
}

#[test]
fn one_requirement_that_is_not_met_is_enough_even_where_others_are_not_known() {
    let judged = browsing([&SLOW, &[], &NEAR, &CLEAN]);
    assert_eq!(judged.said, Said::NotMet);
    assert_eq!(judged.score, None, "no score of what nobody measured");
}

#[test]
fn where_a_part_is_missing_nothing_is_met_and_there_is_no_score() {
    let judged = browsing([&FAST, &[], &NEAR, &CLEAN]);
    assert_eq!(judged.said, Said::Insufficient);
    assert_eq!(judged.score, None);
    assert_eq!(judged.parts[1].said, Said::NoData);
    assert_eq!(judged.parts[1].percentile, None);
    let nothing = browsing([&[], &[], &[], &[]]);
    assert_eq!((nothing.said, nothing.score), (Said::NoData, None));
    let hidden = browsing([&FAST[..3], &[], &[], &[]]);
    assert_eq!(hidden.said, Said::Suppressed);
    assert_eq!(
        (hidden.parts[0].counts, hidden.parts[0].percentile),
        (None, None)
    );
}

#[test]
fn an_interval_that_holds_the_threshold_decides_nothing_and_widens_the_score() {
    let mixed: Vec<i64> = (0..8).map(|agent| (agent + 6) * 1_000_000).collect();
    let judged = browsing([&mixed, &FAST, &NEAR, &CLEAN]);
    assert_eq!(judged.said, Said::Undecided);
    let score = judged.score.unwrap();
    // 3 of 13 weights are undecided.
    assert_eq!((score.low_permille, score.high_permille), (769, 1_000));
}

#[test]
fn four_parts_that_hold_at_once_need_eight_agents_for_a_median() {
    let judged = browsing([&FAST[..7], &FAST, &NEAR, &CLEAN]);
    assert_eq!(judged.parts[0].said, Said::Insufficient);
    assert_eq!(judged.parts[0].counts.unwrap().agents, 7);
    assert_eq!(judged.said, Said::Insufficient);
}

#[test]
fn a_percentile_without_both_ends_has_no_value_and_can_still_be_missed() {
    let use_cases = use_cases();
    let nine_of_ten = &use_cases.levels[2];
    let slow = seen(&SLOW);
    let judged = judge(
        &use_cases,
        &use_cases.all[0],
        nine_of_ten,
        "abroad",
        |one| (one.metric == METRICS[0]).then_some(&slow),
    );
    let percentile = judged.parts[0].percentile.unwrap();
    assert_eq!(
        (percentile.order_permille, percentile.low, percentile.value),
        (100, None, None)
    );
    assert_eq!(percentile.high, Some(2_000_000));
    assert_eq!(judged.said, Said::NotMet);
}

/// Normal by the sum of twelve uniform values, around the threshold of web browsing.
fn around_the_threshold(random: &mut ChaCha8Rng, spread: f64) -> f64 {
    let sum: f64 = (0..12).map(|_| random.random_range(0.0..1.0)).sum();
    (sum - 6.0) * spread
}

#[test]
fn a_use_case_at_its_thresholds_is_wrongly_decided_in_at_most_one_of_twenty_cells() {
    let mut random = ChaCha8Rng::seed_from_u64(20);
    for agents in [8, 12, 30, 100] {
        let cells = 2_000;
        let mut wrong = 0;
        for _ in 0..cells {
            // One agent's four values depend on each other; every median is exactly the threshold.
            let of_agent: Vec<f64> = (0..agents)
                .map(|_| around_the_threshold(&mut random, 1.0))
                .collect();
            let mut values = |threshold: f64, sign: f64| -> Vec<i64> {
                let own = of_agent.iter();
                own.map(|shared| {
                    let own = around_the_threshold(&mut random, 0.5);
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "far from the ends of the type"
                    )]
                    let value = (threshold * (1.0 + sign * 0.05 * (shared + own))) as i64;
                    value
                })
                .collect()
            };
            let (down, up) = (values(10e6, 1.0), values(10e6, 1.0));
            let (latency, loss) = (values(100e3, -1.0), values(10e3, -1.0));
            let judged = browsing([&down, &up, &latency, &loss]);
            wrong += u32::from(judged.parts.iter().any(|part| part.said != Said::Undecided));
        }
        let share = f64::from(wrong) / f64::from(cells);
        assert!(share <= 0.05, "{agents} agents: {share}");
    }
}

proptest! {
    #[test]
    fn what_may_not_be_counted_tells_nothing(values in proptest::collection::vec(0i64..200_000_000, 0..5)) {
        let judged = browsing([&values, &FAST, &NEAR, &CLEAN]);
        let part = &judged.parts[0];
        prop_assert!(part.percentile.is_none() && part.counts.is_none());
        prop_assert!(judged.score.is_none());
        prop_assert!(judged.said == Said::Insufficient);
    }

    #[test]
    fn a_better_line_is_never_said_to_be_worse(
        values in proptest::collection::vec(0i64..20_000_000, 8..40),
        more in 0i64..20_000_000,
    ) {
        let better: Vec<i64> = values.iter().map(|value| value + more).collect();
        let rank = |said: Said| match said { Said::NotMet => 0, Said::Undecided => 1, _ => 2 };
        let before = browsing([&values, &FAST, &NEAR, &CLEAN]).parts[0].said;
        let after = browsing([&better, &FAST, &NEAR, &CLEAN]).parts[0].said;
        prop_assert!(rank(before) <= rank(after));
    }
}
