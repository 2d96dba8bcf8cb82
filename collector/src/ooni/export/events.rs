//! The steps of a visit as the lists of a measurement: df-001, df-002, df-005, df-006, df-008.
//!
//! What belongs together, and at which depth, is what the analysis found ([`Facts`]), so that whoever
//! reads the measurement finds the same. Times and details come from the observations.
use crate::analysis::web::facts::{
    Address, Certificate, Endpoint, Facts, Http, Late, Lookup, Response, Step, Tls, Via,
};
use serde_json::{Map, Value, json};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Public;

/// Written for an address of the volunteer's side, as OONI Probe writes one that it scrubbed.
const SCRUBBED: &str = "[scrubbed]";

/// The lists.
pub(super) struct Events {
    pub(super) queries: Vec<Value>,
    pub(super) late: Vec<Value>,
    pub(super) tcp_connect: Vec<Value>,
    pub(super) tls_handshakes: Vec<Value>,
    /// Newest first.
    pub(super) requests: Vec<Value>,
    /// What sockets did (`network_events`).
    pub(super) sockets: Vec<Value>,
}

/// Microseconds as seconds.
pub(super) fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// Number of the observation that a pointer such as `/observations/3/detail` leads to.
pub(super) fn index(at: &str) -> Option<usize> {
    let rest = at.strip_prefix("/observations/")?;
    rest.split('/').next()?.parse().ok()
}

impl Events {
    pub(super) fn of(public: &Public, facts: &Facts) -> Self {
        let steps = Steps(&public.observations);
        let endpoints = facts.endpoints.iter();
        let mut asked: Vec<(&Endpoint, &Http)> = endpoints
            .filter_map(|endpoint| Some((endpoint, endpoint.http.as_ref()?)))
            .collect();
        asked.sort_by_key(|(_, http)| std::cmp::Reverse(steps.of(&http.step.at).0));
        Self {
            queries: facts.lookups.iter().map(|one| steps.query(one)).collect(),
            late: facts
                .late
                .iter()
                .map(|late| steps.late(late, facts))
                .collect(),
            tcp_connect: facts
                .endpoints
                .iter()
                .map(|one| steps.connect(one))
                .collect(),
            tls_handshakes: facts
                .endpoints
                .iter()
                .filter_map(|one| Some(steps.handshake(one, one.tls.as_ref()?)))
                .collect(),
            requests: asked
                .iter()
                .map(|(one, http)| steps.request(one, http))
                .collect(),
            sockets: facts
                .endpoints
                .iter()
                .flat_map(|one| steps.progress(one))
                .collect(),
        }
    }
}

/// The observations of a record.
struct Steps<'a>(&'a [Observation]);

impl Steps<'_> {
    /// End and start of a step, microseconds since the run began, end first; and its details.
    fn of(&self, at: &str) -> (i64, i64, Option<&Observation>) {
        let seen = index(at).and_then(|index| self.0.get(index));
        let times = seen.map_or((0, 0), |seen| (seen.t_end_us, seen.t_start_us));
        (times.0, times.1, seen)
    }

    fn detail(&self, at: &str, key: &str) -> Value {
        let seen = self.of(at).2;
        let detail = seen.and_then(|seen| seen.detail.get(key));
        detail.cloned().unwrap_or(Value::Null)
    }

    /// What every event has.
    fn event(&self, at: &str, tags: &[String], transaction: i64) -> Map<String, Value> {
        let (end_us, start_us, _) = self.of(at);
        let fields = [
            ("t0", json!(seconds(start_us))),
            ("t", json!(seconds(end_us))),
            ("tags", json!(tags)),
            ("transaction_id", json!(transaction)),
        ];
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }

    fn query(&self, lookup: &Lookup) -> Value {
        let base = self.event(&lookup.at, &depth_tags(lookup.depth), lookup.transaction);
        let cnames = self.detail(&lookup.at, "cnames");
        let named = self.detail(&lookup.at, "engine");
        let failure = lookup.failure.as_ref();
        joined(
            base,
            json!({
                "answers": answers(&lookup.addresses, &cnames),
                "engine": engine_of(lookup.via, named.as_str()),
                "failure": failure.map(Failure::name),
                "getaddrinfo_error": null,
                "hostname": lookup.name,
                "query_type": lookup.query_type,
                "raw_response": null,
                "rcode": self.detail(&lookup.at, "rcode"),
                "resolver_hostname": null,
                "resolver_port": null,
                "resolver_address": resolver(lookup),
            }),
        )
    }

    fn late(&self, late: &Late, facts: &Facts) -> Value {
        let mut lookups = facts.lookups.iter();
        let first =
            lookups.find(|lookup| lookup.at == late.at || lookup.transaction == late.transaction);
        let depth = first.and_then(|lookup| lookup.depth);
        let base = self.event(&late.at, &depth_tags(depth), late.transaction);
        joined(
            base,
            json!({
                "answers": answers(&late.addresses, &Value::Null),
                "engine": first.map(|lookup| engine_of(lookup.via, None)),
                "failure": late.failure.as_ref().map(Failure::name),
                "hostname": late.name,
                "query_type": first.map(|lookup| lookup.query_type.as_str()),
                "raw_response": null,
                "resolver_address": first.map(resolver),
            }),
        )
    }

    fn connect(&self, endpoint: &Endpoint) -> Value {
        let failure = endpoint.tcp.failure.as_ref();
        joined(
            self.endpoint_event(endpoint, &endpoint.tcp),
            json!({
                "ip": address(&endpoint.address),
                "port": endpoint.port,
                "status": {
                    "failure": failure.map(Failure::name),
                    "success": failure.is_none(),
                },
            }),
        )
    }

    fn handshake(&self, endpoint: &Endpoint, tls: &Tls) -> Value {
        let at = &tls.step.at;
        joined(
            self.endpoint_event(endpoint, &tls.step),
            json!({
                "network": "tcp",
                "address": peer(endpoint),
                "cipher_suite": self.detail(at, "cipher_suite"),
                "failure": tls.step.failure.as_ref().map(Failure::name),
                "negotiated_protocol": self.detail(at, "alpn"),
                "no_tls_verify": !tls.verified,
                "peer_certificates": [],
                "server_name": tls.server_name,
                "tls_version": self.detail(at, "version"),
                "x_leaf": tls.certificate.as_ref().map(Certificate::to_leaf),
            }),
        )
    }

    fn request(&self, endpoint: &Endpoint, http: &Http) -> Value {
        let alpn = endpoint
            .tls
            .as_ref()
            .map(|tls| self.detail(&tls.step.at, "alpn"));
        joined(
            self.endpoint_event(endpoint, &http.step),
            json!({
                "network": "tcp",
                "address": peer(endpoint),
                "alpn": alpn,
                "failure": http.step.failure.as_ref().map(Failure::name),
                "request": {
                    "body": "",
                    "body_is_truncated": false,
                    "headers": {},
                    "headers_list": [],
                    "method": "GET",
                    "tor": { "exit_ip": null, "exit_name": null, "is_tor": false },
                    "url": http.url,
                    "x_transport": "tcp",
                },
                "response": http.response.as_ref().map(response),
            }),
        )
    }

    /// Bytes received so far, at the moments that were noted, else at the end of the request.
    fn progress(&self, endpoint: &Endpoint) -> Vec<Value> {
        let step = endpoint
            .http
            .as_ref()
            .map_or(&endpoint.tcp, |http| &http.step);
        let times = self.detail(&step.at, "progress_us");
        let end_us = self.of(&step.at).0;
        let samples = endpoint.progress_bytes.iter().enumerate();
        samples
            .map(|(place, bytes)| {
                let at_us = times.get(place).and_then(Value::as_i64);
                json!({
                    "address": peer(endpoint),
                    "failure": null,
                    "num_bytes": bytes,
                    "operation": "bytes_received_cumulative",
                    "proto": "tcp",
                    "t0": seconds(at_us.unwrap_or(end_us)),
                    "t": seconds(at_us.unwrap_or(end_us)),
                    "tags": [],
                    "transaction_id": endpoint.transaction,
                })
            })
            .collect()
    }

    fn endpoint_event(&self, endpoint: &Endpoint, step: &Step) -> Map<String, Value> {
        let mut tags = depth_tags(endpoint.depth);
        tags.push(format!("fetch_body={}", endpoint.fetches_body));
        // Version 1 of the experiment asked the device's resolvers only.
        if self.detail(&endpoint.tcp.at, "classic") != Value::Bool(false) {
            tags.push("classic".to_owned());
        }
        if endpoint.depth == Some(0) {
            tags.push("tcptls_experiment".to_owned());
        }
        self.event(&step.at, &tags, endpoint.transaction)
    }
}

fn joined(mut base: Map<String, Value>, more: Value) -> Value {
    if let Value::Object(more) = more {
        base.extend(more);
    }
    Value::Object(base)
}

fn depth_tags(depth: Option<u32>) -> Vec<String> {
    depth.iter().map(|depth| format!("depth={depth}")).collect()
}

/// The engine as OONI calls it. `system` is its older name for whatever the device's programs use; a
/// record that called `getaddrinfo` says so.
fn engine_of(via: Via, named: Option<&str>) -> &'static str {
    match via {
        Via::System if named == Some("getaddrinfo") => "getaddrinfo",
        Via::System => "system",
        Via::Udp => "udp",
        Via::Doh => "doh",
        Via::Other => "unknown",
    }
}

/// A resolver of the device's own network is known by its kind only, which is no address.
fn resolver(lookup: &Lookup) -> &str {
    match lookup.via {
        Via::System => "",
        _ => &lookup.resolver,
    }
}

/// Our records write the volunteer's side by its kind; a measurement has addresses only.
fn address(address: &Address) -> String {
    match address.ip {
        Some(ip) if ip.to_canonical().is_loopback() => "127.0.0.1".to_owned(),
        Some(_) => address.text.clone(),
        None => SCRUBBED.to_owned(),
    }
}

fn peer(endpoint: &Endpoint) -> String {
    let host = address(&endpoint.address);
    if endpoint.address.is_v6() && host.contains(':') {
        return format!("[{host}]:{}", endpoint.port);
    }
    format!("{host}:{}", endpoint.port)
}

fn answers(addresses: &[Address], cnames: &Value) -> Value {
    let names = cnames.as_array().into_iter().flatten();
    let names = names.map(|name| json!({ "answer_type": "CNAME", "hostname": name, "ttl": null }));
    let written = addresses.iter().map(|one| {
        let (kind, key) = if one.is_v6() && !one.is_loopback() {
            ("AAAA", "ipv6")
        } else {
            ("A", "ipv4")
        };
        json!({ "asn": one.asn, "as_org_name": null, "answer_type": kind, key: address(one), "ttl": null })
    });
    let all: Vec<Value> = names.chain(written).collect();
    if all.is_empty() {
        Value::Null
    } else {
        all.into()
    }
}

fn response(response: &Response) -> Value {
    let value = |known: &Option<String>| known.clone().unwrap_or_default();
    let lines = response.headers.iter();
    let list: Vec<Value> = lines
        .map(|(name, known)| json!([name, value(known)]))
        .collect();
    let mut first = Map::new();
    for (name, known) in &response.headers {
        first
            .entry(name.clone())
            .or_insert_with(|| value(known).into());
    }
    json!({
        "body": null,
        "body_is_truncated": response.truncated,
        "code": response.status,
        "headers": first,
        "headers_list": list,
        "x_body_bytes": response.body_bytes,
        "x_title": response.title,
    })
}
