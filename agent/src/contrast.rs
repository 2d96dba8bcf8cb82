//! One address under several server names: whether a network minds a name shows where the same
//! server is asked under another.
//!
//! Steps `connect` and `tls_handshake` as ever, with two facts more: `presented` (`target`,
//! `neutral`, `none`: the name in the ClientHello) and `round` (from 0). Whatever the name, the
//! certificate is held against the target's. Where another site is tried to compare with, `presented`
//! is `witness`, and the name and the certificate are that site's.
use crate::control::{self, Question};
use crate::experiments::{CannotRun, Run};
use crate::steps;
use rustls_pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Outcome, Target};
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::tcp;
use tonle_net::tls::{self, ALPN_HTTP1, Ech, Handshake, TlsStream};
use url::Url;

/// What connecting and a handshake cost on the line, at most: a chain of certificates is long.
pub const HANDSHAKE_BYTES: u64 = 12_000;
const HTTPS_PORT: u16 = 443;

/// The name that a ClientHello shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The target's.
    Target,
    /// One that nobody minds.
    Neutral,
    /// None at all.
    None,
    /// That of another site, at its own address.
    Witness,
}

impl Presented {
    /// The word of records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::Witness => "witness",
        }
    }
}

/// A stream on which a request can be made.
pub type Secure = TlsStream<Metered<TcpStream>>;

/// A target at one address, and the names that it is asked under.
#[derive(Debug, Clone)]
pub struct Contrast {
    /// The target.
    pub url: Url,
    /// The address that is asked.
    pub peer: SocketAddr,
    owner: ServerName<'static>,
    neutral: ServerName<'static>,
}

/// The URL of a target that is given as one, or as a name with or without a port.
pub fn url_of(target: &Target) -> Result<Url, CannotRun> {
    let value = &target.value;
    let text = if value.contains("://") {
        value.clone()
    } else {
        format!("https://{value}/")
    };
    let unfit = |reason: &str| CannotRun::Target {
        target: value.clone(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(&text).map_err(|error| unfit(&error.to_string()))?;
    if url.scheme() != "https" {
        return Err(unfit("a server name is shown by https only"));
    }
    match url.host() {
        Some(url::Host::Domain(_)) => Ok(url),
        _ => Err(unfit("an address has no server name; give a name")),
    }
}

impl Contrast {
    /// Looks the target up and takes its first address that there is a way to; none where it has
    /// none, which is recorded.
    pub async fn find(run: &Run, target: &Target) -> Result<Option<Self>, CannotRun> {
        let url = url_of(target)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let neutral_name = &run.openness.neutral_name;
        let Ok(neutral) = ServerName::try_from(neutral_name.clone()) else {
            let what = "a neutral name to compare with; set `openness.neutral_name`";
            return Err(CannotRun::Missing(what.to_owned()));
        };
        let owner = ServerName::try_from(host.clone()).ok();
        let Some(owner) = owner.filter(|_| !are_related(&host, neutral_name)) else {
            return Err(CannotRun::Target {
                target: target.value.clone(),
                reason: format!("its name cannot be told from the neutral one, {neutral_name}"),
            });
        };
        let Some(address) = steps::resolve_one(run, &host).await else {
            return Ok(None);
        };
        let port = url.port().unwrap_or(HTTPS_PORT);
        Ok(Some(Self {
            peer: SocketAddr::new(address, port),
            url,
            owner,
            neutral,
        }))
    }

    /// The name that is shown; where none is to be, the target's.
    #[must_use]
    pub fn name(&self, presented: Presented) -> &ServerName<'static> {
        match presented {
            Presented::Target | Presented::None | Presented::Witness => &self.owner,
            Presented::Neutral => &self.neutral,
        }
    }

    /// Connects and shakes hands, showing this name; the connection where both succeeded.
    pub async fn attempt(&self, run: &Run, presented: Presented, round: u32) -> Option<Secure> {
        self.shake(run, presented, round, None).await
    }

    /// The same by TLS 1.3 alone, with the extension of Encrypted Client Hello or without; both steps say
    /// which (`ech`).
    pub async fn attempt_with_ech(
        &self,
        run: &Run,
        presented: Presented,
        round: u32,
        ech: Ech,
    ) -> Option<Secure> {
        self.shake(run, presented, round, Some(ech)).await
    }

    async fn shake(
        &self,
        run: &Run,
        presented: Presented,
        round: u32,
        ech: Option<Ech>,
    ) -> Option<Secure> {
        if run.bytes_used() + HANDSHAKE_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
            return None;
        }
        let label = |seen: &mut Observation| {
            note(seen, presented, round);
            if let Some(ech) = ech {
                let detail = &mut seen.detail;
                detail.insert("ech".to_owned(), ech.as_str().into());
            }
        };
        let (mut seen, stream) =
            tcp::connect(&run.net, &run.clock, self.peer, tcp::CONNECT_TIMEOUT).await;
        if steps::left_device(&seen) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        label(&mut seen);
        run.observe(seen);
        let stream = Metered::new(stream?, run.meter.clone());
        let (target, neutral) = (self.owner.to_str(), self.neutral.to_str());
        let literal = self.peer.ip().to_string();
        let wanted = Handshake {
            peer: self.peer,
            server_name: match presented {
                Presented::Target | Presented::Witness => &target,
                Presented::Neutral => &neutral,
                // An address is never sent as a server name (RFC 6066, section 3).
                Presented::None => &literal,
            },
            alpn: ALPN_HTTP1,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let (net, clock, owner) = (&run.net, &run.clock, &self.owner);
        let (mut seen, stream) = match ech {
            None => tls::handshake_as(net, clock, stream, wanted, owner).await,
            Some(ech) => tls::handshake_with_ech(net, clock, stream, wanted, owner, ech).await,
        };
        label(&mut seen);
        run.observe(seen);
        stream
    }
}

impl Contrast {
    /// Asks every control, side by side, what comes of the target's name at this address elsewhere: what
    /// fails there as well says nothing of the line.
    pub async fn ask_controls(&self, run: &Run) {
        control::ask_all(run, &Question::about(&self.url, vec![self.peer])).await;
    }
}

/// Says of a step which name was shown, and in which round.
pub fn note(seen: &mut Observation, presented: Presented, round: u32) {
    let detail = &mut seen.detail;
    detail.insert("presented".to_owned(), presented.as_str().into());
    detail.insert("round".to_owned(), round.into());
}

/// Waits a while, unless the run is to end.
pub async fn pause(run: &Run, wait: Duration) {
    tokio::select! {
        () = run.cancel.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

/// Whether one name is the other or lies below it: what minds the one would mind both.
#[must_use]
pub fn are_related(one: &str, other: &str) -> bool {
    let is_below = |name: &str, zone: &str| {
        let rest = name.strip_suffix(zone);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    one.parse::<IpAddr>().is_err() && (is_below(one, other) || is_below(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CONTROL_BYTES;
    use crate::loopback::{net, page, resolver, run_of, target, web};
    use crate::openness::{Control, Openness};
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};
    use tonle_net::settings::NetSettings;

    #[test]
    fn a_target_is_a_name_or_an_https_url() {
        for (value, expected) in [
            ("site.example", "https://site.example/"),
            ("site.example:8443", "https://site.example:8443/"),
            ("https://site.example/large", "https://site.example/large"),
        ] {
            assert_eq!(url_of(&target(value)).unwrap().as_str(), expected);
        }
        for value in ["http://site.example/", "192.0.2.1", "https://[::1]/", ""] {
            assert!(url_of(&target(value)).is_err(), "{value}");
        }
    }

    #[test]
    fn a_name_is_no_contrast_to_itself_or_what_lies_below_it() {
        assert!(are_related("example.com", "example.com"));
        assert!(are_related("www.example.com", "example.com"));
        assert!(are_related("example.com", "www.example.com"));
        assert!(!are_related("badexample.com", "example.com"));
        assert!(!are_related("site.test", "example.com"));
    }

    /// A control that is asked, what it was asked, and a contrast towards an address that nobody asks.
    async fn asked_with(max_bytes: u64) -> (Vec<String>, Vec<Observation>, Option<Outcome>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&heard);
        let server = web(move |request| {
            requests.lock().unwrap().push(request.to_owned());
            page("{}")
        });
        let net = NetSettings {
            resolvers: vec![resolver(&["127.66.0.1"])],
            ..net()
        };
        let run = run_of(net, max_bytes).compared_with(Openness {
            neutral_name: "example.com".to_owned(),
            controls: vec![Control {
                url: format!("http://{server}/control").parse().unwrap(),
                may_be_near: true,
                knows_agents: false,
            }],
            ..Openness::default()
        });
        let contrast = Contrast::find(&run, &target("site.example")).await;
        contrast.unwrap().unwrap().ask_controls(&run).await;
        let recorded = run.take();
        let seen = recorded.observations.into_iter();
        let controls = seen.filter(|one| one.operation == "control").collect();
        let heard = heard.lock().unwrap().clone();
        (heard, controls, recorded.outcome)
    }

    #[tokio::test]
    async fn controls_are_asked_for_the_targets_name_at_the_address_that_was_tried() {
        let (heard, controls, outcome) = asked_with(1 << 20).await;
        let [request] = &heard[..] else {
            panic!("{heard:?}");
        };
        assert!(request.contains("https://site.example/"), "{request}");
        assert!(request.contains("127.66.0.1:443"), "{request}");
        assert_eq!(controls[0].failure, None);
        assert_eq!(controls[0].detail["answer"], "{}");
        assert_eq!(outcome, None);
    }

    #[tokio::test]
    async fn a_control_is_not_asked_beyond_the_bytes_of_the_run() {
        let (heard, controls, outcome) = asked_with(CONTROL_BYTES - 1).await;
        assert!(heard.is_empty() && controls.is_empty());
        assert_eq!(outcome, Some(Outcome::Capped));
    }

    proptest! {
        #[test]
        fn any_text_is_a_target_or_refused(value in "\\PC{0,40}") {
            let _ = url_of(&target(value));
        }
    }
}
