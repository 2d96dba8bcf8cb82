//! The server under test: its configuration, and how connections to it are opened.
use crate::experiments::bulk::allowance::{Allowance, Bounded, keep_little_waiting};
use crate::experiments::bulk::connection::ByteStream;
use crate::experiments::bulk::ending::count_the_rest;
use crate::experiments::{CannotRun, Run};
use crate::steps::{self, Dial};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::special::is_special;
use tonle_net::dns::Patience;
use tonle_net::http::channel::{Channel, Received};
use tonle_net::meter::{Meter, Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::settings::NetSettings;
use tonle_net::step::Step;
use tonle_net::{scrub, tcp, tls};
use tonle_wire::responsiveness::Config;
use tonle_wire::responsiveness::spec::{CONFIG_MAX_BYTES, CONFIG_PATH};
use url::Url;

/// What we say we are; nothing of the device.
const USER_AGENT: &str = concat!("tonle-agent/", env!("CARGO_PKG_VERSION"));
/// Most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;
/// Longest wait for each step of a connection: queues of seconds are what is looked for.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the configuration.
const CONFIG_TIMEOUT: Duration = Duration::from_secs(10);

/// A server whose configuration was read.
pub(super) struct Server<'a> {
    run: &'a Run,
    net: NetSettings,
    peer: SocketAddr,
    /// Where its objects are.
    pub(super) config: Config,
    /// The name of the protocol that its connections speak, as metrics have it.
    pub(super) protocol: &'static str,
    /// How far connections may be read.
    pub(super) allowance: Allowance,
}

/// An open connection with the times of its steps, microseconds.
pub(super) struct Opened {
    pub(super) channel: Channel,
    pub(super) line: OnLine,
    pub(super) tcp_us: i64,
    /// The TLS handshake over its round trips, where there is TLS.
    pub(super) tls_us: Option<i64>,
    protocol: &'static str,
}

/// The kernel's count of a connection, beside ours; the rest is counted when it is dropped.
pub(super) struct OnLine {
    /// A second handle on the connection.
    pub(super) kernel: Option<Arc<OwnedFd>>,
    /// What we counted of it.
    pub(super) own: Meter,
    all: Meter,
}

impl Drop for OnLine {
    fn drop(&mut self) {
        if let Some(kernel) = &self.kernel {
            count_the_rest(&self.all, &**kernel, &self.own);
        }
    }
}

/// The URL of the configuration: that of the target, or its usual place on the target's server.
pub(super) fn configuration_url(value: &str) -> Result<Url, CannotRun> {
    let bad = |reason: &str| CannotRun::Target {
        target: value.to_owned(),
        reason: reason.to_owned(),
    };
    // A measurement server is known by its WebSocket URL; the port is the same.
    let value = match value.split_once(':') {
        Some(("ws", rest)) => format!("http:{rest}"),
        Some(("wss", rest)) => format!("https:{rest}"),
        _ => value.to_owned(),
    };
    let mut url = Url::parse(&value).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it is no http or https URL"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host"));
    }
    if url.path() == "/" {
        url.set_path(CONFIG_PATH);
    }
    Ok(url)
}

impl<'a> Server<'a> {
    /// Asks the configuration's place for it; every step is recorded, `None` when one failed.
    pub(super) async fn find(run: &'a Run, url: Url, is_local: bool) -> Option<Self> {
        let allowance = Allowance::up_to(run.max_bytes);
        let net = if is_local {
            run.net.for_named_server()
        } else {
            run.net.clone()
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let at = Place {
            run,
            net: &net,
            host: &host,
            is_tls: url.scheme() == "https",
            allowance: &allowance,
        };
        let (peer, first) = at.first(&url).await?;
        let config = read_configuration(run, &first.channel, &url).await?;
        let is_same_place = config.host() == host
            && config.small.scheme() == url.scheme()
            && config.small.port_or_known_default() == url.port_or_known_default();
        if is_same_place {
            return Some(Self::new(run, net, peer, config, &first, allowance));
        }
        drop(first);
        let net = net_elsewhere(net, peer.ip());
        let at = Place {
            run,
            net: &net,
            host: config.host(),
            is_tls: config.small.scheme() == "https",
            allowance: &allowance,
        };
        let (peer, first) = at.first(&config.small).await?;
        Some(Self::new(
            run,
            net.clone(),
            peer,
            config,
            &first,
            allowance.clone(),
        ))
    }

    fn new(
        run: &'a Run,
        net: NetSettings,
        peer: SocketAddr,
        config: Config,
        first: &Opened,
        allowance: Allowance,
    ) -> Self {
        Self {
            run,
            net,
            peer,
            config,
            protocol: first.protocol,
            allowance,
        }
    }

    /// One more connection; `Err` holds the step that failed.
    pub(super) async fn open(&self) -> Result<Opened, Observation> {
        let small = &self.config.small;
        let at = Place {
            run: self.run,
            net: &self.net,
            host: small.host_str().unwrap_or_default(),
            is_tls: small.scheme() == "https",
            allowance: &self.allowance,
        };
        let mut steps = Vec::new();
        match at.open(self.peer, &mut steps).await {
            Some(opened) => Ok(opened),
            None => Err(steps.pop().expect("a connection has a step")),
        }
    }
}

/// Surroundings for another place than the one that told of it: a server on the Internet may not
/// send us into the volunteer's own network.
pub(super) fn net_elsewhere(net: NetSettings, told_by: IpAddr) -> NetSettings {
    NetSettings {
        allow_loopback: net.allow_loopback && is_special(told_by),
        ..net
    }
}

/// Where connections go, and on whose account.
struct Place<'a> {
    run: &'a Run,
    net: &'a NetSettings,
    host: &'a str,
    is_tls: bool,
    allowance: &'a Allowance,
}

impl Place<'_> {
    /// A connection to the first address that lets us, its steps recorded.
    async fn first(&self, url: &Url) -> Option<(SocketAddr, Opened)> {
        let dial = Dial {
            net: self.net,
            host: self.host,
            port: url.port_or_known_default().unwrap_or(443),
            patience: Patience::FULL,
            timeout: SETUP_TIMEOUT,
            addresses_max: ADDRESSES_MAX,
        };
        let began_us = self.run.clock.elapsed_us();
        let (peer, stream) = steps::dial(self.run, dial).await.connected?;
        let tcp_us = self.run.clock.elapsed_us() - began_us;
        let mut seen = Vec::new();
        let opened = self.speak(peer, stream, tcp_us, &mut seen).await;
        for step in seen {
            self.run.observe(step);
        }
        Some((peer, opened?))
    }

    /// A connection to `peer`; what each step saw goes to `seen`.
    async fn open(&self, peer: SocketAddr, seen: &mut Vec<Observation>) -> Option<Opened> {
        let run = self.run;
        let (step, stream) = tcp::connect(self.net, &run.clock, peer, SETUP_TIMEOUT).await;
        if steps::left_device(&step) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        let tcp_us = length_us(&step);
        seen.push(step);
        self.speak(peer, stream?, tcp_us, seen).await
    }

    /// HTTP on an open connection, over TLS where the URLs ask for it.
    async fn speak(
        &self,
        peer: SocketAddr,
        stream: TcpStream,
        tcp_us: i64,
        seen: &mut Vec<Observation>,
    ) -> Option<Opened> {
        let run = self.run;
        keep_little_waiting(&stream, run.max_bytes);
        let handle = || stream.as_fd().try_clone_to_owned().ok();
        let own = Meter::default();
        own.add(TCP_OPEN_CLOSE_BYTES);
        let line = OnLine {
            kernel: handle().map(Arc::new),
            own: own.clone(),
            all: run.meter.clone(),
        };
        let guard = handle();
        let metered = Metered::new(Metered::new(stream, run.meter.clone()), own);
        let stream = Bounded::new(metered, run.meter.clone(), self.allowance.clone(), guard);
        let (stream, tls_us, http2): (Box<dyn ByteStream>, _, _) = if self.is_tls {
            let (stream, tls_us, http2) = self.shake_hands(peer, stream, seen).await?;
            (stream, Some(tls_us), http2)
        } else {
            (Box::new(stream), None, false)
        };
        let channel = match Channel::open(stream, http2, USER_AGENT).await {
            Ok(channel) => channel,
            Err(failure) => {
                let step = Step::start(&run.clock, "http_request", scrub::host(self.host));
                seen.push(step.fail(failure));
                return None;
            }
        };
        Some(Opened {
            channel,
            line,
            tcp_us,
            tls_us,
            protocol: protocol(self.is_tls, http2),
        })
    }

    /// TLS; with the time of one of its round trips, and whether it chose HTTP/2.
    async fn shake_hands(
        &self,
        peer: SocketAddr,
        stream: impl ByteStream + 'static,
        seen: &mut Vec<Observation>,
    ) -> Option<(Box<dyn ByteStream>, i64, bool)> {
        let wanted = tls::Handshake {
            peer,
            server_name: self.host,
            alpn: tls::ALPN_HTTP2,
            timeout: SETUP_TIMEOUT,
        };
        let (step, stream) = tls::handshake(self.net, &self.run.clock, stream, wanted).await;
        let whole_us = length_us(&step);
        seen.push(step);
        let stream = stream?;
        let tls_us = whole_us / tls::round_trips(&stream);
        let http2 = tls::speaks_http2(&stream);
        Some((Box::new(stream), tls_us, http2))
    }
}

fn protocol(is_tls: bool, http2: bool) -> &'static str {
    match (is_tls, http2) {
        (true, true) => "h2",
        (true, false) => "h1",
        (false, _) => "plain",
    }
}

fn length_us(step: &Observation) -> i64 {
    step.t_end_us - step.t_start_us
}

/// Reads the configuration over an open connection and records what came.
async fn read_configuration(run: &Run, channel: &Channel, url: &Url) -> Option<Config> {
    let mut step = Step::start(&run.clock, "configuration", scrub::url(url));
    let asked = async {
        let received = channel.get(url).await?;
        step.fact("status", received.status);
        expect_content(&received)?;
        received.whole(CONFIG_MAX_BYTES).await
    };
    let read = tokio::time::timeout(CONFIG_TIMEOUT, asked).await;
    step.result_known();
    let json = match read {
        Ok(Ok(json)) => json,
        Ok(Err(failure)) => {
            run.observe(step.fail(failure));
            return None;
        }
        Err(_) => {
            run.observe(step.fail(Failure::GenericTimeout));
            return None;
        }
    };
    match Config::parse(&json) {
        Ok(config) => {
            run.observe(step.succeed());
            Some(config)
        }
        Err(bad) => {
            step.fact("reason", scrub::text(&bad.to_string(), &[]).into_owned());
            run.observe(step.fail(Failure::JsonParse));
            None
        }
    }
}

/// A test takes an object as it is: no redirect, no other status, nothing encoded.
pub(super) fn expect_content(received: &Received) -> Result<(), Failure> {
    match received.status {
        200..300 if received.is_encoded => Err(Failure::HttpRequestFailed),
        200..300 => Ok(()),
        300..400 => Err(Failure::HttpUnexpectedRedirectUrl),
        _ => Err(Failure::HttpUnexpectedStatusCode),
    }
}
