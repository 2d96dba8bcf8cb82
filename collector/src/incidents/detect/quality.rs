//! A line against what it usually is at that hour of the week.
//!
//! 1. Usual is the median of the same hour of the four weeks before, three of which must be there; so an
//!    evening that is slow every evening is usual.
//! 2. How far an hour lies off is a ratio, worse above 1. A cell's own spread is twice the median
//!    distance of that ratio from 1 over the four weeks before the window, and at least 5 %.
//! 3. Distances in spreads, cut at 5, less 1.5, are summed up; at 17.5 (five hours at full strength), after
//!    five hours in a row that are not as good as usual, and with a median of the last six at least twice
//!    as bad as usual, it is a degradation since the first of those hours.
//! 4. It ends with six hours in a row within a quarter of what is usual.
//!
//! Hours with fewer than five independent agents say nothing. All is reckoned in integers.
use super::finding::{Finding, Scope, Seen, hash_of_lines};
use super::{Hour, JUDGED_H, LINE_HISTORY_H};
use crate::statements::quantile::median;
use std::collections::BTreeMap;
use tonle_evidence::incident::{Kind, Level};

/// Hours of a week.
const WEEK_H: usize = 168;
/// Fewest independent agents of an hour.
const AGENTS_MIN: u32 = 5;
/// Weeks that say what is usual.
const WEEKS: usize = 4;
/// Fewest of them.
const WEEKS_MIN: usize = 3;
/// Smallest spread, thousandths.
const SPREAD_MIN: i64 = 50;
/// Distances beyond count as this, thousandths of a spread.
const CUT: i64 = 5_000;
/// What is taken off every hour, thousandths of a spread.
const SLACK: i64 = 1_500;
/// The sum at which it is believed.
const THRESHOLD: i64 = 17_500;
/// Least worsening that matters, thousandths.
const WORSE_MIN: i64 = 2_000;
/// Fewest hours in a row that are not as good as usual.
const BAD_HOURS: usize = 5;
/// The last hours that must be so bad in the middle.
const LAST_HOURS: usize = 6;
/// As good as usual, thousandths.
const WELL_MAX: i64 = 1_250;
/// Hours in a row that are as good as usual, for an end.
const WELL_HOURS: usize = 6;
/// Ratios beyond count as this, thousandths.
const RATIO_MAX: i64 = 100_000;

/// An hour of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourValue {
    /// When.
    pub hour: Hour,
    /// Median over independent agents, in the metric's unit.
    pub value: i64,
    /// How many.
    pub agents: u32,
}

/// A metric of a place: of a network in a province, or of all of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCell {
    /// Full metric id.
    pub metric: String,
    /// Access class.
    pub access: &'static str,
    /// ISO 3166-2 code; `None` of all.
    pub province: Option<String>,
    /// Operator; `None` of all.
    pub network: Option<String>,
    /// More is better.
    pub higher_is_better: bool,
    /// Smaller values count as this: below it nobody notices.
    pub floor: i64,
    /// In rising order.
    pub hours: Vec<HourValue>,
}

impl LineCell {
    fn key(&self) -> String {
        let (province, network) = (self.province.as_deref(), self.network.as_deref());
        format!(
            "degradation {} {} {} {}",
            self.metric,
            self.access,
            network.unwrap_or("*"),
            province.unwrap_or("*")
        )
    }

    /// How much worse `value` is than `usual`, thousandths.
    fn ratio(&self, value: i64, usual: i64) -> i64 {
        let (value, usual) = (value.max(self.floor).max(1), usual.max(self.floor).max(1));
        let (over, under) = if self.higher_is_better {
            (usual, value)
        } else {
            (value, usual)
        };
        let ratio = i128::from(over) * 1_000 / i128::from(under);
        i64::try_from(ratio).unwrap_or(RATIO_MAX).min(RATIO_MAX)
    }
}

/// Looks at one cell.
pub(super) fn judge(cell: &LineCell, now: Hour, seen: &mut Seen) {
    let first = now - JUDGED_H - LINE_HISTORY_H;
    let length = usize::try_from(JUDGED_H + LINE_HISTORY_H).unwrap_or(0);
    let mut values: Vec<Option<(i64, u32)>> = vec![None; length];
    for hour in cell.hours.iter().filter(|hour| hour.agents >= AGENTS_MIN) {
        let index = usize::try_from(hour.hour - first).ok();
        if let Some(slot) = index.and_then(|index| values.get_mut(index)) {
            *slot = Some((hour.value, hour.agents));
        }
    }
    let Some(spread) = spread(cell, &values) else {
        return;
    };
    let mut watch = Watch::default();
    for index in WEEKS * WEEK_H..length {
        let Some((value, agents)) = values[index] else {
            continue;
        };
        let before = (1..=WEEKS).filter_map(|week| values[index - week * WEEK_H]);
        let before: Vec<i64> = before.map(|(value, _)| value).collect();
        if before.len() < WEEKS_MIN {
            continue;
        }
        let usual = median(&before).expect("there are three");
        let hour = first + Hour::try_from(index).unwrap_or(0);
        watch.see(hour, cell.ratio(value, usual), agents, spread);
    }
    watch.tell(cell, seen);
}

/// How far ratios usually lie from 1, thousandths; `None` where there is no history.
fn spread(cell: &LineCell, values: &[Option<(i64, u32)>]) -> Option<i64> {
    let mut distances = Vec::new();
    for hour in 0..WEEK_H {
        let weeks = (0..WEEKS).filter_map(|week| values[hour + week * WEEK_H]);
        let weeks: Vec<i64> = weeks.map(|(value, _)| value).collect();
        if weeks.len() < WEEKS_MIN {
            continue;
        }
        let usual = median(&weeks).expect("there are three");
        let ratios = weeks.iter().map(|value| cell.ratio(*value, usual));
        distances.extend(ratios.map(|ratio| (ratio - 1_000).abs()));
    }
    Some((median(&distances)? * 2).max(SPREAD_MIN))
}

/// An episode as it is seen.
struct Running {
    onset: Hour,
    end: Option<Hour>,
    ratios: Vec<i64>,
    agents: u32,
}

/// What was seen so far.
#[derive(Default)]
struct Watch {
    sum: i64,
    /// The hours in a row that are not as good as usual: the first, ratios, fewest agents.
    since: Hour,
    ratios: Vec<i64>,
    agents: u32,
    /// The hours in a row that are as good as usual: how many, and the first.
    well: (usize, Hour),
    is_ill: bool,
    episodes: Vec<Running>,
}

impl Watch {
    fn see(&mut self, hour: Hour, ratio: i64, agents: u32, spread: i64) {
        let is_well = ratio <= WELL_MAX;
        self.well = match (is_well, self.well) {
            (false, _) => (0, hour),
            (true, (0, _)) => (1, hour),
            (true, (count, first)) => (count + 1, first),
        };
        if self.is_ill {
            self.go_on(ratio);
            return;
        }
        let distance = ((ratio - 1_000) * 1_000 / spread).clamp(-CUT, CUT);
        self.sum = (self.sum + distance - SLACK).clamp(0, 2 * THRESHOLD);
        if is_well {
            self.ratios.clear();
            return;
        }
        if self.ratios.is_empty() {
            (self.since, self.agents) = (hour, agents);
        }
        self.ratios.push(ratio);
        self.agents = self.agents.min(agents);
        let last = &self.ratios[self.ratios.len().saturating_sub(LAST_HOURS)..];
        let worse = median(last).expect("one was pushed");
        let is_long = self.ratios.len() >= BAD_HOURS;
        if is_long && self.sum >= THRESHOLD && worse >= WORSE_MIN {
            self.is_ill = true;
            self.episodes.push(Running {
                onset: self.since,
                end: None,
                ratios: std::mem::take(&mut self.ratios),
                agents: self.agents,
            });
        }
    }

    fn go_on(&mut self, ratio: i64) {
        let running = self.episodes.last_mut().expect("it is ill");
        running.ratios.push(ratio);
        if self.well.0 >= WELL_HOURS {
            running.end = Some(self.well.1);
            (self.is_ill, self.sum) = (false, 0);
        }
    }

    fn tell(self, cell: &LineCell, seen: &mut Seen) {
        let key = cell.key();
        if !self.is_ill && self.well.0 >= WELL_HOURS {
            seen.well.insert(key.clone(), self.well.1);
        }
        if self.episodes.is_empty() {
            return;
        }
        let lines = cell.hours.iter();
        let lines = lines.map(|hour| format!("{} {} {}", hour.hour, hour.value, hour.agents));
        let input_hash = hash_of_lines(lines.collect());
        seen.findings
            .extend(self.episodes.into_iter().map(|running| Finding {
                kind: Kind::Degradation,
                key: key.clone(),
                onset: running.onset,
                end: running.end,
                since_before: false,
                level: Level::Corroborated,
                scope: Scope {
                    networks: cell.network.iter().cloned().collect(),
                    provinces: cell.province.iter().cloned().collect(),
                    metrics: [cell.metric.clone()].into(),
                    ..Scope::default()
                },
                fingerprint: None,
                agents: running.agents,
                agreement_permille: 1_000,
                worse_permille: median(&running.ratios),
                histogram: BTreeMap::new(),
                witnesses: Vec::new(),
                input_hash,
            }));
    }
}
