//! The part `[openness.dns_integrity]` of the configuration: what resolvers are tried with.
use rustls_pki_types::ServerName;
use serde::Deserialize;
use std::net::IpAddr;
use tonle_evidence::special::is_special;

/// Public resolvers over TLS, as their operators publish them.
const DOT: [&str; 3] = [
    "8.8.8.8#dns.google",
    "9.9.9.9#dns.quad9.net",
    "1.1.1.1#one.one.one.one",
];
/// A zone of the Internet's own, which holds names of networks and no address (RFC 3172).
const NO_DATA_NAME: &str = "in-addr.arpa";
/// A zone signed since 2010, by those who wrote the protocol.
const SIGNED_NAME: &str = "ietf.org";
/// A zone whose signatures are wrong on purpose, kept by Comcast for tests like this.
const BOGUS_NAME: &str = "dnssec-failed.org";
/// Most resolvers over TLS, and most addresses without a resolver.
const EACH_MAX: usize = 4;

/// What resolvers are tried with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsIntegrityConfig {
    /// Resolvers over TLS, `ADDRESS#NAME`: the certificate must be for the name.
    pub dot: Vec<String>,
    /// Addresses that run no resolver, beside those of the collector's own servers.
    pub silent_addresses: Vec<IpAddr>,
    /// A name that exists and has no address; empty for none.
    pub no_data_name: String,
    /// A name with good signatures (DNSSEC); empty for none.
    pub signed_name: String,
    /// A name with bad ones; empty for none.
    pub bogus_name: String,
}

impl Default for DnsIntegrityConfig {
    fn default() -> Self {
        Self {
            dot: DOT.map(str::to_owned).to_vec(),
            silent_addresses: Vec::new(),
            no_data_name: NO_DATA_NAME.to_owned(),
            signed_name: SIGNED_NAME.to_owned(),
            bogus_name: BOGUS_NAME.to_owned(),
        }
    }
}

impl DnsIntegrityConfig {
    /// Resolvers over TLS that can be used.
    pub fn dot(&self) -> impl Iterator<Item = (IpAddr, String)> {
        self.dot.iter().filter_map(|text| dot(text))
    }

    /// Everybody who is asked because of this part, as a person is told before agreeing.
    #[must_use]
    pub fn contacts(&self) -> Vec<String> {
        let dot = self.dot.iter().map(|one| format!("{one} (DNS over TLS)"));
        let silent = self.silent_addresses.iter();
        let silent = silent.map(|one| format!("{one} (no resolver, asked all the same)"));
        dot.chain(silent).collect()
    }

    /// Notes every value that cannot be used.
    pub(super) fn check(&self, is_laboratory: bool, problems: &mut Vec<String>) {
        for text in self.dot.iter().filter(|text| dot(text).is_none()) {
            problems.push(format!(
                "`openness.dns_integrity.dot` names '{text}', which is no ADDRESS#NAME"
            ));
        }
        let silent = self.silent_addresses.iter();
        for address in silent.filter(|address| is_special(**address) && !is_laboratory) {
            problems.push(format!(
                "`openness.dns_integrity.silent_addresses` names {address}, which is not on the Internet"
            ));
        }
        for (key, count) in [
            ("dot", self.dot.len()),
            ("silent_addresses", self.silent_addresses.len()),
        ] {
            if count > EACH_MAX {
                problems.push(format!(
                    "`openness.dns_integrity.{key}` has {count} entries; at most {EACH_MAX}"
                ));
            }
        }
        for (key, name) in [
            ("no_data_name", &self.no_data_name),
            ("signed_name", &self.signed_name),
            ("bogus_name", &self.bogus_name),
        ] {
            if !name.is_empty() && !is_domain(name) {
                problems.push(format!(
                    "`openness.dns_integrity.{key}` must be a domain name, or empty"
                ));
            }
        }
    }
}

fn dot(text: &str) -> Option<(IpAddr, String)> {
    let (address, name) = text.split_once('#')?;
    let address = address.parse().ok()?;
    is_domain(name).then(|| (address, name.to_owned()))
}

fn is_domain(name: &str) -> bool {
    let parsed = ServerName::try_from(name);
    name.contains('.') && matches!(parsed, Ok(ServerName::DnsName(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problems(config: &DnsIntegrityConfig, is_laboratory: bool) -> Vec<String> {
        let mut problems = Vec::new();
        config.check(is_laboratory, &mut problems);
        problems
    }

    #[test]
    fn the_defaults_can_be_used() {
        let config = DnsIntegrityConfig::default();
        assert_eq!(problems(&config, false), [""; 0]);
        assert_eq!(config.dot().count(), DOT.len());
    }

    #[test]
    fn every_problem_is_named_and_only_a_laboratory_asks_special_addresses() {
        let wrong = DnsIntegrityConfig {
            dot: vec!["dns.google".into(), "8.8.8.8#8.8.8.8".into()],
            silent_addresses: vec!["192.168.1.1".parse().unwrap(); 5],
            no_data_name: String::new(),
            signed_name: "a b".into(),
            bogus_name: "bogus".into(),
        };
        assert_eq!(problems(&wrong, false).len(), 2 + 5 + 1 + 2);
        assert_eq!(problems(&wrong, true).len(), 2 + 1 + 2);
    }

    proptest! {
        #[test]
        fn any_text_is_a_resolver_over_tls_or_none(text in "\\PC{0,40}") {
            let _ = dot(&text);
        }
    }
}
