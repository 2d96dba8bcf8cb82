//! Cells of operators: metric × province × operator × access × month × window, and how the operators of a
//! province compare.
//!
//! The province's own figure stands beside them, so that what could be reckoned from it is suppressed, too.
use super::CellsError;
use super::published::{Filter, Published};
use super::read::{AgentHours, ByOperator};
use super::roll::is_in;
use super::standards::{by_known_operator, places};
use super::wider::Series;
use crate::statements::compare::{Compared, Difference, compare};
use crate::statements::quantile::median;
use crate::statements::suppress::{Beside, Rules, estimate_beside};
use crate::statements::{AgentPeriod, units};
use std::collections::BTreeMap;
use tonle_evidence::hash::sha256;
use tonle_evidence::local_time::{LocalDay, LocalMonth};
use tonle_evidence::statement::{Access, CellStatement, SpeaksOf, State, Statement, Wider, Window};

/// The cells of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorCells {
    /// In the order of provinces, then operators.
    pub cells: Vec<CellStatement>,
    /// Pairs of operators of one province that both have an estimate.
    pub comparisons: Vec<Comparison>,
}

/// Two operators of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// ISO 3166-2 code.
    pub province: String,
    /// Operator's id.
    pub first: String,
    /// The other's.
    pub second: String,
    /// What may be said.
    pub difference: Difference,
}

impl Published {
    /// What is said of each operator in each province, those without data included.
    pub fn operators(
        &self,
        month: LocalMonth,
        window: Window,
        series: &Series,
    ) -> Result<OperatorCells, CellsError> {
        let (metric, access) = (series.0.as_str(), series.1);
        let mut hours = self.cells.hours(month, &[(metric, access)])?;
        let hours: ByOperator = hours.pop().unwrap_or_default();
        let country = &self.ground.country;
        let agents = by_known_operator(&hours, country);
        let periods = |place: &(String, String), window| -> Vec<AgentPeriod> {
            let given = agents.get(place).map_or(&[][..], Vec::as_slice);
            let period =
                |agent: &&AgentHours| period(agent, |hour| is_in(window, hour, country.peak));
            given.iter().filter_map(period).collect()
        };
        let names: Vec<(String, String)> = places(country)
            .map(|(province, operator)| (province.to_owned(), operator.to_owned()))
            .collect();
        let beside: Vec<Beside<&str>> = names
            .iter()
            .map(|place| Beside {
                group: place.0.as_str(),
                part: units(&periods(place, window)),
                whole: units(&periods(place, Window::All)),
            })
            .collect();
        let states = estimate_beside(&beside, &Rules::PUBLISHED);
        let comparisons = comparisons(&names, &beside, &states, |province| {
            seed(month, window, series, province)
        });
        let around = self.around(month, window, series)?;
        let cells = names.into_iter().zip(states);
        let cells = cells.map(|((province, operator), state)| CellStatement {
            pooled: match state {
                State::Estimate { .. } => None,
                _ => around.get(&province).cloned(),
            },
            province,
            operator,
            access,
            state,
        });
        Ok(OperatorCells {
            cells: cells.collect(),
            comparisons,
        })
    }

    /// The finest stratum from the province on that has an estimate, by province.
    fn around(
        &self,
        month: LocalMonth,
        window: Window,
        series: &Series,
    ) -> Result<BTreeMap<String, Wider>, CellsError> {
        let filter = Filter {
            metric: Some(series.0.clone()),
            access: Some(series.1),
            window,
            ..Filter::default()
        };
        let own = self.statements(month, &filter)?;
        let wider = self.wider(month, window, &[series.clone()].into())?;
        let around = |statement: Statement| {
            let province = statement.province.clone();
            let region = self.strata.region_of(&province);
            let wider = wider.get(series).zip(region);
            let found = own_figure(statement)
                .or_else(|| wider.and_then(|(of, region)| of.around(region)).cloned());
            found.map(|found| (province, found))
        };
        Ok(own.into_iter().filter_map(around).collect())
    }
}

fn own_figure(statement: Statement) -> Option<Wider> {
    let Statement {
        province, state, ..
    } = statement;
    matches!(state, State::Estimate { .. }).then_some(Wider {
        speaks_of: SpeaksOf::Province { province },
        state,
        weighted: None,
        covered_population_ppm: None,
    })
}

/// An agent's month from its hours, as `roll` makes it of all operators' together: each day's median, then
/// theirs. `None` of no hour.
fn period(agent: &AgentHours, is_asked: impl Fn(u8) -> bool) -> Option<AgentPeriod> {
    let mut days: BTreeMap<LocalDay, Vec<i64>> = BTreeMap::new();
    let mut records = 0;
    for hour in agent.hours.iter().filter(|hour| is_asked(hour.at.hour)) {
        days.entry(hour.at.day).or_default().push(hour.value);
        records += hour.records;
    }
    let of_days: Vec<i64> = days.values().filter_map(|hours| median(hours)).collect();
    Some(AgentPeriod {
        batch: agent.batch.clone(),
        sightings: agent.sightings.clone(),
        value: median(&of_days)?,
        agent_days: days.len() as u64,
        records,
    })
}

/// Operators of each province that have an estimate, each with each.
fn comparisons(
    names: &[(String, String)],
    cells: &[Beside<&str>],
    states: &[State],
    seed: impl Fn(&str) -> u64,
) -> Vec<Comparison> {
    let mut by_province: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..names.len() {
        // The place of the province's first cell keeps the country's order.
        let first = names.iter().position(|name| name.0 == names[index].0);
        by_province
            .entry(first.unwrap_or(index))
            .or_default()
            .push(index);
    }
    let mut all = Vec::new();
    for members in by_province.values() {
        let mut estimates = Vec::new();
        for index in members {
            if let State::Estimate { figure, .. } = states[*index] {
                let values: Vec<i64> = cells[*index].part.iter().map(|unit| unit.value).collect();
                estimates.push((*index, figure, values));
            }
        }
        let compared: Vec<Compared<'_>> = estimates
            .iter()
            .map(|(_, figure, values)| Compared {
                values,
                figure: *figure,
            })
            .collect();
        let province = &names[members[0]].0;
        let pairs = compare(&compared, seed(province));
        all.extend(pairs.into_iter().map(|pair| Comparison {
            province: province.clone(),
            first: names[estimates[pair.first].0].1.clone(),
            second: names[estimates[pair.second].0].1.clone(),
            difference: pair.difference,
        }));
    }
    all
}

/// From the name of what is compared alone, so that anyone can repeat it.
fn seed(month: LocalMonth, window: Window, (metric, access): &Series, province: &str) -> u64 {
    let (access, window): (&str, &str) = (Access::as_str(*access), window.as_str());
    let name = sha256(format!("{metric} {access} {month} {window} {province}").as_bytes());
    let (first, _) = name.0.split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}
