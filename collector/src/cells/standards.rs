//! The published table of standards: every rule that holds in a month × province × operator.
//!
//! Operators are the country's; networks of others, and agents whose operator nobody knows, are together
//! under [`OTHERS`], so that the cells of a province and its own figure leave nobody over.
use super::CellsError;
use super::published::Published;
use super::read::{AgentHours, ByPart};
use super::roll::is_in;
use crate::statements::grouped;
use crate::statements::standard::{Cell, Table, UnitSamples, judge};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::country::Country;
use tonle_evidence::hash::sha256;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::standard::{Held, Judgement, Standard, Standards};
use tonle_evidence::statement::{Access, CellsBy};

/// Operator of whoever is with none of the country's.
pub(super) const OTHERS: &str = "others";

/// Numbers of agents at which the power is stated.
const POWER_AT: [usize; 3] = [12, 30, 60];

/// What is said of one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldRow {
    /// Index of the rule in [`StandardsTable::standards`].
    pub standard: usize,
    /// ISO 3166-2 code.
    pub province: String,
    /// Operator's id, or `others`: with none of the country's.
    pub operator: String,
    /// What is said.
    pub held: Held,
}

/// How often a cell is found that falls short of its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// With so many independent agents.
    pub agents: usize,
    /// Parts per million.
    pub power_ppm: u32,
}

/// A month's table.
#[derive(Debug, Clone, PartialEq)]
pub struct StandardsTable {
    /// The month, on the country's clock.
    pub month: LocalMonth,
    /// The rules that hold in it.
    pub standards: Vec<Standard>,
    /// In the order of rules, then provinces, then operators.
    pub rows: Vec<HeldRow>,
    /// Of each rule how often a cell that falls short is found, by its agents; of one that awaits its annex
    /// nothing.
    pub powers: Vec<Vec<Power>>,
    /// Cells over which false accusations are controlled.
    pub family: usize,
    /// Cells of which it is decided whether they meet their rule.
    pub decided: usize,
    /// The part of the population for which it is decided, parts per million: each province weighs as
    /// many as live there, and in it each of the country's operators alike, for want of their
    /// subscribers by province. `None` without a rule.
    pub decided_population_ppm: Option<u64>,
}

impl Published {
    /// Holds a month's cells against the rules that hold in it.
    pub fn standards(
        &self,
        month: LocalMonth,
        standards: &Standards,
    ) -> Result<StandardsTable, CellsError> {
        let standards: Vec<Standard> = standards.holding_in(month).cloned().collect();
        let series: BTreeSet<(&str, Access)> = standards
            .iter()
            .map(|standard| (standard.metric.as_str(), standard.access))
            .collect();
        let series: Vec<(&str, Access)> = series.into_iter().collect();
        let agent_hours: BTreeMap<_, ByPart> = series
            .iter()
            .copied()
            .zip(self.cells.hours(month, &series, CellsBy::Operator)?)
            .collect();
        let country = &self.ground.country;
        let (mut names, mut cells) = (Vec::new(), Vec::new());
        for (index, standard) in standards.iter().enumerate() {
            let of_series = &agent_hours[&(standard.metric.as_str(), standard.access)];
            let agents = by_known_operator(of_series, country);
            for (province, operator) in places(country) {
                let place = (province.to_owned(), operator.to_owned());
                let given = agents.get(&place).map_or(&[][..], Vec::as_slice);
                cells.push(Cell {
                    standard,
                    group: province,
                    units: units(given, |hour| is_in(standard.window, hour, country.peak)),
                    whole: units(given, |_| true),
                    seed: seed(standard, month, &place),
                });
                names.push((index, place));
            }
        }
        let table = judge(&cells);
        let powers = standards
            .iter()
            .map(|one| self.powers_of(one, table.family));
        let powers = powers.collect();
        Ok(StandardsTable {
            powers,
            ..gathered(month, &standards, names, table, country)
        })
    }

    fn powers_of(&self, standard: &Standard, family: usize) -> Vec<Power> {
        let power = |agents| {
            standard.threshold?;
            let power_ppm = self.powers.of(standard, agents, family)?;
            Some(Power { agents, power_ppm })
        };
        POWER_AT.into_iter().filter_map(power).collect()
    }
}

/// Every province with every operator, as the country lists them, the others last.
pub(super) fn places(country: &Country) -> impl Iterator<Item = (&str, &str)> {
    country.provinces.iter().flat_map(|province| {
        let operators = country
            .operators
            .iter()
            .map(|operator| operator.id.as_str());
        operators
            .chain([OTHERS])
            .map(|operator| (province.code.as_str(), operator))
    })
}

/// Agents of each province and operator of the country, the others together.
pub(super) fn by_known_operator<'a>(
    hours: &'a ByPart,
    country: &Country,
) -> BTreeMap<(String, String), Vec<&'a AgentHours>> {
    let mut known: BTreeMap<(String, String), Vec<&AgentHours>> = BTreeMap::new();
    for ((province, operator), agents) in hours {
        let is_known = country.operators.iter().any(|one| one.id == *operator);
        let operator = if is_known { operator } else { OTHERS };
        let place = (province.clone(), operator.to_owned());
        known.entry(place).or_default().extend(agents);
    }
    known
}

/// Independent agents, of each its values in the hours that are asked for.
fn units(agents: &[&AgentHours], is_asked: impl Fn(u8) -> bool) -> Vec<UnitSamples> {
    let seen = agents
        .iter()
        .map(|agent| (agent.batch.as_str(), agent.sightings.as_slice()));
    grouped(seen)
        .into_iter()
        .map(|members| unit(members.into_iter().map(|index| agents[index]), &is_asked))
        .filter(|unit| !unit.values.is_empty())
        .collect()
}

fn unit<'a>(
    agents: impl Iterator<Item = &'a AgentHours>,
    is_asked: &impl Fn(u8) -> bool,
) -> UnitSamples {
    let mut unit = UnitSamples::default();
    for agent in agents {
        let asked = agent.hours.iter().filter(|hour| is_asked(hour.at.hour));
        let mut days = BTreeSet::new();
        for hour in asked {
            days.insert(hour.at.day);
            unit.values.push(hour.value);
            unit.records += hour.records;
        }
        unit.agent_days += days.len() as u64;
    }
    unit
}

/// The seed of a cell's resampling: from its name alone, so that anyone can repeat it.
fn seed(standard: &Standard, month: LocalMonth, (province, operator): &(String, String)) -> u64 {
    let (id, version) = (&standard.id, standard.version);
    let name = sha256(format!("{id} {version} {month} {province} {operator}").as_bytes());
    let (first, _) = name.0.split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}

fn gathered(
    month: LocalMonth,
    standards: &[Standard],
    names: Vec<(usize, (String, String))>,
    table: Table,
    country: &Country,
) -> StandardsTable {
    let rows: Vec<HeldRow> = names
        .into_iter()
        .zip(table.held)
        .map(|((standard, (province, operator)), held)| HeldRow {
            standard,
            province,
            operator,
            held,
        })
        .collect();
    StandardsTable {
        month,
        standards: standards.to_vec(),
        powers: Vec::new(),
        family: table.family,
        decided: rows.iter().filter(|row| row.is_decided()).count(),
        decided_population_ppm: decided_population_ppm(&rows, country),
        rows,
    }
}

impl HeldRow {
    /// True where it is said that the cell meets its rule, or that it does not.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let judgement = match self.held {
            Held::Judged { judgement, .. } => judgement,
            Held::NoData | Held::Suppressed => return false,
        };
        matches!(judgement, Judgement::Meets | Judgement::DoesNotMeet)
    }
}

fn decided_population_ppm(rows: &[HeldRow], country: &Country) -> Option<u64> {
    let (mut people, mut decided) = (0_u128, 0_u128);
    for row in rows.iter().filter(|row| row.operator != OTHERS) {
        let province = country.province(&row.province);
        let living = province.map_or(0, |province| province.population.unsigned_abs());
        people += u128::from(living);
        decided += if row.is_decided() {
            u128::from(living)
        } else {
            0
        };
    }
    let ppm = (decided * 1_000_000).checked_div(people)?;
    Some(u64::try_from(ppm).expect("at most a million"))
}
