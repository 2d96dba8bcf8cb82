//! What is promised of a table, held against drawn tables of which the truth is known. Seeds are fixed.
use super::*;
use crate::statements::holm;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

mod bounds;

/// Cells of a table: 25 provinces, three operators.
const CELLS: usize = 75;
/// Days of a month.
const DAYS: u32 = 30;
/// Days on which agents measure of whose samples the median is asked.
const DAYS_FEW: u32 = 5;
/// Correlations within an agent.
const CORRELATIONS: [f64; 4] = [0.0, 0.2, 0.5, 0.8];
/// Drawn tables of a case: of a promise of one in twenty that is just kept, five are expected.
const TABLES: usize = 100;
/// Agents of a cell.
const AGENTS: [usize; 4] = [6, 12, 30, 100];

pub(super) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// A Beta variable with small parameters, by Jöhnk's method.
fn beta(random: &mut ChaCha8Rng, a: f64, b: f64) -> f64 {
    loop {
        let (x, y) = (
            random.random::<f64>().powf(1.0 / a),
            random.random::<f64>().powf(1.0 / b),
        );
        if x + y <= 1.0 && x + y > 0.0 {
            return x / (x + y);
        }
    }
}

/// The shares of a cell's agents whose mean is `truth`, correlated within agents: the agents' true
/// shares are Beta-distributed. One agent in three measures all day, so that its share is as good as its
/// true one; the others measure once a day.
fn shares(random: &mut ChaCha8Rng, agents: usize, truth: f64, correlation: f64) -> Vec<f64> {
    let spread = 1.0 / correlation.max(1e-3) - 1.0;
    (0..agents)
        .map(|agent| {
            let own = if correlation > 0.0 {
                beta(random, truth * spread, (1.0 - truth) * spread)
            } else {
                truth
            };
            if agent % 3 == 0 {
                return own;
            }
            let right = (0..DAYS).filter(|_| random.random_bool(own)).count();
            right as f64 / f64::from(DAYS)
        })
        .collect()
}

/// Share of tables with any accusation that stands, and of accused cells, over drawn tables.
fn accused(
    tables: usize,
    mut chance: impl FnMut(&mut ChaCha8Rng) -> f64,
    random: &mut ChaCha8Rng,
) -> (f64, f64) {
    let (mut with_any, mut cells) = (0, 0);
    for _ in 0..tables {
        let chances: Vec<f64> = (0..CELLS).map(|_| chance(random)).collect();
        let stood = holm::standing(&chances, table::FALSE_MAX)
            .into_iter()
            .filter(|one| *one)
            .count();
        with_any += usize::from(stood > 0);
        cells += stood;
    }
    (
        with_any as f64 / tables as f64,
        cells as f64 / (tables * CELLS) as f64,
    )
}

#[test]
fn a_table_of_cells_that_just_meet_a_share_accuses_falsely_in_at_most_one_of_twenty() {
    for agents in AGENTS {
        for correlation in CORRELATIONS {
            let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
            let chance = |random: &mut ChaCha8Rng| {
                let shares = shares(random, agents, 0.8, correlation);
                share::judge(&shares, 0.8, 0.95).unwrap().chance_if_met
            };
            let (tables, _) = accused(TABLES, chance, &mut random);
            assert!(
                tables <= 0.05,
                "{agents} agents, correlation {correlation}: {tables}"
            );
        }
    }
}

/// Means of a cell's agents whose mean is 1: log-normal with a tail that reaches far (σ = 1 in all),
/// the part `correlation` of the variance between agents.
fn means(random: &mut ChaCha8Rng, agents: usize, correlation: f64) -> Vec<f64> {
    let (between, within) = (correlation.sqrt(), (1.0 - correlation).sqrt());
    (0..agents)
        .map(|agent| {
            let own = between * normal(random) - 0.5;
            if agent % 3 == 0 {
                return (own + within * within / 2.0).exp();
            }
            let days = (0..DAYS).map(|_| (own + within * normal(random)).exp());
            days.sum::<f64>() / f64::from(DAYS)
        })
        .collect()
}

#[test]
fn a_table_of_cells_that_just_meet_a_mean_accuses_falsely_in_at_most_one_of_twenty() {
    for agents in [20, 30, 60] {
        for correlation in [0.2, 0.8] {
            let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
            let mut drawn = 0;
            let chance = |random: &mut ChaCha8Rng| {
                let means = means(random, agents, correlation);
                // Resampling takes its time: what is this near to the line stands in no table of 75.
                if is_near_the_line(&means) {
                    return 1.0;
                }
                drawn += 1;
                let seen = mean::judge(&means, (Op::AtLeast, 1.0), 0.95, drawn);
                seen.map_or(1.0, |seen| seen.chance_if_met)
            };
            let (tables, _) = accused(TABLES, chance, &mut random);
            assert!(
                tables <= 0.05,
                "{agents} agents, correlation {correlation}: {tables}"
            );
        }
    }
}

/// True of means that are less than three of their standard errors below 1.
fn is_near_the_line(means: &[f64]) -> bool {
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let squares: f64 = means
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    mean + 3.0 * (squares / (n - 1.0) / n).sqrt() > 1.0
}

/// Medians of a cell's agents whose median is 0: of heavy tails (Cauchy's, which have no mean), the part
/// `correlation` of the square of their width between agents.
fn medians(random: &mut ChaCha8Rng, agents: usize, correlation: f64) -> Vec<i64> {
    let (between, within) = (correlation.sqrt(), (1.0 - correlation).sqrt());
    let heavy = |random: &mut ChaCha8Rng| {
        let half_turn = std::f64::consts::PI * (random.random::<f64>() - 0.5);
        half_turn.tan().clamp(-1e6, 1e6)
    };
    (0..agents)
        .map(|agent| {
            let own = between * heavy(random);
            if agent % 3 == 0 {
                return quantized(own);
            }
            let days = (0..DAYS_FEW).map(|_| quantized(own + within * heavy(random)));
            median(&days.collect::<Vec<_>>()).unwrap()
        })
        .collect()
}

#[test]
fn a_table_of_cells_that_just_meet_a_percentile_accuses_falsely_in_at_most_one_of_twenty() {
    for agents in AGENTS {
        // The bound is exact whatever the correlation: a hundred tables of each are counted together.
        let mut all = 0.0;
        for (seed, correlation) in (agents as u64..).step_by(1_000).zip(CORRELATIONS) {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let chance = |random: &mut ChaCha8Rng| {
                let values = medians(random, agents, correlation);
                percentile::judge(&values, Order::MEDIAN, (Op::AtLeast, 0), 0.95)
                    .unwrap()
                    .chance_if_met
            };
            all += accused(TABLES, chance, &mut random).0;
        }
        let tables = all / CORRELATIONS.len() as f64;
        assert!(tables <= 0.05, "{agents} agents: {tables}");
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a few standard deviations in millionths"
)]
fn quantized(value: f64) -> i64 {
    (value * 1e6) as i64
}

#[test]
fn thirty_agents_find_sixty_percent_where_eighty_are_asked_for_in_seven_of_ten_tables() {
    let case = power::Case {
        agents: 30,
        asked: 0.8,
        truth: 0.6,
        correlation: 0.2,
    };
    let found = |case, family| power::found(&power::chances(case), power::limit(family));
    assert!(found(&case, CELLS) >= 700_000);
    let more_alike = power::Case {
        correlation: 0.5,
        ..case
    };
    assert!(found(&more_alike, 1) >= 700_000);
    // What no bound can do: agents that are all right or all wrong are thirty coins.
    let coins = power::Case {
        correlation: 1.0,
        ..case
    };
    assert!(found(&coins, CELLS) < 200_000);
}
