//! The panel planner: what each cell lacks, and where the next agents would decide most.
//!
//! It knows no more of a cell than is published of it: of a suppressed one, that it has some agent and fewer
//! than it takes. So neither a number nor the order of the plan tells a hidden count.
use super::order_bounds::{lower_rank, upper_rank};
use super::quantile::Order;
use super::standard::MEAN_AGENTS_MIN;
use super::standard::power::Powers;
use super::suppress::Rules;
use tonle_evidence::panel::Lack;
use tonle_evidence::standard::{Standard, Statistic};

/// A power that is enough, parts per million.
pub const POWER_ENOUGH_PPM: u32 = 700_000;
/// More than any percentile in thousandths asks for: 0.999 of them takes 2 995.
const AGENTS_MOST: usize = 3_000;
/// Sizes of a cell of which the power is asked, in rising order.
const SIZES: [usize; 16] = [
    6, 8, 10, 12, 15, 18, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200,
];

/// What is published of the number of a cell's agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// None.
    Nobody,
    /// At least one; how many may not be said.
    Some,
    /// So many.
    Counted(u64),
}

/// A cell as it is published, and what its agents are to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its agents.
    pub seen: Seen,
    /// What was to be decided is decided.
    pub is_decided: bool,
    /// How many people it stands for.
    pub people: u64,
    /// Fewest agents with which its goal can be reached.
    pub goal: u64,
    /// Agents that would find a cell which falls clearly short, where that is known.
    pub power: Option<u64>,
}

/// What a cell lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// Until anything may be said of it.
    pub to_be_counted: Lack,
    /// Until its goal can be reached.
    pub to_goal: Lack,
    /// Until a cell that falls clearly short would be found.
    pub to_power: Option<Lack>,
    /// People for whom it would be decided, per agent that joins.
    pub people_per_agent: u64,
}

/// What a cell lacks.
#[must_use]
pub fn lacking(cell: &Asked) -> Lacking {
    let to_goal = lack(cell.seen, cell.goal);
    let to_power = cell.power.map(|agents| lack(cell.seen, agents));
    // A cell that is large enough for a verdict and has none lacks power.
    let next = if to_goal.agents > 0 {
        to_goal.agents
    } else {
        to_power.map_or(0, |lack| lack.agents)
    };
    let people_per_agent = cell.people.checked_div(next).unwrap_or(0);
    Lacking {
        to_be_counted: lack(cell.seen, Rules::PUBLISHED.k as u64),
        to_goal,
        to_power,
        people_per_agent: if cell.is_decided { 0 } else { people_per_agent },
    }
}

fn lack(seen: Seen, needed: u64) -> Lack {
    match seen {
        Seen::Nobody => Lack {
            agents: needed,
            at_most: false,
        },
        Seen::Some => Lack {
            agents: needed.saturating_sub(1),
            at_most: true,
        },
        Seen::Counted(agents) => Lack {
            agents: needed.saturating_sub(agents),
            at_most: false,
        },
    }
}

/// Fewest agents with which a rule says anything: its own floor, and that of its statistic.
#[must_use]
pub fn fewest(standard: &Standard) -> u64 {
    let confidence = f64::from(standard.confidence_permille) / 1_000.0;
    let of_statistic = match standard.statistic {
        Statistic::Mean => MEAN_AGENTS_MIN,
        Statistic::Percentile { order_permille } => {
            let order = Order::permille(order_permille).unwrap_or(Order::MEDIAN);
            let bounded = |n: &usize| {
                lower_rank(*n, order, confidence).is_some()
                    || upper_rank(*n, order, confidence).is_some()
            };
            (1..=AGENTS_MOST).find(bounded).unwrap_or(AGENTS_MOST)
        }
        Statistic::Share { .. } | Statistic::AgentShare { .. } => 2,
    };
    standard.min_agents.max(of_statistic as u64)
}

/// Fewest agents (of some usual sizes) with which a cell that falls clearly short of its rule is found in seven of ten
/// tables of so large a family; `None` where no size does, and of rules of which no cell can fall so short.
#[must_use]
pub fn enough_for_power(standard: &Standard, family: usize, powers: &Powers) -> Option<u64> {
    standard.threshold?;
    let found = |size: &usize| powers.of(standard, *size, family);
    let is_small = |size: &usize| found(size).is_none_or(|ppm| ppm < POWER_ENOUGH_PPM);
    let enough = SIZES.partition_point(is_small);
    SIZES.get(enough).map(|size| *size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(seen: Seen) -> Asked {
        Asked {
            seen,
            is_decided: false,
            people: 1_200,
            goal: 6,
            power: Some(30),
        }
    }

    fn lack(agents: u64, at_most: bool) -> Lack {
        Lack { agents, at_most }
    }

    #[test]
    fn a_cell_lacks_what_it_takes_less_what_it_has() {
        let none = lacking(&asked(Seen::Nobody));
        assert_eq!(
            (none.to_be_counted, none.to_goal),
            (lack(5, false), lack(6, false))
        );
        assert_eq!(none.people_per_agent, 200);
        let five = lacking(&asked(Seen::Counted(5)));
        assert_eq!(
            (five.to_be_counted, five.to_goal),
            (lack(0, false), lack(1, false))
        );
        assert_eq!(five.people_per_agent, 1_200, "one agent decides for all");
        let six = lacking(&asked(Seen::Counted(6)));
        assert_eq!(six.to_power, Some(lack(24, false)));
        assert_eq!(six.people_per_agent, 50, "it lacks power");
    }

    #[test]
    fn of_a_suppressed_cell_no_number_is_told() {
        let few = lacking(&asked(Seen::Some));
        assert_eq!(
            (few.to_be_counted, few.to_goal),
            (lack(4, true), lack(5, true))
        );
        assert_eq!(few.people_per_agent, 240);
    }

    #[test]
    fn where_it_is_decided_no_agent_is_asked_for() {
        let decided = Asked {
            is_decided: true,
            ..asked(Seen::Counted(9))
        };
        assert_eq!(lacking(&decided).people_per_agent, 0);
    }

    proptest! {
        #[test]
        fn one_agent_more_never_makes_a_cell_lack_more(agents in 5u64..100, goal in 1u64..60) {
            let of = |agents| lacking(&Asked { goal, ..asked(Seen::Counted(agents)) });
            prop_assert!(of(agents + 1).to_goal.agents <= of(agents).to_goal.agents);
            prop_assert!(of(agents + 1).to_power.unwrap().agents <= of(agents).to_power.unwrap().agents);
        }
    }
}
