//! Paired transfers of one object from one address, under the target's name and a neutral one.
use super::attempts::{Name, at, round, shown};
use super::finding::Finding;
use super::{Rule, Said};
use serde_json::json;
use std::collections::BTreeMap;
use tonle_evidence::observation::Observation;
use tonle_evidence::paired::{Comparison, compare, rate_bps, ratio_ppm};
use tonle_evidence::verdict::{Mechanism, Reason};

/// The target at half the neutral rate or less is held back. Our own choice: below it lie servers that
/// treat names differently and lines that wander.
const HELD_BACK_PPM: i64 = 500_000;
/// The target at four fifths of the neutral rate or more is not.
const ALIKE_PPM: i64 = 800_000;

const SLOWER: Rule = Rule {
    id: "throttling.slower",
    version: 1,
    about: "the whole interval of the ratio lies at half the neutral name's rate or below",
};
const ALIKE: Rule = Rule {
    id: "throttling.alike",
    version: 1,
    about: "the whole interval of the ratio lies at four fifths of the neutral name's rate or above",
};
const UNCLEAR: Rule = Rule {
    id: "throttling.unclear",
    version: 1,
    about: "the interval of the ratio reaches over a bound, so nothing is certain enough",
};
const TOO_FEW: Rule = Rule {
    id: "throttling.too_few",
    version: 1,
    about: "too few pairs of transfers both gave a rate for an interval",
};

pub(super) const RULES: &[Rule] = &[SLOWER, ALIKE, UNCLEAR, TOO_FEW];

#[derive(Default)]
struct Pair {
    target_bps: Option<i64>,
    neutral_bps: Option<i64>,
    at: Vec<String>,
}

pub(super) fn judge(observations: &[Observation]) -> Said {
    let pairs = pairs(observations);
    let ratios = pairs.values().filter_map(|pair| {
        let ratio_ppm = ratio_ppm(pair.target_bps?, pair.neutral_bps?);
        Some((ratio_ppm, pair.at.clone()))
    });
    let (ratios_ppm, at): (Vec<i64>, Vec<Vec<String>>) = ratios.unzip();
    let at = at.concat();
    let Some(comparison) = compare(&ratios_ppm) else {
        let would_change = "six pairs or more in which both transfers came";
        return Finding::insufficient(&TOO_FEW, Reason::BelowFloor, at, would_change).into();
    };
    let Comparison {
        median_ppm,
        low_ppm,
        high_ppm,
        coverage_ppm,
    } = comparison;
    let effect = json!({
        "ratio": "target_of_neutral",
        "pairs": ratios_ppm.len(),
        "median_ppm": median_ppm,
        "low_ppm": low_ppm,
        "high_ppm": high_ppm,
        "coverage_ppm": coverage_ppm,
    });
    Said {
        overall: find(&comparison, at).into_verdict(),
        effect: Some(effect),
    }
}

fn find(comparison: &Comparison, at: Vec<String>) -> Finding {
    if comparison.high_ppm <= HELD_BACK_PPM {
        let would_change = "the same difference from elsewhere, or none when tried again";
        return Finding::impaired(&SLOWER, Mechanism::Throttle, at, would_change);
    }
    if comparison.low_ppm >= ALIKE_PPM {
        return Finding::ok(&ALIKE, at, "a difference when tried at another hour");
    }
    let would_change = "more pairs, on a line that nobody else uses";
    Finding::insufficient(&UNCLEAR, Reason::BelowFloor, at, would_change)
}

/// The pairs that count, by round. Of several transfers of one name in a round the first is taken.
fn pairs(observations: &[Observation]) -> BTreeMap<i64, Pair> {
    let mut pairs: BTreeMap<i64, Pair> = BTreeMap::new();
    for (index, seen) in observations.iter().enumerate() {
        let (Some(name), Some(round)) = (shown(seen), round(seen)) else {
            continue;
        };
        if seen.operation != "http_request" || round <= 0 {
            continue;
        }
        let pair = pairs.entry(round).or_default();
        let slot = match name {
            Name::Target => &mut pair.target_bps,
            Name::Neutral => &mut pair.neutral_bps,
            Name::None | Name::Witness => continue,
        };
        *slot = slot.or_else(|| rate_bps(seen));
        pair.at.push(at(index));
    }
    pairs
}
