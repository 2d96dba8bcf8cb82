//! Cells of the parts of a province: metric × province × access × month × window × one of operator, kind of
//! place, technology, tier or local hour; and how such parts compare.
//!
//! Parts are published by one of these at a time, never crossed, and the province's own figure stands beside
//! them: what could be reckoned from it is suppressed, too.
use super::CellsError;
use super::published::{Filter, Published};
use super::read::{AgentHours, ByPart};
use super::roll::{is_in, nested};
use super::standards::{by_known_operator, places};
use super::wider::Series;
use crate::analysis::access_of;
use crate::statements::compare::{Compared, Difference, compare};
use crate::statements::quantile::median;
use crate::statements::suppress::{Beside, Rules, UnitValue, estimate_beside};
use crate::statements::{AgentPeriod, units};
use std::collections::BTreeMap;
use tonle_evidence::country::Country;
use tonle_evidence::entry::Tier;
use tonle_evidence::hash::sha256;
use tonle_evidence::local_time::{LocalDay, LocalMonth};
use tonle_evidence::record::{PlaceKind, Technology};
use tonle_evidence::statement::{
    CellPart, CellStatement, CellsBy, SpeaksOf, State, Statement, Wider,
};
use tonle_evidence::window::{HourOfDay, Window};

/// What cells are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PartsOf {
    /// The month, on the country's clock.
    pub month: LocalMonth,
    /// Hours of the day; of cells by hour each has its own.
    pub window: Window,
    /// Which series.
    pub series: Series,
    /// What its cells are told apart by.
    pub by: CellsBy,
}

/// The cells of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct PartCells {
    /// In the order of provinces, then parts.
    pub cells: Vec<CellStatement>,
    /// Pairs of parts of one province that both have an estimate; of hours none.
    pub comparisons: Vec<Comparison>,
}

/// Two parts of one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// ISO 3166-2 code.
    pub province: String,
    /// One of them.
    pub first: CellPart,
    /// The other.
    pub second: CellPart,
    /// What may be said.
    pub difference: Difference,
}

/// A part of a province, and the hours that it is of.
struct Named {
    province: String,
    part: CellPart,
    window: Window,
}

/// What may be said of a part of a province, and by whom.
pub(super) struct PartSeen {
    /// ISO 3166-2 code.
    pub(super) province: String,
    /// The part.
    pub(super) part: CellPart,
    /// What may be said.
    pub(super) state: State,
    /// Its independent agents.
    pub(super) units: Vec<UnitValue>,
}

/// Parts beside each other, and what may be said of each.
type Stated<'a> = (Vec<Beside<(&'a str, Option<HourOfDay>)>>, Vec<State>);

impl Published {
    /// What is said of each part of each province, those without data included.
    pub fn parts(&self, asked: &PartsOf) -> Result<PartCells, CellsError> {
        let access = asked.series.1;
        let names = named(asked, &self.ground.country);
        let (beside, states) = self.beside(asked, &names)?;
        let comparisons = match asked.by {
            CellsBy::Hour => Vec::new(),
            _ => comparisons(&names, &beside, &states, |province| seed(asked, province)),
        };
        let around = self.around(asked)?;
        let cells = names.into_iter().zip(states);
        let cells = cells.map(|(name, state)| CellStatement {
            pooled: match state {
                State::Estimate { .. } => None,
                _ => around.get(&name.province).cloned(),
            },
            province: name.province,
            part: name.part,
            access,
            state,
        });
        Ok(PartCells {
            cells: cells.collect(),
            comparisons,
        })
    }

    /// What may be said of each part of each province, with its independent agents, in the order of pages.
    pub(super) fn parts_seen(&self, asked: &PartsOf) -> Result<Vec<PartSeen>, CellsError> {
        let names = named(asked, &self.ground.country);
        let (beside, states) = self.beside(asked, &names)?;
        let units: Vec<Vec<UnitValue>> = beside.into_iter().map(|one| one.part).collect();
        let seen = names.into_iter().zip(states).zip(units);
        let seen = seen.map(|((name, state), units)| PartSeen {
            province: name.province,
            part: name.part,
            state,
            units,
        });
        Ok(seen.collect())
    }

    fn beside<'a>(&self, asked: &PartsOf, names: &'a [Named]) -> Result<Stated<'a>, CellsError> {
        let (metric, access) = (asked.series.0.as_str(), asked.series.1);
        let country = &self.ground.country;
        let hours = self
            .cells
            .hours(asked.month, &[(metric, access)], asked.by)?;
        let hours: ByPart = hours.into_iter().next().unwrap_or_default();
        let agents = match asked.by {
            CellsBy::Operator => by_known_operator(&hours, country),
            _ => of_each(&hours),
        };
        let beside: Vec<Beside<(&str, Option<HourOfDay>)>> = names
            .iter()
            .map(|name| {
                let place = (name.province.clone(), in_store(&name.part));
                let given = agents.get(&place).map_or(&[][..], Vec::as_slice);
                beside(name, given, country)
            })
            .collect();
        let rules = match asked.by {
            CellsBy::Hour => Rules::FINE,
            _ => Rules::of(asked.window),
        };
        let states = estimate_beside(&beside, &rules);
        Ok((beside, states))
    }

    /// The finest stratum from the province on that has an estimate, by province; nothing of hours, whose
    /// cells are the provinces' own: `statements` says what those are pooled to.
    fn around(&self, asked: &PartsOf) -> Result<BTreeMap<String, Wider>, CellsError> {
        if asked.by == CellsBy::Hour {
            return Ok(BTreeMap::new());
        }
        let PartsOf {
            month,
            window,
            ref series,
            by: _,
        } = *asked;
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

/// Agents of each part as the store has it.
fn of_each(hours: &ByPart) -> BTreeMap<(String, String), Vec<&AgentHours>> {
    let each = hours.iter();
    each.map(|(place, agents)| (place.clone(), agents.iter().collect()))
        .collect()
}

/// Every part of every province, in the order of pages.
fn named(asked: &PartsOf, country: &Country) -> Vec<Named> {
    let access = asked.series.1;
    let parts: Vec<CellPart> = match asked.by {
        CellsBy::Operator => {
            let of = |(province, operator): (&str, &str)| Named {
                province: province.to_owned(),
                part: CellPart::Operator(operator.to_owned()),
                window: asked.window,
            };
            return places(country).map(of).collect();
        }
        CellsBy::Place => PlaceKind::ALL
            .iter()
            .copied()
            .map(CellPart::Place)
            .collect(),
        CellsBy::Technology => {
            let all = Technology::ALL.iter().copied();
            let of_class = all.filter(|technology| access_of(*technology) == access);
            of_class.map(CellPart::Technology).collect()
        }
        CellsBy::Tier => Tier::ALL.iter().copied().map(CellPart::Tier).collect(),
        CellsBy::Hour => HourOfDay::all().map(CellPart::Hour).collect(),
    };
    let provinces = country.provinces.iter();
    let names = provinces.flat_map(|province| {
        parts.iter().map(|part| Named {
            province: province.code.clone(),
            part: part.clone(),
            window: match part {
                CellPart::Hour(hour) => Window::Hour(*hour),
                _ => asked.window,
            },
        })
    });
    names.collect()
}

/// The part's word as agents' hours are told apart by it; hours are told apart later.
fn in_store(part: &CellPart) -> String {
    match part {
        CellPart::Hour(_) => String::new(),
        other => other.name(),
    }
}

/// Hours are no parts of which the province's figure is the sum: each is a group of its own.
fn beside<'a>(
    name: &'a Named,
    given: &[&AgentHours],
    country: &Country,
) -> Beside<(&'a str, Option<HourOfDay>)> {
    let peak = country.peak;
    let in_window = |window| {
        let period = |agent: &&AgentHours| period(agent, |hour| is_in(window, hour, peak));
        let periods: Vec<AgentPeriod> = given.iter().filter_map(period).collect();
        units(&periods)
    };
    let mut outwards_in: Vec<_> = nested(name.window, peak)
        .into_iter()
        .map(in_window)
        .collect();
    let part = outwards_in.pop().unwrap_or_default();
    let hour = match name.part {
        CellPart::Hour(hour) => Some(hour),
        _ => None,
    };
    Beside {
        group: (name.province.as_str(), hour),
        part,
        around: outwards_in.iter().map(Vec::len).collect(),
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

/// An agent's month from its hours, as `roll` makes it of all parts together: each day's median, then
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

/// Parts of each province that have an estimate, each with each.
fn comparisons<G>(
    names: &[Named],
    cells: &[Beside<G>],
    states: &[State],
    seed: impl Fn(&str) -> u64,
) -> Vec<Comparison> {
    let mut all = Vec::new();
    // The parts of a province stand one after the other.
    let mut first = 0;
    for members in names.chunk_by(|one, other| one.province == other.province) {
        let mut estimates = Vec::new();
        for (index, name) in (first..).zip(members) {
            if let State::Estimate { figure, .. } = states[index] {
                let values: Vec<i64> = cells[index].part.iter().map(|unit| unit.value).collect();
                estimates.push((name, figure, values));
            }
        }
        first += members.len();
        let compared: Vec<Compared<'_>> = estimates
            .iter()
            .map(|(_, figure, values)| Compared {
                values,
                figure: *figure,
            })
            .collect();
        let province = &members[0].province;
        let pairs = compare(&compared, seed(province));
        all.extend(pairs.into_iter().map(|pair| Comparison {
            province: province.clone(),
            first: estimates[pair.first].0.part.clone(),
            second: estimates[pair.second].0.part.clone(),
            difference: pair.difference,
        }));
    }
    all
}

/// From the name of what is compared alone, so that anyone can repeat it.
fn seed(asked: &PartsOf, province: &str) -> u64 {
    let (metric, access) = (&asked.series.0, asked.series.1.as_str());
    let (month, window) = (asked.month, asked.window.as_str());
    let name = sha256(format!("{metric} {access} {month} {window} {province}").as_bytes());
    let (first, _) = name.0.split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}
