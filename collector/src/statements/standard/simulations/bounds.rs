//! Whether each bound holds as often as it promises, and whether a verdict means the same whatever the number of
//! agents. Three agents in ten measure all day, the others once a day.
use super::*;
use crate::statements::standard::table::Cell;
use tonle_evidence::standard::{Held, Judgement, Standard, Statistic, Status};
use tonle_evidence::statement::{Access, Window};

/// Drawn cells of a case.
const CELLS_DRAWN: u32 = 400;
/// A bound promises 95 %; at least so many hold.
const HOLDS_MIN: f64 = 0.93;

/// How many of the drawn bounds lie on the right side of the truth, below and above.
fn holding(truth: f64, cells: u32, mut draw: impl FnMut() -> Evidence) -> (f64, f64) {
    let (mut low, mut high) = (0, 0);
    for _ in 0..cells {
        let seen = draw();
        low += u32::from(seen.low.is_none_or(|bound| bound <= truth));
        high += u32::from(seen.high.is_none_or(|bound| bound >= truth));
    }
    (
        f64::from(low) / f64::from(cells),
        f64::from(high) / f64::from(cells),
    )
}

#[test]
fn bounds_of_a_share_hold_in_at_least_93_percent_of_cells() {
    for agents in AGENTS {
        for correlation in CORRELATIONS {
            let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
            let draw = || {
                let shares = shares(&mut random, agents, 0.8, correlation);
                share::judge(&shares, 0.8, 0.95).unwrap()
            };
            let (low, high) = holding(0.8, CELLS_DRAWN, draw);
            assert!(
                low >= HOLDS_MIN && high >= HOLDS_MIN,
                "{agents} agents, correlation {correlation}: {low} {high}"
            );
        }
    }
}

#[test]
fn bounds_of_a_mean_hold_in_at_least_93_percent_of_cells() {
    // Resampling takes its time. Of a thousand cells each with 20, 30 and 100 agents and correlations of 0
    // to 0.8, at least 96.6 % held.
    for correlation in [0.2, 0.8] {
        let mut random = ChaCha8Rng::seed_from_u64(30);
        let mut drawn = 0;
        let draw = || {
            drawn += 1;
            let means = means(&mut random, 30, correlation);
            mean::judge(&means, (Op::AtLeast, 1.0), 0.95, drawn).unwrap()
        };
        let (low, high) = holding(1.0, CELLS_DRAWN / 8, draw);
        assert!(
            low >= HOLDS_MIN && high >= HOLDS_MIN,
            "correlation {correlation}: {low} {high}"
        );
    }
}

#[test]
fn bounds_of_a_percentile_hold_in_at_least_93_percent_of_cells_with_heavy_tails() {
    for agents in AGENTS {
        let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
        let draw = || {
            // A quotient of normal variables: it has no mean.
            let mut heavy =
                || quantized((normal(&mut random) / normal(&mut random)).clamp(-1e6, 1e6));
            let values: Vec<i64> = (0..agents).map(|_| heavy()).collect();
            percentile::judge(&values, Order::MEDIAN, (Op::AtLeast, 0), 0.95).unwrap()
        };
        let (low, high) = holding(0.0, CELLS_DRAWN, draw);
        assert!(
            low >= HOLDS_MIN && high >= HOLDS_MIN,
            "{agents} agents: {low} {high}"
        );
    }
}

fn rule() -> Standard {
    Standard {
        id: "xx.share".to_owned(),
        version: 1,
        en: "Share".to_owned(),
        km: "ភាគ".to_owned(),
        metric: "throughput.download_bps/ndt7/domestic".to_owned(),
        access: Access::Mobile,
        window: Window::All,
        statistic: Statistic::Share {
            min_share_permille: 800,
        },
        op: Op::AtLeast,
        threshold: Some(1),
        min_agents: 6,
        min_days: 6,
        confidence_permille: 950,
        legal_source: "a test".to_owned(),
        valid_from: "2026-01".parse().unwrap(),
        valid_to: None,
        status: Status::InForce,
    }
}

/// How many cells of a whole table have each of the two decided verdicts.
fn decided(random: &mut ChaCha8Rng, agents: usize, truth: f64, correlation: f64) -> (usize, usize) {
    let rule = rule();
    let unit = |share: f64| {
        let right = (share * f64::from(DAYS)).round();
        let values = (0..DAYS).map(|day| i64::from(f64::from(day) < right));
        UnitSamples {
            values: values.collect(),
            agent_days: u64::from(DAYS),
            records: u64::from(DAYS),
        }
    };
    let mut cell = || {
        let shares = shares(random, agents, truth, correlation);
        let units: Vec<UnitSamples> = shares.into_iter().map(unit).collect();
        Cell {
            standard: &rule,
            group: "KH-1",
            whole: units.clone(),
            units,
            seed: 1,
        }
    };
    let cells: Vec<Cell<'_>> = (0..CELLS).map(|_| cell()).collect();
    let held = table::judge(&cells).held;
    let count = |wanted| {
        let is =
            |held: &&Held| matches!(held, Held::Judged { judgement, .. } if *judgement == wanted);
        held.iter().filter(is).count()
    };
    (count(Judgement::Meets), count(Judgement::DoesNotMeet))
}

#[test]
fn with_any_number_of_agents_a_verdict_that_is_given_is_the_same() {
    for correlation in [0.0, 0.2, 0.5] {
        let (mut right_below, mut right_above) = (0, 0);
        for agents in [6, 12, 30, 100, 200] {
            let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
            let case = format!("{agents} agents, correlation {correlation}");
            let (meets, falls_short) = decided(&mut random, agents, 0.6, correlation);
            assert_eq!(meets, 0, "{case}: 60 % where 80 % are asked for");
            assert!(falls_short >= right_below, "{case}: more agents say less");
            right_below = falls_short;
            let (meets, falls_short) = decided(&mut random, agents, 0.97, correlation);
            assert_eq!(falls_short, 0, "{case}: 97 % where 80 % are asked for");
            assert!(meets >= right_above, "{case}: more agents say less");
            right_above = meets;
        }
        assert_eq!((right_below, right_above), (CELLS, CELLS), "{correlation}");
    }
}
