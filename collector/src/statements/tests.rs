//! Properties of what is published: order does not matter, intervals cover, one liar moves little.
use super::independence::{AgentPeriod, Sighting, units};
use super::quantile::median;
use super::suppress::{Rules, UnitValue, estimate, estimate_part};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tonle_evidence::hash::Hex;
use tonle_evidence::statement::{Counts, Figure, State};

fn agent(batch: &str, group: u8, value: i64) -> AgentPeriod {
    AgentPeriod {
        batch: batch.to_owned(),
        sightings: vec![Sighting {
            asn: Some(64_500),
            group_id: Some(Hex([group; 8])),
        }],
        value,
        agent_days: 3,
        records: 30,
    }
}

fn own_batches(values: &[i64]) -> Vec<UnitValue> {
    let agent_of = |(index, value): (usize, &i64)| agent(&format!("invitation-{index}"), 1, *value);
    let agents: Vec<AgentPeriod> = values.iter().enumerate().map(agent_of).collect();
    units(&agents)
}

fn published(units: &[UnitValue]) -> State {
    estimate(units, &Rules::PUBLISHED)
}

fn figure_of(values: &[i64]) -> Figure {
    match published(&own_batches(values)) {
        State::Estimate { figure, .. } => figure,
        other => panic!("no estimate: {other:?}"),
    }
}

#[test]
fn the_four_states_follow_the_number_of_independent_agents() {
    assert_eq!(published(&own_batches(&[])), State::NoData);
    for n in 1..5 {
        assert_eq!(published(&own_batches(&vec![20; n])), State::Suppressed);
    }
    let counts = Counts {
        agents: 5,
        agent_days: 15,
        records: 150,
    };
    let five = published(&own_batches(&[10, 20, 30, 40, 50]));
    assert_eq!(five, State::Insufficient { counts });
    let six = figure_of(&[10, 20, 30, 40, 50, 60]);
    assert_eq!((six.low, six.median, six.high), (10, 35, 60));
    assert_eq!(six.coverage_ppm, 968_750);
}

#[test]
fn agents_of_one_batch_behind_one_prefix_count_once() {
    let agents: Vec<AgentPeriod> = (0..6).map(|value| agent("shared", 1, value)).collect();
    let joined = units(&agents);
    assert_eq!(joined.len(), 1);
    assert_eq!((joined[0].agent_days, joined[0].records), (18, 180));
    assert_eq!(published(&joined), State::Suppressed);
}

#[test]
fn agents_of_one_batch_behind_distinct_prefixes_count_each() {
    let agents: Vec<AgentPeriod> = (0..6).map(|n| agent("shared", n, i64::from(n))).collect();
    assert_eq!(units(&agents).len(), 6);
}

#[test]
fn an_agent_that_wanders_over_prefixes_is_still_one() {
    let mut wanderer = agent("shared", 1, 5);
    wanderer.sightings.extend(agent("shared", 2, 0).sightings);
    let met = agent("shared", 2, 7);
    assert_eq!(units(&[wanderer.clone()]).len(), 1);
    assert_eq!(units(&[wanderer, met]).len(), 1);
}

#[test]
fn a_part_is_suppressed_where_the_whole_beside_it_would_tell_a_rest_below_k() {
    let whole = own_batches(&[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]);
    let part = |agents: usize| estimate_part(&whole[..agents], &[whole.len()], &Rules::PUBLISHED);
    for agents in 8..12 {
        assert_eq!(part(agents), State::Suppressed, "{agents} of 12");
    }
    assert!(matches!(part(12), State::Estimate { .. }));
    assert!(matches!(part(7), State::Estimate { .. }));
    let few = own_batches(&[10, 20, 30]);
    for agents in 0..=3 {
        let state = estimate_part(&few[..agents], &[few.len()], &Rules::PUBLISHED);
        assert_eq!(state, State::Suppressed, "{agents} of 3");
    }
    assert_eq!(estimate_part(&[], &[0], &Rules::PUBLISHED), State::NoData);
}

#[test]
fn a_cell_that_one_unit_dominates_is_suppressed() {
    let mut units = own_batches(&[1, 2, 3, 4, 5, 6, 7]);
    units[3].agent_days = 18;
    assert!(matches!(published(&units), State::Estimate { .. }));
    units[3].agent_days = 19;
    assert_eq!(published(&units), State::Suppressed);
}

proptest! {
    #[test]
    fn the_order_of_agents_does_not_matter(
        cards in proptest::collection::vec((0_u8..4, 0_u8..4, 0_i64..1000, 1_u64..31), 0..25),
        seed: u64,
    ) {
        let agent_of = |(batch, group, value, days): &(u8, u8, i64, u64)| AgentPeriod {
            agent_days: *days,
            ..agent(&batch.to_string(), *group, *value)
        };
        let mut agents: Vec<AgentPeriod> = cards.iter().map(agent_of).collect();
        let before = published(&units(&agents));
        let mut rng = StdRng::seed_from_u64(seed);
        for last in (1..agents.len()).rev() {
            agents.swap(last, rng.random_range(0..=last));
        }
        prop_assert_eq!(published(&units(&agents)), before);
    }

    #[test]
    fn one_liar_of_twelve_moves_the_median_by_less_than_the_interval(
        honest in proptest::collection::btree_set(-1_000_000_i64..1_000_000, 12),
        liar in 0_usize..12,
        lie: i64,
    ) {
        let mut values: Vec<i64> = honest.into_iter().map(|value| value * 10).collect();
        let before = figure_of(&values);
        values[liar] = lie;
        let after = figure_of(&values);
        let moved = i128::from(after.median) - i128::from(before.median);
        prop_assert!(moved.abs() < i128::from(before.high - before.low));
    }

    #[test]
    fn an_estimate_lies_in_its_interval_and_every_count_is_at_least_k(
        values in proptest::collection::vec(0_i64..1_000_000, 0..40),
    ) {
        match published(&own_batches(&values)) {
            State::NoData => prop_assert!(values.is_empty()),
            State::Suppressed => prop_assert!((1..5).contains(&values.len())),
            State::Insufficient { counts } => prop_assert_eq!(counts.agents, 5),
            State::Estimate { figure, counts } => {
                prop_assert!(counts.agents >= 6);
                prop_assert!(figure.low <= figure.median && figure.median <= figure.high);
                prop_assert!(figure.coverage_ppm >= 950_000);
            }
        }
    }
}

/// A simulated month: what an agent's samples are, by how alike they are within the agent.
struct Panel {
    agents: usize,
    /// Share of the (logarithmic) variance that lies between agents.
    rho: f64,
    rng: StdRng,
}

impl Panel {
    /// The true median of every simulated agent's value.
    const TRUTH: f64 = 20_000.0;

    /// A draw with median 0 and a tail like Student's t with two degrees of freedom.
    fn heavy_tailed(&mut self) -> f64 {
        let p: f64 = self.rng.random_range(1e-6..1.0 - 1e-6);
        (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt()
    }

    /// Values of each agent through hour, day and period. The first agent runs day and night.
    fn month(&mut self) -> Vec<i64> {
        (0..self.agents)
            .map(|index| {
                let days = if index == 0 { 31 } else { 5 };
                let own = self.rho.sqrt() * self.heavy_tailed();
                let days: Vec<i64> = (0..days).map(|_| self.day(own, index == 0)).collect();
                median(&days).unwrap()
            })
            .collect()
    }

    fn day(&mut self, own: f64, all_day: bool) -> i64 {
        let hours = if all_day { 23 } else { 3 };
        let noise = (1.0 - self.rho).sqrt();
        let draw = |panel: &mut Self| {
            let log = own + noise * panel.heavy_tailed();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "clamped to a plausible value"
            )]
            let value = (Self::TRUTH * (0.3 * log).exp()).clamp(1.0, 1e12) as i64;
            value
        };
        let hours: Vec<i64> = (0..hours).map(|_| draw(self)).collect();
        median(&hours).unwrap()
    }
}

#[test]
fn intervals_of_95_percent_cover_the_truth_in_at_least_93_percent_of_simulated_months() {
    const MONTHS: u32 = 2_000;
    for agents in [6, 12, 30, 100] {
        for (rho, seed) in [(0.0, 1), (0.3, 2), (0.8, 3)] {
            let rng = StdRng::seed_from_u64(seed);
            let mut panel = Panel { agents, rho, rng };
            let months = if agents == 100 { MONTHS / 4 } else { MONTHS };
            let covers = |panel: &mut Panel| {
                let figure = figure_of(&panel.month());
                (figure.low as f64) <= Panel::TRUTH && Panel::TRUTH <= figure.high as f64
            };
            let covered = (0..months).filter(|_| covers(&mut panel)).count();
            let coverage = covered as f64 / f64::from(months);
            assert!(coverage >= 0.93, "{agents} agents, rho {rho}: {coverage}");
        }
    }
}
