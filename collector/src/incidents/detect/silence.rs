//! Agents expected against agents heard, by network and province, and over all of either.
//!
//! 1. Time is cut into blocks of three hours. How likely an agent is heard in one is learnt from the same
//!    block of the 14 days before, (heard + 1) / (days + 2), of days on which the collector was there.
//! 2. A silence begins with a block in which so few are heard by chance once in a million, agents taken as
//!    independent, followed by one in which so few are heard once in a thousand.
//! 3. It ends when half of those expected at its beginning are heard: positive evidence, never the mere
//!    lack of anybody to expect.
//!
//! It is asked by the clock, not by what arrives, so that an outage cannot silence its own detector.
use super::finding::{Finding, Scope, Seen, hash_of_lines};
use super::{CONTACT_HISTORY_H, Contact, Hour, Inputs, JUDGED_H};
use std::collections::{BTreeMap, BTreeSet};
use tonle_evidence::incident::{Kind, Level};

/// Length of a block.
const BLOCK_H: Hour = 3;
/// Blocks of a day.
const BLOCKS_A_DAY: usize = 8;
/// Days that say who is expected.
const DAYS: usize = 14;
/// Fewest of them on which the collector was there.
const DAYS_MIN: u32 = 7;
/// Chance of so few in the first block.
const FIRST_CHANCE: f64 = 1e-6;
/// Chance of so few in the second.
const SECOND_CHANCE: f64 = 1e-3;
/// Fewest agents of whom it is said that they are well when nobody was expected.
const WELL_AGENTS: usize = 3;
/// Stands in a key for all networks or provinces.
const ALL: &str = "*";

/// Who was heard when, in blocks from the beginning of the history.
struct Cell {
    first_block: Hour,
    awake: Vec<bool>,
    heard: Vec<Vec<bool>>,
}

/// What is expected and heard in one block.
struct Block {
    expected: f64,
    heard: usize,
    /// Chance that so few or fewer are heard.
    chance: f64,
}

/// Looks at every network × province, every network, every province and the country.
pub(super) fn judge(inputs: &Inputs, seen: &mut Seen) {
    let mut cells: BTreeMap<(&str, &str), Vec<&Contact>> = BTreeMap::new();
    for contact in &inputs.contacts {
        for network in [&*contact.network, ALL] {
            for province in [&*contact.province, ALL] {
                cells.entry((network, province)).or_default().push(contact);
            }
        }
    }
    for ((network, province), contacts) in cells {
        let cell = Cell::new(&contacts, &inputs.awake, inputs.now);
        judge_cell(&cell, network, province, seen);
    }
}

fn judge_cell(cell: &Cell, network: &str, province: &str, seen: &mut Seen) {
    let key = format!("outage {network} {province}");
    let mut open: Option<(Finding, f64)> = None;
    let mut well_since = None;
    for index in BLOCKS_A_DAY * DAYS..cell.awake.len() {
        let Some(block) = cell.block(index) else {
            continue;
        };
        let start = cell.hour_of(index);
        #[expect(clippy::cast_precision_loss, reason = "a number of agents")]
        let heard = block.heard as f64;
        if let Some((finding, expected)) = &mut open {
            if block.heard > 0 && heard * 2.0 >= *expected {
                finding.end = Some(start);
                seen.findings.push(finding.clone());
                (open, well_since) = (None, Some(start));
            }
            continue;
        }
        let next = cell.block(index + 1);
        let goes_on = next.is_some_and(|next| next.chance <= SECOND_CHANCE);
        if block.chance <= FIRST_CHANCE && goes_on {
            let finding = found(cell, &key, (network, province), &block, start);
            (open, well_since) = (Some((finding, block.expected)), None);
            continue;
        }
        let is_well = block.heard >= WELL_AGENTS && heard * 2.0 >= block.expected;
        well_since = if is_well {
            well_since.or(Some(start))
        } else {
            None
        };
    }
    seen.findings.extend(open.map(|(finding, _)| finding));
    if let Some(hour) = well_since {
        seen.well.insert(key, hour);
    }
}

fn found(
    cell: &Cell,
    key: &str,
    (network, province): (&str, &str),
    block: &Block,
    onset: Hour,
) -> Finding {
    let name = |text: &str| (text != ALL && !text.is_empty()).then(|| text.to_owned());
    #[expect(clippy::cast_precision_loss, reason = "a number of agents")]
    let missing = (1.0 - block.heard as f64 / block.expected).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "agents, and a share between 0 and 1"
    )]
    let (agents, agreement_permille) = (block.expected.round() as u32, (missing * 1e3) as u16);
    Finding {
        kind: Kind::Outage,
        key: key.to_owned(),
        onset,
        end: None,
        since_before: false,
        level: Level::Corroborated,
        scope: Scope {
            networks: name(network).into_iter().collect(),
            provinces: name(province).into_iter().collect(),
            ..Scope::default()
        },
        fingerprint: None,
        agents,
        agreement_permille,
        worse_permille: None,
        histogram: BTreeMap::new(),
        witnesses: Vec::new(),
        input_hash: cell.input_hash(),
    }
}

impl Cell {
    fn new(contacts: &[&Contact], awake: &BTreeSet<Hour>, now: Hour) -> Self {
        let end_block = now.div_euclid(BLOCK_H);
        let first_block = end_block - (JUDGED_H + CONTACT_HISTORY_H) / BLOCK_H;
        let count = usize::try_from(end_block - first_block).unwrap_or(0);
        let is_awake =
            |block: Hour| (0..BLOCK_H).all(|hour| awake.contains(&(block * BLOCK_H + hour)));
        let mut units: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
        for contact in contacts {
            let block = contact.hour.div_euclid(BLOCK_H) - first_block;
            let Some(index) = usize::try_from(block).ok().filter(|index| *index < count) else {
                continue;
            };
            let heard = units
                .entry(contact.unit)
                .or_insert_with(|| vec![false; count]);
            heard[index] = true;
        }
        Self {
            first_block,
            awake: (first_block..end_block).map(is_awake).collect(),
            heard: units.into_values().collect(),
        }
    }

    fn hour_of(&self, index: usize) -> Hour {
        let index = Hour::try_from(index).unwrap_or(Hour::MAX / BLOCK_H);
        (self.first_block + index) * BLOCK_H
    }

    /// `None` of a block that is not over, in which the collector was not there, or of which nobody knows
    /// who was to be expected.
    fn block(&self, index: usize) -> Option<Block> {
        if !self.awake.get(index).copied().unwrap_or(false) {
            return None;
        }
        let before = (1..=DAYS).map(|day| index - day * BLOCKS_A_DAY);
        let before: Vec<usize> = before.filter(|index| self.awake[*index]).collect();
        let days = u32::try_from(before.len()).unwrap_or(u32::MAX);
        if days < DAYS_MIN {
            return None;
        }
        let mut chances = Vec::new();
        let mut heard_now = 0;
        for unit in &self.heard {
            let heard = before.iter().filter(|index| unit[**index]).count();
            let heard = u32::try_from(heard).unwrap_or(u32::MAX);
            if unit[index] {
                heard_now += 1;
            }
            if heard > 0 {
                chances.push(f64::from(heard + 1) / f64::from(days + 2));
            }
        }
        Some(Block {
            expected: chances.iter().sum(),
            heard: heard_now,
            chance: chance_of_at_most(heard_now, &chances),
        })
    }

    /// One line per agent: when it was heard.
    fn input_hash(&self) -> tonle_evidence::hash::Hash {
        let bits = |unit: &[bool]| {
            unit.iter()
                .map(|heard| if *heard { '1' } else { '0' })
                .collect()
        };
        let mut lines: Vec<String> = self.heard.iter().map(|unit| bits(unit)).collect();
        lines.push(format!("awake {} {}", self.first_block, bits(&self.awake)));
        hash_of_lines(lines)
    }
}

/// The chance that at most `heard` of agents with these chances are heard (Poisson's binomial), summed term
/// by term.
fn chance_of_at_most(heard: usize, chances: &[f64]) -> f64 {
    if heard >= chances.len() {
        return 1.0;
    }
    let mut terms = vec![0.0; heard + 1];
    terms[0] = 1.0;
    for chance in chances {
        for count in (0..=heard).rev() {
            let from_below = if count > 0 {
                terms[count - 1] * chance
            } else {
                0.0
            };
            terms[count] = terms[count] * (1.0 - chance) + from_below;
        }
    }
    terms.iter().sum()
}
