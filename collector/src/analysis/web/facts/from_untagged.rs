//! Measurements without transaction ids and labels: Web Connectivity 0.4, brought into the form of
//! 0.5.
//!
//! 1. Lookups of the page's own name are of depth 0, others of depth 1; each is a transaction.
//! 2. Connections are of depth 0 and were to fetch the page; a handshake belongs to the connection
//!    of its address that has none yet.
//! 3. Requests are written newest first: the last is of depth 0. One that names its server belongs
//!    to that connection; another stands alone.
//! 4. A first request that failed where no connection came about says nothing new and is left out:
//!    the lookups and connections say why.
//! 5. A request that failed in DNS is a failed lookup of its host.
use super::from_ooni::{endpoint, http, tls};
use super::{Address, Endpoint, Facts, Http, Lookup, Step, Via};
use tonle_wire::ooni::{HttpTransaction, Tagged, TestKeys};
use url::Url;

/// The first version that labels its events.
const LABELLED_SINCE: (u32, u32) = (0, 5);

/// Whether no event says its depth, and the version is none that would.
pub(super) fn is_untagged(keys: &TestKeys, version: Option<&str>) -> bool {
    let mut numbers = version
        .unwrap_or_default()
        .split('.')
        .map(str::parse::<u32>);
    if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next())
        && (major, minor) >= LABELLED_SINCE
    {
        return false;
    }
    let no_query = keys.queries.iter().all(|query| query.depth().is_none());
    let mut connects = keys.tcp_connect.iter();
    let no_connect = connects.all(|connect| connect.depth().is_none());
    no_query && no_connect
}

/// Fills in what labels would have said.
pub(super) fn complete(facts: &mut Facts, keys: &TestKeys) {
    let host = facts.host().to_owned();
    for (number, lookup) in facts.lookups.iter_mut().enumerate() {
        lookup.depth = Some(u32::from(lookup.name != host));
        lookup.transaction = id(1, number);
    }
    for (index, connect) in keys.tcp_connect.iter().enumerate() {
        let Some(mut made) = endpoint(index, connect, id(2, index)) else {
            continue;
        };
        made.depth = Some(0);
        made.fetches_body = true;
        facts.endpoints.push(made);
    }
    for (index, handshake) in keys.tls_handshakes.iter().enumerate() {
        let peer = handshake.address.as_deref().unwrap_or_default();
        let fits = |known: &&mut Endpoint| known.peer == peer && known.tls.is_none();
        if let Some(known) = facts.endpoints.iter_mut().find(fits) {
            known.tls = Some(tls(index, handshake));
        }
    }
    for (index, request) in keys.requests.iter().enumerate().rev() {
        let depth = u32::try_from(keys.requests.len() - 1 - index).unwrap_or(u32::MAX);
        add_request(facts, index, depth, request);
    }
}

fn add_request(facts: &mut Facts, index: usize, depth: u32, request: &HttpTransaction) {
    let made = http(index, request);
    let connected = facts
        .endpoints
        .iter()
        .any(|known| known.failure().is_none());
    if depth == 0 && made.step.failure.is_some() && !connected {
        return;
    }
    let failure = made.step.failure.as_ref();
    if failure.is_some_and(|failure| failure.name().starts_with("dns_")) {
        facts.lookups.push(failed_lookup(index, depth, &made));
        return;
    }
    let address = request.address.as_deref().unwrap_or_default();
    let fits = |known: &&mut Endpoint| {
        depth == 0 && known.peer == address && known.http.is_none() && known.failure().is_none()
    };
    match facts.endpoints.iter_mut().find(fits) {
        Some(known) => known.http = Some(made),
        None => facts.endpoints.push(alone(index, depth, address, made)),
    }
}

fn failed_lookup(index: usize, depth: u32, request: &Http) -> Lookup {
    let url = Url::parse(&request.url).ok();
    Lookup {
        at: request.step.at.clone(),
        transaction: id(3, index),
        depth: Some(depth),
        via: Via::System,
        resolver: String::new(),
        name: url
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
        query_type: "ANY".to_owned(),
        failure: request.step.failure.clone(),
        addresses: Vec::new(),
    }
}

/// A request whose connection was not written.
fn alone(index: usize, depth: u32, address: &str, request: Http) -> Endpoint {
    let is_https = request.url.starts_with("https:");
    let step = |failure| Step {
        at: request.step.at.clone(),
        failure,
    };
    let host = Url::parse(&request.url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let (ip, port) = address.rsplit_once(':').unwrap_or_default();
    let succeeded = request.step.failure.is_none();
    Endpoint {
        transaction: id(3, index),
        depth: Some(depth),
        fetches_body: true,
        peer: address.to_owned(),
        address: Address::new(ip, None),
        port: port.parse().unwrap_or(if is_https { 443 } else { 80 }),
        tcp: step(None),
        tls: (is_https && succeeded).then(|| super::Tls {
            step: step(None),
            server_name: host.to_owned(),
            verified: true,
            certificate: None,
        }),
        http: Some(request),
        progress_bytes: Vec::new(),
    }
}

/// A number of its own for an event of a list.
fn id(list: i64, index: usize) -> i64 {
    list * 1_000_000 + i64::try_from(index).unwrap_or(0)
}
