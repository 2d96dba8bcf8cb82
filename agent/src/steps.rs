//! What experiments do alike around the steps of `tonle_net`.
use crate::experiments::{CannotRun, Run};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{Outcome, PathClass, Target};
use tonle_net::dns::{Patience, Resolved, resolve_host};
use tonle_net::meter::TCP_OPEN_CLOSE_BYTES;
use tonle_net::settings::NetSettings;
use tonle_net::tcp;

/// Resolves `host` on the run's account; what each question saw is recorded.
pub async fn resolve(run: &Run, host: &str, patience: Patience) -> Resolved {
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, host, patience).await;
    for observation in &resolved.observations {
        run.observe(observation.clone());
    }
    resolved
}

/// Where to connect.
#[derive(Debug, Clone, Copy)]
pub struct Dial<'a> {
    /// What may be contacted.
    pub net: &'a NetSettings,
    /// Name or literal address.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// How long resolvers are listened to.
    pub patience: Patience,
    /// Longest wait for each address.
    pub timeout: Duration,
    /// Most addresses that are tried.
    pub addresses_max: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Dialled {
    /// The first address that let us, and the connection.
    pub connected: Option<(SocketAddr, TcpStream)>,
    /// Whether anything left the device.
    pub left: bool,
}

/// Resolves a host and connects to the first of its addresses that lets us, in their order; every
/// question and attempt is recorded.
pub async fn dial(run: &Run, dial: Dial<'_>) -> Dialled {
    let resolved = resolve(run, dial.host, dial.patience).await;
    let mut left = resolved.observations.iter().any(left_device);
    for address in resolved.addresses.iter().take(dial.addresses_max) {
        let peer = SocketAddr::new(*address, dial.port);
        let attempt = connect(run, dial.net, peer, dial.timeout).await;
        left |= attempt.left;
        if attempt.connected.is_some() {
            return Dialled { left, ..attempt };
        }
    }
    Dialled {
        connected: None,
        left,
    }
}

/// Connects to one address; the attempt is recorded, and its packets are counted.
pub async fn connect(run: &Run, net: &NetSettings, peer: SocketAddr, timeout: Duration) -> Dialled {
    let (seen, stream) = tcp::connect(net, &run.clock, peer, timeout).await;
    let left = left_device(&seen);
    if left {
        run.count_bytes(TCP_OPEN_CLOSE_BYTES);
    }
    run.observe(seen);
    Dialled {
        connected: stream.map(|stream| (peer, stream)),
        left,
    }
}

/// The address of `host` to measure: the first that there is a route to, else the first; nothing
/// where the name leads nowhere, which is recorded.
pub async fn resolve_one(run: &Run, host: &str) -> Option<IpAddr> {
    let resolved = resolve(run, host, Patience::FIRST_ANSWER).await;
    let addresses = &resolved.addresses;
    let with_route = addresses.iter().find(|address| tcp::has_route(**address));
    with_route.or(addresses.first()).copied()
}

/// Counts the bytes of a probe, unless they would be more than the run may use.
pub fn may_spend(run: &Run, bytes: u64) -> bool {
    if run.bytes_used() + bytes > run.max_bytes {
        run.ended(Outcome::Capped);
        return false;
    }
    run.count_bytes(bytes);
    true
}

/// Whether anything of this step left the device. A step that did not, for want of a route or an
/// interface, says something of the device and nothing of the line: it enters no loss or failure
/// ratio.
#[must_use]
pub fn left_device(observation: &Observation) -> bool {
    observation.detail.get("sent") != Some(&false.into())
}

/// Does `work` until it is done or the run is cancelled; what was recorded until then stands.
pub async fn until_cancelled(
    run: &Run,
    work: impl Future<Output = Result<(), CannotRun>>,
) -> Result<(), CannotRun> {
    tokio::select! {
        () = run.cancel.cancelled() => {
            run.ended(Outcome::Cancelled);
            Ok(())
        }
        done = work => done,
    }
}

/// The surroundings of steps towards a target: one declared local is a server that the volunteer
/// named himself, and may be contacted wherever it stands.
#[must_use]
pub fn surroundings(run: &Run, target: &Target) -> NetSettings {
    if target.path_class == PathClass::Local {
        return run.net.for_named_server();
    }
    run.net.clone()
}

/// Refuses a target whose literal address may not be contacted.
pub fn check_literal(run: &Run, target: &str, host: &str) -> Result<(), CannotRun> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) if !run.net.may_contact(address) => Err(CannotRun::Target {
            target: target.to_owned(),
            reason: "its address is not on the Internet; `allow_loopback` is for laboratories"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}
