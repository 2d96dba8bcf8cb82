//! The part `[openness]` of the configuration: what visits to pages are compared with.
use super::DnsIntegrityConfig;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use tonle_evidence::category::Category;
use url::Url;

/// Public resolvers that OONI Web Connectivity 0.5 chooses from.
const RESOLVERS: [IpAddr; 8] = [
    v4(8, 8, 8, 8),
    v4(8, 8, 4, 4),
    v4(9, 9, 9, 9),
    v4(149, 112, 112, 112),
    v4(1, 1, 1, 1),
    v4(1, 0, 0, 1),
    v4(208, 67, 222, 222),
    v4(208, 67, 220, 220),
];
/// Resolvers over HTTPS that it chooses from.
const DOH: [&str; 4] = [
    "https://mozilla.cloudflare-dns.com/dns-query",
    "https://dns.nextdns.io/dns-query",
    "https://dns.google/dns-query",
    "https://dns.quad9.net/dns-query",
];
/// A name that answers with the address of the resolver that asks for it.
const WHOAMI: &str = "whoami.v4.powerdns.org";
/// A name for examples (RFC 2606, section 3): nobody has a reason to block it.
const NEUTRAL_NAME: &str = "example.com";
/// `CenTrace` waits as long between two of its probes.
const LOCALISATION_PAUSE_MS: u64 = 3_000;
/// Longest such wait: the run ends before it would be over.
const LOCALISATION_PAUSE_MAX_MS: u64 = 60_000;
/// Most controls: every one of them fetches the page, too.
const CONTROLS_MAX: usize = 4;
/// Most resolvers of a kind.
const RESOLVERS_MAX: usize = 32;

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(a, b, c, d))
}

/// What visits to pages are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpennessConfig {
    /// Categories of sites that are not visited, whatever was chosen by command.
    pub categories_off: Vec<Category>,
    /// Categories of sites that are visited though they are usually off.
    pub categories_on: Vec<Category>,
    /// Control servers by URL; absent: those that the collector's list names.
    pub controls: Option<Vec<String>>,
    /// Public resolvers, one of which is asked for each page.
    pub resolvers: Vec<IpAddr>,
    /// URLs of resolvers over HTTPS, one of which is asked now and then.
    pub doh: Vec<String>,
    /// A name that answers with the address of the resolver that asks; empty for none.
    pub whoami: String,
    /// A name that nobody minds, shown or asked about in place of the target's where names are
    /// compared; never connected to.
    pub neutral_name: String,
    /// Wait before each message of `localisation` but the first, milliseconds.
    pub localisation_pause_ms: u64,
    /// A list of services in place of the one built in (`configs/services.toml`).
    pub services: Option<PathBuf>,
    /// What resolvers are tried with.
    pub dns_integrity: DnsIntegrityConfig,
}

impl Default for OpennessConfig {
    fn default() -> Self {
        Self {
            categories_off: Vec::new(),
            categories_on: Vec::new(),
            controls: None,
            resolvers: RESOLVERS.to_vec(),
            doh: DOH.map(str::to_owned).to_vec(),
            whoami: WHOAMI.to_owned(),
            neutral_name: NEUTRAL_NAME.to_owned(),
            localisation_pause_ms: LOCALISATION_PAUSE_MS,
            services: None,
            dns_integrity: DnsIntegrityConfig::default(),
        }
    }
}

impl OpennessConfig {
    /// Everybody who is asked beside the page itself, as a person is told before agreeing.
    #[must_use]
    pub fn contacts(&self) -> Vec<String> {
        let resolvers = self.resolvers.iter().map(|one| format!("{one} (DNS)"));
        let doh = self.doh.iter().map(|url| format!("{url} (DNS)"));
        let controls = self.controls.iter().flatten();
        let controls = controls.map(|url| format!("{url} (control)"));
        let tried = self.dns_integrity.contacts();
        resolvers.chain(doh).chain(controls).chain(tried).collect()
    }

    /// Notes every value that cannot be used. In clear only a laboratory may ask.
    pub(super) fn check(&self, is_laboratory: bool, problems: &mut Vec<String>) {
        for category in &self.categories_off {
            if category.is_always_on() || self.categories_on.contains(category) {
                problems.push(format!(
                    "`openness.categories_off` names {category}, which is always on, or on by `categories_on`"
                ));
            }
        }
        let is_usable = |text: &String| {
            let url = Url::parse(text).ok().filter(Url::has_host);
            url.is_some_and(|url| {
                url.scheme() == "https" || (is_laboratory && url.scheme() == "http")
            })
        };
        let controls = self.controls.iter().flatten();
        for (key, text) in controls
            .map(|url| ("controls", url))
            .chain(self.doh.iter().map(|url| ("doh", url)))
            .filter(|(_, url)| !is_usable(url))
        {
            problems.push(format!(
                "`openness.{key}` names '{text}', which is no https:// URL"
            ));
        }
        let counts = [
            (
                "controls",
                self.controls.iter().flatten().count(),
                CONTROLS_MAX,
            ),
            ("resolvers", self.resolvers.len(), RESOLVERS_MAX),
            ("doh", self.doh.len(), RESOLVERS_MAX),
        ];
        for (key, count, max) in counts {
            if count > max {
                problems.push(format!(
                    "`openness.{key}` has {count} entries; at most {max}"
                ));
            }
        }
        if self
            .whoami
            .contains(|c: char| c.is_whitespace() || c == '/')
        {
            problems.push("`openness.whoami` must be a domain name, or empty".to_owned());
        }
        let neutral = &self.neutral_name;
        if !neutral.contains('.') || ServerName::try_from(neutral.as_str()).is_err() {
            problems.push("`openness.neutral_name` must be a domain name".to_owned());
        }
        if self.localisation_pause_ms > LOCALISATION_PAUSE_MAX_MS {
            problems.push(format!(
                "`openness.localisation_pause_ms` is {}; at most {LOCALISATION_PAUSE_MAX_MS}",
                self.localisation_pause_ms
            ));
        }
        self.dns_integrity.check(is_laboratory, problems);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &OpennessConfig, is_laboratory: bool) -> Vec<String> {
        let mut problems = Vec::new();
        config.check(is_laboratory, &mut problems);
        problems
    }

    #[test]
    fn everybody_who_is_asked_is_told() {
        let config = OpennessConfig {
            controls: Some(vec!["https://control.example/".into()]),
            ..OpennessConfig::default()
        };
        let told = config.contacts();
        assert_eq!(told.len(), 8 + 4 + 1 + 3);
        assert_eq!(told[0], "8.8.8.8 (DNS)");
        assert_eq!(told[12], "https://control.example/ (control)");
    }

    #[test]
    fn the_defaults_can_be_used_and_every_problem_is_named() {
        assert_eq!(problems(&OpennessConfig::default(), false), [""; 0]);
        let wrong = OpennessConfig {
            controls: Some(vec!["http://control.example/".into(); 5]),
            doh: vec!["dns.example".into()],
            whoami: "a b".into(),
            ..OpennessConfig::default()
        };
        assert_eq!(problems(&wrong, false).len(), 5 + 1 + 1 + 1);
        assert_eq!(problems(&wrong, true).len(), 1 + 1 + 1);
    }
}
