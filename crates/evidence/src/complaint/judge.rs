//! What follows from the tests that count, by the terms.
use super::{Complaint, Finding, Promised, Test};
use crate::local_time::LocalDay;
use std::collections::BTreeMap;

impl Complaint {
    /// The findings that follow from the tests that count.
    #[must_use]
    pub fn reckoned(&self) -> Vec<Finding> {
        let counted = self.tests.iter();
        let counted: Vec<&Test> = counted
            .filter(|test| self.counted.contains(&test.record_hash))
            .collect();
        let download = |test: &Test| test.download_bps;
        let upload = |test: &Test| test.upload_bps;
        let mut findings =
            self.of_direction("download", self.contract.download, &counted, download);
        findings.extend(self.of_direction("upload", self.contract.upload, &counted, upload));
        findings
    }

    fn of_direction(
        &self,
        direction: &str,
        promised: Promised,
        counted: &[&Test],
        rate: fn(&Test) -> Option<i64>,
    ) -> Vec<Finding> {
        let terms = &self.terms;
        let mut by_day: BTreeMap<LocalDay, Vec<i64>> = BTreeMap::new();
        for test in counted {
            by_day.entry(test.day).or_default().extend(rate(test));
        }
        let rates: Vec<i64> = by_day.values().flatten().copied().collect();
        let finding = |name: &str, promised_bps, short: usize, of: usize, deviates| Finding {
            direction: direction.to_owned(),
            promised: name.to_owned(),
            promised_bps,
            deviates,
            short: count(short),
            of: count(of),
        };
        let days_where = |holds: &dyn Fn(&Vec<i64>) -> bool| {
            by_day.values().filter(|rates| holds(rates)).count()
        };
        let max = promised.max_bps.map(|max| {
            let is_reached = |rate: &i64| {
                i128::from(*rate) * 1_000 >= i128::from(max) * i128::from(terms.max_share_permille)
            };
            let short = days_where(&|rates| !rates.iter().any(is_reached));
            finding(
                "max",
                max,
                short,
                by_day.len(),
                count(short) >= terms.max_missed_days,
            )
        });
        let normal = promised.normal_bps.map(|normal| {
            let short = rates.iter().filter(|rate| **rate < normal).count();
            let reached = (rates.len() - short) as u64 * 1_000;
            let asked = rates.len() as u64 * u64::from(terms.normal_share_permille);
            finding("normal", normal, short, rates.len(), reached < asked)
        });
        let min = promised.min_bps.map(|min| {
            let short = days_where(&|rates| rates.iter().any(|rate| *rate < min));
            finding(
                "min",
                min,
                short,
                by_day.len(),
                count(short) >= terms.min_missed_days,
            )
        });
        [max, normal, min].into_iter().flatten().collect()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
