//! Pooling: what may be said of a region and of the nation, from the agents of their provinces.
//!
//! 1. Agents of all provinces of the wider stratum are joined anew: who measured in two provinces is
//!    one unit, of the province of most of its agent-days.
//! 2. What is said of them follows the one mechanism of [`suppress`](super::suppress). Beside it, a wider
//!    stratum is suppressed where the agents that lie in none of its published parts are 1 to k−1: the
//!    published counts would tell theirs. Parts of the nation are the published regions, and the published
//!    provinces of the others.
//! 3. Each province weighs as many as live there. Provinces of fewer than k agents weigh together, within
//!    their region; where that is still fewer than k, the region's smallest other province joins them. A
//!    region of fewer than k agents weighs nothing and counts as not covered, as does a province without
//!    agents.
//! 4. A figure of the nation covers at least the declared share of the population; else the state is
//!    `insufficient`.
use super::independence::{AgentPeriod, grouped, unit, units};
use super::suppress::{Rules, UnitValue, estimate_part};
use super::weight::{figure, weighed};
use tonle_evidence::statement::{State, Weighted};

/// The agents of one province.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Its region, by number.
    pub region: usize,
    /// How many live there.
    pub people: u64,
    /// What agents gave over whole days, and then in ever smaller parts of them: the last is asked for.
    pub nested: Vec<&'a [AgentPeriod]>,
}

/// What is declared for pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Number of regions.
    pub regions: usize,
    /// What may be said of how many.
    pub rules: Rules,
    /// The share of the population that a figure of the nation covers at least, parts per million.
    pub covered_min_ppm: u32,
    /// No agent weighs more than so many times the median weight.
    pub trim_times_median: u64,
    /// Seed of resampling.
    pub seed: u64,
}

/// What may be said of a wider stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Unweighted.
    pub state: State,
    /// Weighted; beside an estimate only.
    pub weighted: Option<Weighted>,
    /// The part of its population that is covered, parts per million.
    pub covered_ppm: u32,
}

/// What may be said of regions and of the nation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooled {
    /// By number.
    pub regions: Vec<Said>,
    /// All.
    pub nation: Said,
}

/// What may be said of a cell by itself: of the last of what its agents gave, beside all before it.
#[must_use]
pub fn own_state(nested: &[&[AgentPeriod]], rules: &Rules) -> State {
    let Some((asked, around)) = nested.split_last() else {
        return State::NoData;
    };
    let around: Vec<usize> = around.iter().map(|whole| units(whole).len()).collect();
    estimate_part(&units(asked), &around, rules)
}

/// Pools the provinces of a country.
#[must_use]
pub fn pool(places: &[Place<'_>], terms: &Terms) -> Pooled {
    let shown: Vec<bool> = places
        .iter()
        .map(|place| own_state(&place.nested, &terms.rules).shows_counts())
        .collect();
    let regions: Vec<Said> = (0..terms.regions)
        .map(|region| {
            let inside = |index: &usize| places[*index].region == region;
            let indices: Vec<usize> = (0..places.len()).filter(inside).collect();
            said(places, &indices, &shown, terms)
        })
        .collect();
    let shown: Vec<bool> = places
        .iter()
        .zip(shown)
        .map(|(place, shown)| shown || regions[place.region].state.shows_counts())
        .collect();
    let all: Vec<usize> = (0..places.len()).collect();
    let mut nation = said(places, &all, &shown, terms);
    if let State::Estimate { counts, .. } = nation.state
        && nation.covered_ppm < terms.covered_min_ppm
    {
        nation.state = State::Insufficient { counts };
        nation.weighted = None;
    }
    Pooled { regions, nation }
}

/// A unit over several provinces.
struct Joined {
    value: UnitValue,
    /// The province it is weighed in.
    province: usize,
    /// No published part holds it.
    hidden: bool,
}

fn said(places: &[Place<'_>], indices: &[usize], shown: &[bool], terms: &Terms) -> Said {
    let depths = indices.iter().map(|index| places[*index].nested.len());
    let given = |level: usize| {
        let of = |index: usize| places[index].nested.get(level).copied().unwrap_or(&[]);
        joined(indices, shown, of)
    };
    let mut nested: Vec<Vec<Joined>> = (0..depths.max().unwrap_or(0)).map(given).collect();
    let asked = nested.pop().unwrap_or_default();
    let around: Vec<usize> = nested.iter().map(Vec::len).collect();
    let mut state = estimate_part(&values(&asked), &around, &terms.rules);
    let hidden = asked.iter().filter(|unit| unit.hidden).count();
    if (1..terms.rules.k).contains(&hidden) {
        state = State::Suppressed;
    }
    let strata = strata(places, indices, &asked);
    let covered: u64 = strata.iter().map(|stratum| stratum.people).sum();
    let people: u64 = indices.iter().map(|index| places[*index].people).sum();
    Said {
        state,
        weighted: matches!(state, State::Estimate { .. })
            .then(|| weighted(&asked, &strata, terms))
            .flatten(),
        covered_ppm: ppm(covered, people),
    }
}

fn ppm(part: u64, of: u64) -> u32 {
    let ppm = (u128::from(part) * 1_000_000)
        .checked_div(u128::from(of))
        .unwrap_or(0);
    u32::try_from(ppm).expect("a part is at most the whole")
}

fn values(joined: &[Joined]) -> Vec<UnitValue> {
    joined.iter().map(|unit| unit.value).collect()
}

/// Units over some provinces.
fn joined<'a>(
    indices: &[usize],
    shown: &[bool],
    agents_of: impl Fn(usize) -> &'a [AgentPeriod],
) -> Vec<Joined> {
    let members: Vec<(usize, &AgentPeriod)> = indices
        .iter()
        .flat_map(|index| agents_of(*index).iter().map(|agent| (*index, agent)))
        .collect();
    let seen = members
        .iter()
        .map(|(_, agent)| (agent.batch.as_str(), agent.sightings.as_slice()));
    grouped(seen)
        .into_iter()
        .map(|group| {
            let group: Vec<(usize, &AgentPeriod)> =
                group.into_iter().map(|index| members[index]).collect();
            let agents: Vec<&AgentPeriod> = group.iter().map(|(_, agent)| *agent).collect();
            Joined {
                value: unit(&agents),
                province: main_province(&group),
                hidden: group.iter().all(|(province, _)| !shown[*province]),
            }
        })
        .collect()
}

/// The province of most agent-days; of several the first.
fn main_province(group: &[(usize, &AgentPeriod)]) -> usize {
    let days = |province: usize| -> u64 {
        let here = group.iter().filter(|(index, _)| *index == province);
        here.map(|(_, agent)| agent.agent_days).sum()
    };
    let provinces = group.iter().map(|(province, _)| *province);
    provinces
        .max_by_key(|province| (days(*province), std::cmp::Reverse(*province)))
        .expect("a unit has at least one agent")
}

/// Provinces that are weighed together.
struct WeighedTogether {
    provinces: Vec<usize>,
    people: u64,
    agents: usize,
}

/// Rule 3.
fn strata(places: &[Place<'_>], indices: &[usize], units: &[Joined]) -> Vec<WeighedTogether> {
    let mut strata = Vec::new();
    let mut regions: Vec<usize> = indices.iter().map(|index| places[*index].region).collect();
    regions.sort_unstable();
    regions.dedup();
    for region in regions {
        let inside = indices
            .iter()
            .filter(|index| places[**index].region == region);
        let of_region = inside.map(|index| WeighedTogether {
            provinces: vec![*index],
            people: places[*index].people,
            agents: units.iter().filter(|unit| unit.province == *index).count(),
        });
        strata.extend(collapsed(
            of_region.filter(|one| one.agents > 0).collect(),
            Rules::PUBLISHED.k,
        ));
    }
    strata
}

fn collapsed(mut strata: Vec<WeighedTogether>, k: usize) -> Vec<WeighedTogether> {
    // Smallest last.
    strata.sort_by_key(|one| std::cmp::Reverse((one.agents, one.provinces[0])));
    while strata.len() > 1 && strata.last().is_some_and(|one| one.agents < k) {
        let small = strata.pop().expect("there are two");
        let next = strata.last_mut().expect("there was one more");
        next.provinces.extend(small.provinces);
        next.people += small.people;
        next.agents += small.agents;
    }
    strata.retain(|one| one.agents >= k);
    strata
}

/// Agents of strata that are not covered are left out: nothing says what they would weigh.
fn weighted(units: &[Joined], strata: &[WeighedTogether], terms: &Terms) -> Option<Weighted> {
    let stratum_of = |unit: &Joined| {
        let holds = |one: &WeighedTogether| one.provinces.contains(&unit.province);
        Some((unit.value.value, strata.iter().position(holds)?))
    };
    let agents: Vec<(i64, usize)> = units.iter().filter_map(stratum_of).collect();
    let people: Vec<u64> = strata.iter().map(|one| one.people).collect();
    let agents = weighed(&agents, &people, terms.trim_times_median);
    figure(&agents, terms.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::independence::Sighting;
    use proptest::prelude::*;

    const TERMS: Terms = Terms {
        regions: 2,
        rules: Rules::PUBLISHED,
        covered_min_ppm: 600_000,
        trim_times_median: 5,
        seed: 1,
    };

    fn agents(province: usize, count: usize) -> Vec<AgentPeriod> {
        let agent = |index: usize| AgentPeriod {
            batch: format!("{province}-{index}"),
            sightings: vec![Sighting {
                asn: None,
                group_id: None,
            }],
            value: i64::try_from(province * 100 + index).unwrap(),
            agent_days: 3,
            records: 3,
        };
        (0..count).map(agent).collect()
    }

    /// Provinces 0 and 1 make region 0, 2 and 3 region 1; all have as many people but the last.
    fn pooled(counts: [usize; 4]) -> Pooled {
        let agents: Vec<Vec<AgentPeriod>> = (0..4).map(|one| agents(one, counts[one])).collect();
        let places: Vec<Place<'_>> = (0..4)
            .map(|index| Place {
                region: index / 2,
                people: if index == 3 { 700 } else { 100 },
                nested: vec![&agents[index]],
            })
            .collect();
        pool(&places, &TERMS)
    }

    fn agents_of(said: &Said) -> Option<u64> {
        match said.state {
            State::Insufficient { counts } | State::Estimate { counts, .. } => Some(counts.agents),
            State::NoData | State::Suppressed => None,
        }
    }

    #[test]
    fn two_provinces_that_are_too_small_make_a_region_together() {
        let said = pooled([3, 4, 0, 0]);
        assert!(matches!(said.regions[0].state, State::Estimate { .. }));
        assert_eq!(agents_of(&said.regions[0]), Some(7));
        assert_eq!(said.regions[1].state, State::NoData);
    }

    #[test]
    fn a_region_whose_counts_would_tell_a_rest_below_k_is_suppressed() {
        let said = pooled([20, 3, 0, 0]);
        assert_eq!(said.regions[0].state, State::Suppressed);
        assert_eq!(said.nation.state, State::Suppressed);
        // Hidden in both regions are six: the nation tells neither.
        let said = pooled([20, 3, 3, 20]);
        assert_eq!(said.regions[0].state, State::Suppressed);
        assert_eq!(agents_of(&said.nation), Some(46));
    }

    #[test]
    fn the_nation_has_a_figure_where_enough_of_the_people_are_covered() {
        let said = pooled([20, 10, 20, 0]);
        assert_eq!(said.nation.covered_ppm, 300_000);
        assert!(matches!(said.nation.state, State::Insufficient { .. }));
        assert_eq!(said.nation.weighted, None);
        let said = pooled([20, 10, 0, 6]);
        assert_eq!(said.nation.covered_ppm, 900_000);
        let State::Estimate { figure, .. } = said.nation.state else {
            panic!("{:?}", said.nation);
        };
        let weighted = said.nation.weighted.unwrap();
        assert!(weighted.effective_agents_milli < 36_000);
        assert!(figure.median < 100, "most agents are in the first");
        assert!(weighted.figure.median >= 100, "the people are not");
    }

    #[test]
    fn who_measured_in_two_provinces_counts_once() {
        let (here, mut there) = (agents(0, 6), agents(1, 6));
        for (one, other) in here.iter().zip(&mut there) {
            other.batch.clone_from(&one.batch);
            other.agent_days = 1;
        }
        let place = |agents| Place {
            region: 0,
            people: 100,
            nested: vec![agents],
        };
        let places = [place(here.as_slice()), place(&there)];
        let terms = Terms {
            regions: 1,
            ..TERMS
        };
        let said = pool(&places, &terms);
        assert_eq!(agents_of(&said.nation), Some(6));
        assert_eq!(said.nation.covered_ppm, 500_000, "all weigh in the first");
    }

    proptest! {
        #[test]
        fn no_published_count_tells_a_hidden_one_below_k(
            counts in (0usize..9, 0usize..9, 0usize..9, 0usize..9),
        ) {
            let counts = [counts.0, counts.1, counts.2, counts.3];
            let said = pooled(counts);
            let own = |index: usize| if counts[index] < 5 { 0 } else { counts[index] };
            let mut parts = 0;
            for region in 0..2 {
                let of_parts = own(region * 2) + own(region * 2 + 1);
                match agents_of(&said.regions[region]) {
                    None => parts += of_parts,
                    Some(all) => {
                        let all = usize::try_from(all).unwrap();
                        let rest = all - of_parts;
                        prop_assert!(rest == 0 || rest >= 5, "{rest}");
                        parts += all;
                    }
                }
            }
            if let Some(all) = agents_of(&said.nation) {
                let rest = usize::try_from(all).unwrap() - parts;
                prop_assert!(rest == 0 || rest >= 5, "{rest}");
            }
        }
    }
}
