//! Pure: a record becomes the facts that cells take, or the reason why it enters none; and a visit
//! to a page becomes verdicts ([`web`]).
//!
//! What a record says is never changed here; facts are derived from it by numbered rules, so that
//! a rebuild under newer rules gives newer facts from the same evidence. [`RULES`] names the set.
//! Probes that follow a visit up are judged in [`probes`]. Path records, which hold no values, are judged in [`path`] under rules of their own.
pub mod exchanges;
mod facts;
pub mod openness;
pub mod path;
pub mod probes;
mod reason;
#[cfg(test)]
mod tests;
pub mod web;

pub use facts::{Facts, Received, Stratum, Value, access_of, analyse, resolver_address};
pub(crate) use facts::{admitted, network_of};
pub use reason::{LeftOut, NoCell};

use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::entry::Provenance;
use tonle_evidence::hash::{Hash, sha256};

/// Id and version of the rules of this room. Raised whenever the same record gives other facts.
pub const RULES: &str = "tonle.facts/3";

/// What the rules refer to: a country's clock, provinces and networks, and the declared metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The country whose figures are published.
    pub country: Country,
    /// The metrics that are aggregated.
    pub catalogue: Catalogue,
    /// Whose records count: what agents signed, or in a directory of synthetic data those. Never both.
    pub counts: Provenance,
}

impl Ground {
    /// Changes whenever the same record could give other facts.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        let country = &self.country;
        let mut lines = vec![
            RULES.to_owned(),
            self.counts.to_string(),
            format!(
                "{} {} {:?}",
                country.code, country.utc_offset_s, country.peak
            ),
        ];
        let provinces = country.provinces.iter().map(|province| &province.code);
        lines.extend(provinces.cloned());
        for operator in &country.operators {
            lines.push(format!("{} {:?}", operator.id, operator.asns));
        }
        for (id, metric) in self.catalogue.iter() {
            let (unit, experiment, max) = (&metric.unit, &metric.experiment, metric.max);
            lines.push(format!("{id} {unit} {experiment} {max}"));
        }
        for rule in web::tonle::rules::ALL {
            lines.push(format!("{} {}", rule.id, rule.version));
        }
        lines.push(web::Fingerprints::built_in().version().to_owned());
        sha256(lines.join("\n").as_bytes())
    }
}
