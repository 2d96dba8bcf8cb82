//! The month's plan of the panel: what provinces lack for an estimate, and operators for a verdict.
use super::CellsError;
use super::published::{Filter, Published};
use super::standards::{HeldRow, OTHERS, StandardsTable};
use crate::statements::Rules;
use crate::statements::panel::{Asked, Seen, enough_for_power, fewest, lacking};
use std::cmp::Reverse;
use tonle_evidence::country::Country;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::panel::{Goal, Need, PANEL_CAPTION, Panel, PanelCoverage};
use tonle_evidence::standard::{Held, Standard};
use tonle_evidence::statement::{Access, Counts, SpeaksOf, State, Statement};

/// Access classes that agents can be found for.
const PLANNED: [Access; 2] = [Access::Mobile, Access::Fixed];

impl Published {
    /// The plan of a month for one metric and for the rules of `table`.
    pub fn panel(
        &self,
        month: LocalMonth,
        metric: &str,
        table: &StandardsTable,
    ) -> Result<Panel, CellsError> {
        let country = &self.ground.country;
        let mut coverage = Vec::new();
        let mut needs = Vec::new();
        for access in PLANNED {
            let filter = Filter {
                metric: Some(metric.to_owned()),
                access: Some(access),
                ..Filter::default()
            };
            let statements = self.statements(month, &filter)?;
            coverage.push(coverage_of(access, &statements, country));
            needs.extend(statements.iter().map(|one| for_estimate(one, country)));
        }
        for (index, standard) in table.standards.iter().enumerate() {
            let rows = table.rows.iter().filter(|row| row.standard == index);
            needs.extend(self.for_verdicts(standard, rows, table.family));
        }
        needs.sort_by_key(|need: &Need| Reverse(need.people_per_agent));
        let awaiting = table.standards.iter();
        let awaiting = awaiting.filter(|standard| standard.threshold.is_none());
        Ok(Panel {
            period: month,
            metric: metric.to_owned(),
            coverage,
            awaiting: awaiting.map(|standard| standard.id.clone()).collect(),
            needs,
            caption: PANEL_CAPTION.to_owned(),
        })
    }

    /// Of a rule that awaits its annex nothing: no agent would decide it.
    fn for_verdicts<'a>(
        &self,
        standard: &'a Standard,
        rows: impl Iterator<Item = &'a HeldRow>,
        family: usize,
    ) -> Vec<Need> {
        let country = &self.ground.country;
        if standard.threshold.is_none() {
            return Vec::new();
        }
        let (fewest, power) = (
            fewest(standard),
            enough_for_power(standard, family, &self.powers),
        );
        let operators = country.operators.len() as u64;
        let need_of = |row: &HeldRow| {
            let (counts, said) = match row.held {
                Held::NoData => (None, "no_data"),
                Held::Suppressed => (None, "suppressed"),
                Held::Judged {
                    counts, judgement, ..
                } => (Some(counts), judgement.as_str()),
            };
            let living = people_of(&row.province, country);
            let asked = Asked {
                seen: seen(counts, row.held == Held::NoData),
                is_decided: row.is_decided(),
                people: living.checked_div(operators).unwrap_or(0),
                goal: fewest,
                power,
            };
            let goal = Goal::Verdict {
                standard: standard.id.clone(),
                version: standard.version,
            };
            let speaks_of = SpeaksOf::Operator {
                province: row.province.clone(),
                operator: row.operator.clone(),
            };
            need(goal, speaks_of, standard.access, said, &asked)
        };
        // Nobody can be asked to join with another operator than the country's.
        rows.filter(|row| row.operator != OTHERS)
            .map(need_of)
            .collect()
    }
}

fn people_of(province: &str, country: &Country) -> u64 {
    let info = country.province(province);
    info.map_or(0, |info| info.population.unsigned_abs())
}

fn coverage_of(access: Access, statements: &[Statement], country: &Country) -> PanelCoverage {
    let count = |word: &str| {
        let in_state = statements.iter().filter(|one| one.state.as_str() == word);
        in_state.count() as u64
    };
    let people = |one: &Statement| u128::from(people_of(&one.province, country));
    let estimates = statements
        .iter()
        .filter(|one| matches!(one.state, State::Estimate { .. }));
    let covered: u128 = estimates.map(people).sum();
    let all: u128 = statements.iter().map(people).sum();
    let ppm = (covered * 1_000_000).checked_div(all).unwrap_or(0);
    PanelCoverage {
        access,
        estimate: count("estimate"),
        insufficient: count("insufficient"),
        suppressed: count("suppressed"),
        no_data: count("no_data"),
        population_ppm: u32::try_from(ppm).expect("a part is at most the whole"),
    }
}

fn seen(counts: Option<Counts>, is_empty: bool) -> Seen {
    match counts {
        Some(counts) => Seen::Counted(counts.agents),
        None if is_empty => Seen::Nobody,
        None => Seen::Some,
    }
}

fn for_estimate(statement: &Statement, country: &Country) -> Need {
    let counts = match statement.state {
        State::NoData | State::Suppressed => None,
        State::Insufficient { counts } | State::Estimate { counts, .. } => Some(counts),
    };
    let asked = Asked {
        seen: seen(counts, statement.state == State::NoData),
        is_decided: matches!(statement.state, State::Estimate { .. }),
        people: people_of(&statement.province, country),
        goal: Rules::PUBLISHED.floor as u64,
        power: None,
    };
    let goal = Goal::Estimate {
        metric: statement.metric.clone(),
    };
    let province = statement.province.clone();
    let speaks_of = SpeaksOf::Province { province };
    let said = statement.state.as_str();
    need(goal, speaks_of, statement.access, said, &asked)
}

fn need(goal: Goal, speaks_of: SpeaksOf, access: Access, said: &str, asked: &Asked) -> Need {
    let lacking = lacking(asked);
    Need {
        goal,
        speaks_of,
        access,
        said: said.to_owned(),
        agents: match asked.seen {
            Seen::Counted(agents) => Some(agents),
            Seen::Nobody | Seen::Some => None,
        },
        to_be_counted: lacking.to_be_counted,
        to_goal: lacking.to_goal,
        to_power: lacking.to_power,
        people: asked.people,
        people_per_agent: lacking.people_per_agent,
    }
}
