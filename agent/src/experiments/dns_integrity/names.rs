//! The names that a run asks about.
use super::{CannotRun, Run};
use crate::contrast::are_related;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustls_pki_types::ServerName;
use tonle_evidence::record::Target;
use tonle_net::scrub;
use url::{Host, Url};

/// Letters of a label that nobody has: the chance that somebody does is one in 26^16.
const ABSENT_LETTERS: usize = 16;
const HTTPS_PORT: u16 = 443;

/// See the top of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The target's.
    pub(super) target: String,
    /// Where its certificate is asked for.
    pub(super) port: u16,
    /// One that nobody minds.
    pub(super) neutral: String,
    /// One below the neutral that nobody has.
    pub(super) absent: String,
    /// One without addresses.
    pub(super) no_data: Option<String>,
    /// One with good signatures.
    pub(super) signed: Option<String>,
    /// One with bad signatures.
    pub(super) bogus: Option<String>,
}

impl Names {
    pub(super) fn of(run: &Run, target: &Target) -> Result<Self, CannotRun> {
        let unfit = |reason: String| CannotRun::Target {
            target: target.value.clone(),
            reason,
        };
        let (host, port) = host_of(&target.value).map_err(unfit)?;
        let neutral = run.openness.neutral_name.clone();
        if !matches!(
            ServerName::try_from(neutral.as_str()),
            Ok(ServerName::DnsName(_))
        ) {
            let what = "a neutral name to compare with; set `openness.neutral_name`";
            return Err(CannotRun::Missing(what.to_owned()));
        }
        if are_related(&host, &neutral) {
            let reason = format!("its name cannot be told from the neutral one, {neutral}");
            return Err(unfit(reason));
        }
        let trials = &run.openness.trials;
        Ok(Self {
            target: host,
            port,
            absent: format!("{}.{neutral}", label(run.seed)),
            neutral,
            no_data: trials.no_data.clone(),
            signed: trials.signed.clone(),
            bogus: trials.bogus.clone(),
        })
    }
}

/// The host of a name, a name with a port, or a page, and the port of its TLS.
fn host_of(value: &str) -> Result<(String, u16), String> {
    let text = if value.contains("://") {
        value.to_owned()
    } else {
        format!("https://{value}/")
    };
    let url = Url::parse(&text).map_err(|error| error.to_string())?;
    let port = match url.scheme() {
        "https" => url.port().unwrap_or(HTTPS_PORT),
        "http" => HTTPS_PORT,
        _ => return Err("it is no http or https URL".to_owned()),
    };
    match url.host() {
        Some(Host::Domain(host)) if scrub::host(host) == host => Ok((host.to_owned(), port)),
        Some(Host::Domain(_)) => Err("it is a name of somebody's own network".to_owned()),
        _ => Err("an address is asked of no resolver; give a name".to_owned()),
    }
}

fn label(seed: u64) -> String {
    let mut random = StdRng::seed_from_u64(seed);
    let letter = |_| char::from(random.random_range(b'a'..=b'z'));
    (0..ABSENT_LETTERS).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_target_is_a_name_or_a_page() {
        for (value, host, port) in [
            ("site.example", "site.example", 443),
            ("site.example:8443", "site.example", 8443),
            ("http://site.example:81/page", "site.example", 443),
            ("https://site.example:444/", "site.example", 444),
        ] {
            assert_eq!(host_of(value), Ok((host.to_owned(), port)), "{value}");
        }
        for value in [
            "192.0.2.1",
            "https://[2001:db8::1]/",
            "printer.lan",
            "ftp://a.example/",
            "",
        ] {
            assert!(host_of(value).is_err(), "{value}");
        }
    }

    #[test]
    fn the_seed_draws_a_label_of_its_own() {
        assert_eq!(label(1), label(1));
        assert_ne!(label(1), label(2));
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_refused(value in "\\PC{0,40}") {
            let _ = host_of(&value);
        }

        #[test]
        fn a_label_can_stand_in_a_name(seed: u64) {
            let label = label(seed);
            prop_assert!(label.len() == ABSENT_LETTERS);
            prop_assert!(label.bytes().all(|byte| byte.is_ascii_lowercase()));
        }
    }
}
