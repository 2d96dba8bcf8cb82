//! The part `[gates]` of the configuration: what is checked around each openness run.
use serde::Deserialize;
use url::Url;

/// Most sites: each costs a handshake.
const KNOWN_GOOD_MAX: usize = 8;

/// What is checked around each openness run; see `crate::gates`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatesConfig {
    /// An `http://` page that answers 204 and nothing else; absent: the collector's measurement
    /// server has one.
    pub portal_check: Option<String>,
    /// `https://` sites that are reached wherever the Internet is, beside those that the collector's
    /// list marks as controls.
    pub known_good: Vec<String>,
}

impl GatesConfig {
    /// Notes every value that cannot be used.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let has_scheme = |text: &str, scheme: &str| {
            Url::parse(text).is_ok_and(|url| url.scheme() == scheme && url.has_host())
        };
        if let Some(page) = &self.portal_check
            && !has_scheme(page, "http")
        {
            problems.push(format!(
                "`gates.portal_check` names '{page}', which is no http:// URL: a portal cannot answer for TLS"
            ));
        }
        for site in self
            .known_good
            .iter()
            .filter(|site| !has_scheme(site, "https"))
        {
            problems.push(format!(
                "`gates.known_good` names '{site}', which is no https:// URL"
            ));
        }
        if self.known_good.len() > KNOWN_GOOD_MAX {
            problems.push(format!(
                "`gates.known_good` has {} entries; at most {KNOWN_GOOD_MAX}",
                self.known_good.len()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_cannot_be_used_is_named() {
        let mut problems = Vec::new();
        GatesConfig::default().check(&mut problems);
        assert!(problems.is_empty());
        let wrong = GatesConfig {
            portal_check: Some("https://collector.example/generate_204".into()),
            known_good: vec!["http://site.example/".into()],
        };
        wrong.check(&mut problems);
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
