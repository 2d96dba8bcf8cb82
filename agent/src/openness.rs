//! What visits to pages are compared with, and what is remembered from one visit to the next so that
//! nobody is asked more often than OONI's probes ask.
use crate::config::{Config, DnsIntegrityConfig};
use crate::device::is_on_this_machine;
use crate::experiments::CannotRun;
use crate::gates::Gates;
use crate::identity::Identity;
use rand::seq::IndexedRandom;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tonle_evidence::observation::Observation;
use tonle_evidence::targets::CONTROLS_MAX;
use url::{Host, Url};

/// Port of public resolvers.
const DNS_PORT: u16 = 53;
/// A resolver over HTTPS is asked at most once in a random time between these, seconds.
const DOH_PAUSE_S: std::ops::RangeInclusive<u64> = 20..=39;
/// How long it is believed from where a resolver asks.
const WHOAMI_VALID: Duration = Duration::from_secs(45);
/// A target is localised again after this: once a day, whatever the jitter of rounds.
const LOCALISED_ANEW: Duration = Duration::from_hours(23);
/// Most resolvers remembered.
const REMEMBERED_MAX: usize = 64;

/// A control server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Where it is asked.
    pub url: Url,
    /// Whether it may stand on this machine or in the volunteer's network: he named it himself, or
    /// it is on a host of the collector that he joined.
    pub may_be_near: bool,
    /// Whether it is the collector's own, and asked where nobody else listens, so that it is shown who
    /// asks ([`tonle_evidence::pass`]). Others that the collector names need not know.
    pub knows_agents: bool,
}

/// What visits are compared with. The default asks nobody but the resolvers of the device.
#[derive(Debug, Clone, Default)]
pub struct Openness {
    /// Whether the system's own lookup is asked (`getaddrinfo`); else the resolvers of
    /// `NetSettings`, by which a file took the place of the system's.
    pub uses_getaddrinfo: bool,
    /// Public resolvers, one of which is asked for each page.
    pub resolvers: Vec<SocketAddr>,
    /// Resolvers over HTTPS, one of which is asked now and then.
    pub doh: Vec<Url>,
    /// A name that answers with the address of the resolver that asks.
    pub whoami: Option<String>,
    /// A name that nobody minds; see [`crate::contrast`].
    pub neutral_name: String,
    /// Wait before each message of `localisation` but the first, milliseconds.
    pub localisation_pause_ms: u64,
    /// A list of services in place of the one built in.
    pub services: Option<PathBuf>,
    /// Who makes the same request from elsewhere.
    pub controls: Vec<Control>,
    /// What resolvers are tried with.
    pub trials: Trials,
    /// The collector and its measurement servers: they run no resolver.
    pub own_servers: Vec<Url>,
    /// The collector's echo, in clear; absent where it stands on this machine or there is none.
    pub echo: Option<Url>,
    /// Who asks, for the controls of the collector.
    pub identity: Option<Identity>,
    /// What is checked around each run; absent: nothing.
    pub gates: Option<Arc<Gates>>,
    /// Whether the volunteer said which controls there are, be it none.
    pub controls_are_chosen: bool,
    pub(crate) memory: Arc<Mutex<Memory>>,
}

/// What resolvers are tried with (experiment `dns_integrity`). The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trials {
    /// Resolvers over TLS, each with the name that its certificate must be for.
    pub dot: Vec<(IpAddr, String)>,
    /// Addresses that run no resolver.
    pub silent: Vec<IpAddr>,
    /// A name that exists and has no address.
    pub no_data: Option<String>,
    /// A name with good signatures.
    pub signed: Option<String>,
    /// A name with bad signatures.
    pub bogus: Option<String>,
}

impl Trials {
    fn of(config: &DnsIntegrityConfig) -> Self {
        let name = |text: &str| Some(text.to_owned()).filter(|name| !name.is_empty());
        Self {
            dot: config.dot().collect(),
            silent: config.silent_addresses.clone(),
            no_data: name(&config.no_data_name),
            signed: name(&config.signed_name),
            bogus: name(&config.bogus_name),
        }
    }
}

/// What was asked a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// When a resolver over HTTPS may be asked again.
    doh_at: Option<Instant>,
    /// What a resolver said, and when.
    whoami: HashMap<String, (Instant, Observation)>,
    /// When a target was last localised.
    localised: HashMap<String, Instant>,
}

impl Openness {
    /// Notes that a target is localised now, unless it was so lately: nobody's line shall show the same
    /// unusual packets several times a day.
    pub(crate) fn may_localise(&self, target: &str) -> Result<(), CannotRun> {
        let mut memory = self.memory();
        let localised = &mut memory.localised;
        localised.retain(|_, at| at.elapsed() < LOCALISED_ANEW);
        if let Some(at) = localised.get(target) {
            let wait = LOCALISED_ANEW.saturating_sub(at.elapsed());
            return Err(CannotRun::NotYet {
                who: "localisation, which tries a target once a day,".to_owned(),
                wait_s: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            });
        }
        localised.insert(target.to_owned(), Instant::now());
        Ok(())
    }

    /// As configured.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let openness = &config.openness;
        let urls = |texts: &[String]| -> Vec<Url> {
            texts.iter().filter_map(|text| text.parse().ok()).collect()
        };
        let named = urls(openness.controls.as_deref().unwrap_or_default());
        let control = |url| Control {
            url,
            may_be_near: true,
            knows_agents: false,
        };
        Self {
            gates: None,
            uses_getaddrinfo: config.resolv_conf.is_none(),
            resolvers: openness
                .resolvers
                .iter()
                .map(|address| SocketAddr::new(*address, DNS_PORT))
                .collect(),
            doh: urls(&openness.doh),
            whoami: Some(openness.whoami.clone()).filter(|name| !name.is_empty()),
            neutral_name: openness.neutral_name.clone(),
            localisation_pause_ms: openness.localisation_pause_ms,
            services: openness.services.clone(),
            controls: named.into_iter().map(control).collect(),
            trials: Trials::of(&openness.dns_integrity),
            own_servers: Vec::new(),
            echo: None,
            identity: None,
            controls_are_chosen: openness.controls.is_some(),
            memory: Arc::default(),
        }
    }

    /// The same, with the controls that the collector names, unless the volunteer chose others.
    /// `collectors` are the collector and its measurement servers.
    #[must_use]
    pub fn with_collectors(
        mut self,
        controls: &[String],
        collectors: &[Url],
        identity: Identity,
    ) -> Self {
        self.own_servers = collectors.to_vec();
        if self.controls_are_chosen {
            return self;
        }
        let is_collectors_host =
            |url: &Url| collectors.iter().any(|known| known.host() == url.host());
        let urls = controls.iter().filter_map(|text| text.parse::<Url>().ok());
        let usable = urls.filter(|url| matches!(url.scheme(), "http" | "https"));
        self.controls = usable
            .take(CONTROLS_MAX)
            .map(|url| Control {
                may_be_near: is_collectors_host(&url),
                knows_agents: is_collectors_host(&url) && is_private(&url),
                url,
            })
            .collect();
        self.identity = Some(identity);
        self
    }

    /// The public resolver for the next page.
    #[must_use]
    pub fn any_resolver(&self) -> Option<SocketAddr> {
        self.resolvers.choose(&mut rand::rng()).copied()
    }

    /// A resolver over HTTPS, unless one was asked a moment ago.
    #[must_use]
    pub fn doh_now(&self, now: Instant) -> Option<Url> {
        let url = self.doh.choose(&mut rand::rng())?;
        let mut memory = self.memory();
        if memory.doh_at.is_some_and(|at| now < at) {
            return None;
        }
        let pause_s = rand::random_range(DOH_PAUSE_S);
        memory.doh_at = Some(now + Duration::from_secs(pause_s));
        Some(url.clone())
    }

    /// What a resolver said of itself a moment ago.
    #[must_use]
    pub fn remembered(&self, resolver: &str, now: Instant) -> Option<Observation> {
        let memory = self.memory();
        let (at, said) = memory.whoami.get(resolver)?;
        (now.saturating_duration_since(*at) < WHOAMI_VALID).then(|| said.clone())
    }

    /// Remembers what a resolver said of itself.
    pub fn remember(&self, resolver: &str, said: Observation, now: Instant) {
        let mut memory = self.memory();
        let is_valid = |at: Instant| now.saturating_duration_since(at) < WHOAMI_VALID;
        memory.whoami.retain(|_, (at, _)| is_valid(*at));
        if memory.whoami.len() < REMEMBERED_MAX {
            memory.whoami.insert(resolver.to_owned(), (now, said));
        }
    }

    /// Every change under the lock is a single assignment: a poisoned one is still good.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a measurement server echoes: on its own port in clear, whatever else it speaks there. One on
/// this machine says nothing of any line.
#[must_use]
pub fn echo_of(server: &str) -> Option<Url> {
    let url = Url::parse(server).ok()?;
    let port = url.port_or_known_default()?;
    if is_on_this_machine(server) {
        return None;
    }
    Url::parse(&format!("http://{}:{port}/", url.host_str()?)).ok()
}

/// Whether nobody on the way reads what is said there.
fn is_private(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    url.scheme() == "https" || is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::simulated::SimulatedFiles;

    #[test]
    fn the_echo_is_on_the_servers_own_port_in_clear_and_never_on_this_machine() {
        let place = |server| echo_of(server).map(String::from);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            place("ws://m.example:8081/x"),
            some("http://m.example:8081/")
        );
        assert_eq!(place("wss://m.example/"), some("http://m.example:443/"));
        assert_eq!(place("ws://[2001:db8::1]/"), some("http://[2001:db8::1]/"));
        assert_eq!(place("ws://127.0.0.1:8081"), None);
        assert_eq!(place("no url"), None);
    }

    #[test]
    fn a_resolver_over_https_is_left_alone_for_a_while_after_each_question() {
        let openness = Openness::of(&Config::default());
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(openness.doh_now(start).is_some());
        assert_eq!(openness.clone().doh_now(after(19)), None, "clones share it");
        assert!(openness.doh_now(after(39)).is_some());
    }

    #[test]
    fn what_a_resolver_said_is_forgotten_after_three_quarters_of_a_minute() {
        let openness = Openness::default();
        let start = Instant::now();
        let said = tonle_net::step::Step::start(
            &tonle_net::clock::Stopwatch::start(),
            "resolver_identity",
            "whoami.example",
        );
        openness.remember("system", said.succeed(), start);
        let after = |seconds| openness.remembered("system", start + Duration::from_secs(seconds));
        assert!(after(44).is_some() && after(45).is_none());
        assert_eq!(openness.remembered("8.8.8.8:53", start), None);
    }

    #[test]
    fn a_file_of_resolvers_takes_the_place_of_the_systems_lookup() {
        assert!(Openness::of(&Config::default()).uses_getaddrinfo);
        let config = Config {
            resolv_conf: Some("/etc/lab.conf".into()),
            ..Config::default()
        };
        assert!(!Openness::of(&config).uses_getaddrinfo);
    }

    fn told(openness: Openness) -> Vec<(String, bool, bool)> {
        let files = SimulatedFiles::default();
        let identity = Identity::load_or_create(&files).unwrap();
        let controls = [
            "https://collector.example:8081/control",
            "https://elsewhere.example/",
            "http://collector.example/control",
            "http://127.0.0.1:8081/control",
            "ftp://elsewhere.example/",
            "no URL",
        ];
        let controls = controls.map(str::to_owned);
        let collectors = ["https://collector.example/", "ws://127.0.0.1:8081/"];
        let collectors = collectors.map(|text| Url::parse(text).unwrap());
        let told = openness.with_collectors(&controls, &collectors, identity);
        let shown = told.controls.iter();
        shown
            .map(|one| (one.url.to_string(), one.may_be_near, one.knows_agents))
            .collect()
    }

    #[test]
    fn the_collectors_controls_are_asked_unless_the_volunteer_chose_others() {
        let expected = [
            ("https://collector.example:8081/control", true, true),
            ("https://elsewhere.example/", false, false),
            ("http://collector.example/control", true, false),
            ("http://127.0.0.1:8081/control", true, true),
        ];
        let expected = expected.map(|(url, near, knows)| (url.to_owned(), near, knows));
        assert_eq!(told(Openness::of(&Config::default())), expected);
        let mut config = Config::default();
        config.openness.controls = Some(Vec::new());
        assert_eq!(told(Openness::of(&config)), []);
    }
}
