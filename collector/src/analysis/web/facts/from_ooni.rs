//! From an OONI measurement to facts.
//!
//! 1. Events of one transaction id are one endpoint: made by the connection, joined by handshake and
//!    request. A handshake or request without a connection is left out.
//! 2. A control counts when both what was asked of it and its answer are there.
//! 3. A measurement without ids and labels (Web Connectivity 0.4) is brought into this form first
//!    ([`super::from_untagged`]).
//! 4. What our own export says of a body or a chain that it leaves out stands for it.
use super::{
    Address, Certificate, Control, ControlDns, ControlHttp, Endpoint, Facts, Http, Late, Lookup,
    Response, RunFacts, Step, Tls, Via, Whoami, failure,
};
use std::collections::HashMap;
use tonle_evidence::failure::Failure;
use tonle_wire::ooni::{
    Binary, ControlResponse, HttpTransaction, Measurement, Query, Tagged, TcpConnect, TestKeys,
    TlsHandshake, title,
};
use url::Url;

impl Facts {
    /// The facts of a `web_connectivity` measurement.
    #[must_use]
    pub fn from_ooni(measurement: &Measurement) -> Self {
        let none = TestKeys::default();
        let keys = measurement.test_keys.as_ref().unwrap_or(&none);
        let url = measurement.input.as_deref();
        let version = measurement.test_version.as_deref();
        let labelled = !super::from_untagged::is_untagged(keys, version);
        let mut facts = Self {
            url: url.and_then(|url| Url::parse(url).ok()),
            country: measurement.probe_cc.clone().unwrap_or_default(),
            started_s: measurement.start_s(),
            labelled,
            run: run_facts(measurement),
            lookups: lookups(keys),
            late: late(keys),
            endpoints: Vec::new(),
            controls: controls(keys, labelled),
            control_failure: failure(keys.control_failure.as_ref()),
            whoami: whoami(keys),
        };
        if labelled {
            facts.endpoints = endpoints(keys);
        } else {
            super::from_untagged::complete(&mut facts, keys);
        }
        facts
    }
}

/// OONI Probe notes the kind of network; on some systems it tells a VPN.
fn run_facts(measurement: &Measurement) -> RunFacts {
    let network = measurement.annotations.get("network_type");
    let is_vpn = network.is_some_and(|network| network == "vpn");
    RunFacts {
        tunnelled: is_vpn.then(|| "/annotations/network_type".to_owned()),
        ..RunFacts::default()
    }
}

fn lookups(keys: &TestKeys) -> Vec<Lookup> {
    let queries = keys.queries.iter().enumerate();
    queries
        .filter(|(_, query)| query.hostname.is_some())
        .map(|(index, query)| Lookup {
            at: format!("/test_keys/queries/{index}"),
            transaction: query.transaction_id.unwrap_or(0),
            depth: query.depth(),
            via: via(query.engine.as_deref()),
            resolver: query.resolver_address.clone().unwrap_or_default(),
            name: query.hostname.clone().unwrap_or_default(),
            query_type: query.query_type.clone().unwrap_or_default(),
            failure: failure(query.failure.as_ref()),
            addresses: addresses(query),
        })
        .collect()
}

/// `system`, `go` and `golang_net_resolver` are older names of what programs of the device use.
fn via(engine: Option<&str>) -> Via {
    match engine {
        Some("getaddrinfo" | "golang_net_resolver" | "go" | "system") => Via::System,
        Some("udp") => Via::Udp,
        Some("doh") => Via::Doh,
        _ => Via::Other,
    }
}

/// Distinct addresses of an answer. Only the field of the answer's own type counts.
fn addresses(query: &Query) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    for answer in &query.answers {
        let text = match answer.answer_type.as_deref() {
            Some("A") => answer.ipv4.as_deref(),
            Some("AAAA") => answer.ipv6.as_deref(),
            _ => None,
        };
        let Some(text) = text else { continue };
        if addresses.iter().all(|known| known.text != text) {
            addresses.push(Address::new(text, answer.asn));
        }
    }
    addresses
}

fn late(keys: &TestKeys) -> Vec<Late> {
    let queries = keys.x_dns_duplicate_responses.iter().enumerate();
    queries
        .map(|(index, query)| Late {
            at: format!("/test_keys/x_dns_duplicate_responses/{index}"),
            transaction: query.transaction_id.unwrap_or(0),
            name: query.hostname.clone().unwrap_or_default(),
            failure: failure(query.failure.as_ref()),
            addresses: addresses(query),
        })
        .collect()
}

/// Rule 1.
fn endpoints(keys: &TestKeys) -> Vec<Endpoint> {
    let mut endpoints = Vec::new();
    let mut by_transaction = HashMap::new();
    for (index, connect) in keys.tcp_connect.iter().enumerate() {
        let transaction = connect.transaction_id.unwrap_or(0);
        if transaction <= 0 {
            continue;
        }
        let Some(endpoint) = endpoint(index, connect, transaction) else {
            continue;
        };
        by_transaction.insert(transaction, endpoints.len());
        endpoints.push(endpoint);
    }
    for (index, handshake) in keys.tls_handshakes.iter().enumerate() {
        let transaction = handshake.transaction_id.unwrap_or(0);
        if let Some(place) = by_transaction.get(&transaction) {
            endpoints[*place].tls = Some(tls(index, handshake));
        }
    }
    for (index, request) in keys.requests.iter().enumerate() {
        let transaction = request.transaction_id.unwrap_or(0);
        if let Some(place) = by_transaction.get(&transaction) {
            endpoints[*place].http = Some(http(index, request));
        }
    }
    for event in &keys.network_events {
        let transaction = event.transaction_id.unwrap_or(0);
        let is_progress = event.operation.as_deref() == Some("bytes_received_cumulative");
        if let (true, Some(place), Some(bytes)) = (
            is_progress,
            by_transaction.get(&transaction),
            event.num_bytes,
        ) {
            endpoints[*place].progress_bytes.push(bytes);
        }
    }
    endpoints
}

/// A connection as an endpoint without further steps; none for one without address or port.
pub(super) fn endpoint(index: usize, connect: &TcpConnect, transaction: i64) -> Option<Endpoint> {
    let ip = connect.ip.as_deref()?;
    let port = u16::try_from(connect.port?).ok()?;
    let address = Address::new(ip, None);
    let peer = match address.ip {
        Some(ip) => std::net::SocketAddr::new(ip, port).to_string(),
        None => format!("{ip}:{port}"),
    };
    let status = connect.status.as_ref();
    let failed_silently = status.is_none_or(|status| status.success == Some(false));
    let failure = failure(status.and_then(|status| status.failure.as_ref()))
        .or_else(|| failed_silently.then(|| Failure::unknown("not recorded")));
    Some(Endpoint {
        transaction,
        depth: connect.depth(),
        fetches_body: connect.fetches_body() == Some(true),
        peer,
        address,
        port,
        tcp: Step {
            at: format!("/test_keys/tcp_connect/{index}"),
            failure,
        },
        tls: None,
        http: None,
        progress_bytes: Vec::new(),
    })
}

pub(super) fn tls(index: usize, handshake: &TlsHandshake) -> Tls {
    let leaf = handshake.peer_certificates.first();
    let leaf = leaf.and_then(Binary::bytes).and_then(Certificate::from_der);
    let told = || handshake.x_leaf.as_ref().and_then(Certificate::from_leaf);
    Tls {
        step: Step {
            at: format!("/test_keys/tls_handshakes/{index}"),
            failure: failure(handshake.failure.as_ref()),
        },
        server_name: handshake.server_name.clone().unwrap_or_default(),
        verified: handshake.no_tls_verify != Some(true),
        certificate: leaf.or_else(told),
    }
}

pub(super) fn http(index: usize, transaction: &HttpTransaction) -> Http {
    let request = transaction.request.as_ref();
    Http {
        step: Step {
            at: format!("/test_keys/requests/{index}"),
            failure: failure(transaction.failure.as_ref()),
        },
        url: request
            .and_then(|request| request.url.clone())
            .unwrap_or_default(),
        response: response(transaction),
    }
}

fn response(transaction: &HttpTransaction) -> Option<Response> {
    let response = transaction.response.as_ref()?;
    let status = response.code.filter(|code| *code > 0)?;
    let body = response.body.text();
    let headers = response.headers().iter();
    // Rule 4.
    let left_out = response.body.bytes().is_none();
    let told_bytes = response.x_body_bytes.filter(|_| left_out);
    let told_title = response.x_title.clone().filter(|_| left_out);
    Some(Response {
        status,
        body_bytes: told_bytes
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(response.body.len()),
        truncated: response.body_is_truncated == Some(true),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), Some(value.clone())))
            .collect(),
        title: told_title.unwrap_or_else(|| title(&body).to_owned()),
        body: body.into_owned(),
    })
}

/// Rule 2. Web Connectivity 0.4 does not write what it asked.
fn controls(keys: &TestKeys, labelled: bool) -> Vec<Control> {
    let written = keys.x_control_request.is_some() || keys.control_request.is_some();
    let asked = written || !labelled;
    match &keys.control {
        Some(control) if asked && keys.control_failure.is_none() => {
            vec![of_control("/test_keys/control".to_owned(), control)]
        }
        _ => Vec::new(),
    }
}

/// What a control saw, whose answer stands at this place.
pub(super) fn of_control(at: String, control: &ControlResponse) -> Control {
    let asn_of = |address: &str| control.ip_info.get(address).and_then(|info| info.asn);
    let dns = control.dns.as_ref().map(|dns| ControlDns {
        failure: failure(dns.failure.as_ref()),
        addresses: dns
            .addrs
            .iter()
            .map(|address| Address::new(address, asn_of(address)))
            .collect(),
    });
    let tcp = control.tcp_connect.iter().map(|(peer, seen)| {
        let failed = failed(seen.failure.as_ref(), seen.status);
        (peer.clone(), failed)
    });
    let tls = control.tls_handshake.iter().map(|(peer, seen)| {
        let server_name = seen.server_name.clone().unwrap_or_default();
        let failed = failed(seen.failure.as_ref(), seen.status);
        (peer.clone(), server_name, failed)
    });
    let quic = control.quic_handshake.iter().map(|(peer, seen)| {
        let failed = failed(seen.failure.as_ref(), seen.status);
        (peer.clone(), failed)
    });
    let http = control.http_request.as_ref().map(|http| ControlHttp {
        failure: failure(http.failure.as_ref()),
        status: http.status_code.unwrap_or(-1),
        body_bytes: http.body_length.unwrap_or(-1),
        headers: http
            .headers
            .keys()
            .map(|name| name.to_ascii_lowercase())
            .collect(),
        title: http.title.clone().unwrap_or_default(),
    });
    Control {
        at,
        dns,
        tcp: tcp.collect(),
        tls: tls.collect(),
        quic: quic.collect(),
        http,
    }
}

fn failed(name: Option<&String>, status: Option<bool>) -> Option<Failure> {
    failure(name).or_else(|| (status == Some(false)).then(|| Failure::unknown("not recorded")))
}

fn whoami(keys: &TestKeys) -> Option<Whoami> {
    let seen = keys.x_dns_whoami.as_ref()?;
    let addresses = |answers: &[tonle_wire::ooni::WhoamiAnswer]| {
        let known = answers.iter().filter_map(|answer| answer.address.clone());
        known.collect::<Vec<_>>()
    };
    let public = seen.udp_v4.iter();
    Some(Whoami {
        at: "/test_keys/x_dns_whoami".to_owned(),
        system: addresses(&seen.system_v4),
        public: public
            .map(|(resolver, answers)| (resolver.clone(), addresses(answers)))
            .collect(),
    })
}
