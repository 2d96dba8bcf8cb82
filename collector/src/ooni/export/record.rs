//! A record of `web_connectivity` as an OONI measurement: its public half and nothing else.
//!
//! 1. Its time is the hour that the record publishes, in UTC; times of steps count from the start of
//!    the run, so none tells the minute.
//! 2. Its names (`report_id`, `measurement_uid`) are made from the record's hash: no two records share
//!    one. `annotations.tonle_record` is that hash, by which the record can be asked for.
//! 3. Province, place, plan and radio are left out: a site on a network on a day may have fewer than
//!    five witnesses. The network is what the collector saw at receipt, `AS0` where no table knew it; so is
//!    the network that the device's own resolver asks from.
//! 4. Bodies and certificate chains are not public; their sizes, titles and what the leaf says stand
//!    in `x_body_bytes`, `x_title` and `x_leaf`. Which address a resolver asked from is left out: it
//!    may be the volunteer's own.
//! 5. The result keys are those of the OONI layer, computed from the public half.
//! 6. What speaks against the run stands in `annotations.tonle_run`; a VPN also in `network_type`.
use super::events;
use crate::analysis::web::facts::{Facts, RunFacts};
use crate::analysis::web::ooni;
use crate::journal::NetworkIdentity;
use serde_json::{Map, Value, json};
use tonle_evidence::country::Country;
use tonle_evidence::hash::Hash;
use tonle_evidence::local_time::LocalHour;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::Public;
use tonle_wire::ooni::WEB_CONNECTIVITY;
use tonle_wire::ooni::name::{ReportId, is_country, measurement_uid};

/// Version of the test whose result keys are given.
const TEST_VERSION: &str = "0.5.28";
/// Digits of the record's hash in its names.
const NAME_DIGITS: usize = 16;

/// The measurement. `network`: where it was received from; `country`: whose clock wrote its hour.
#[must_use]
pub fn measurement(
    public: &Public,
    hash: &Hash,
    network: &NetworkIdentity,
    country: &Country,
) -> Value {
    let facts = Facts::from_record(public, None);
    let start_s = start_s(&public.local_hour, country.utc_offset_s);
    let digits = hash.to_string();
    let name = &digits[..NAME_DIGITS];
    let code = country_code(&public.country);
    let asn = network.asn.unwrap_or(0);
    let resolver_asn = network.resolver_asn.unwrap_or(0);
    let operator_of = |asn| {
        country
            .operator_of(asn)
            .map_or("", |operator| &operator.name)
    };
    let first = hash.0.first_chunk().expect("a hash has 32 bytes");
    let seen_until_us = public.observations.iter().map(|seen| seen.t_end_us).max();
    let software = &public.software;
    let controls = Controls::of(public, &facts);
    json!({
        "annotations": annotations(public, &facts.run, &digits),
        "data_format_version": "0.2.0",
        "extensions": { "dnst": 0, "httpt": 0, "netevents": 0, "tcpconnect": 0, "tlshandshake": 0, "tunnel": 0 },
        "input": public.target.value,
        "measurement_start_time": written(start_s),
        "measurement_uid": measurement_uid(start_s * 1_000_000, code, WEB_CONNECTIVITY, *first),
        "probe_asn": format!("AS{asn}"),
        "probe_cc": code,
        "probe_ip": "127.0.0.1",
        "probe_network_name": operator_of(asn),
        "report_id": ReportId::new(start_s, WEB_CONNECTIVITY, code, asn, name).to_string(),
        "resolver_asn": format!("AS{resolver_asn}"),
        "resolver_ip": "",
        "resolver_network_name": operator_of(resolver_asn),
        "software_name": software.name,
        "software_version": software.version,
        "test_helpers": controls.helpers,
        "test_keys": test_keys(public, &facts, controls),
        "test_name": WEB_CONNECTIVITY,
        "test_runtime": events::seconds(seen_until_us.unwrap_or(0)),
        "test_start_time": written(start_s),
        "test_version": TEST_VERSION,
    })
}

/// `ZZ` for a country that is none.
fn country_code(code: &str) -> &str {
    if is_country(code) { code } else { "ZZ" }
}

/// The start of the published hour in UTC, seconds since the Unix epoch; 0 for an hour that is none.
fn start_s(local_hour: &str, utc_offset_s: i32) -> i64 {
    let hour: Option<LocalHour> = local_hour.parse().ok();
    hour.map_or(0, |hour| hour.start_s(utc_offset_s))
}

/// `YYYY-MM-DD HH:00:00`.
fn written(start_s: i64) -> String {
    let hour = LocalHour::at(start_s * 1_000_000, 0);
    format!("{} {:02}:00:00", hour.day, hour.hour)
}

/// Rule 6.
fn annotations(public: &Public, run: &RunFacts, record: &str) -> Value {
    let network_type = match public.context.interface.as_str() {
        "wifi" => Some("wifi"),
        "cellular" => Some("mobile"),
        "tunnel" => Some("vpn"),
        _ => None,
    };
    let known_good = run.known_good_failed.first().cloned();
    let against: Vec<&str> = [
        ("tunnelled", &run.tunnelled),
        ("clock_off", &run.clock_off),
        ("never_left", &run.never_left),
        ("portal", &run.portal),
        ("known_good_failed", &known_good),
        ("cut_short", &run.cut_short),
    ]
    .into_iter()
    .filter_map(|(word, fact)| fact.as_ref().map(|_| word))
    .collect();
    let method_version = public.method.version.to_string();
    let against = (!against.is_empty()).then(|| against.join(" "));
    let notes = [
        ("engine_name", Some(public.software.name.as_str())),
        ("engine_version", Some(public.software.version.as_str())),
        ("network_type", network_type),
        ("tonle_method_version", Some(method_version.as_str())),
        ("tonle_record", Some(record)),
        ("tonle_run", against.as_deref()),
    ];
    let told = notes
        .into_iter()
        .filter_map(|(key, note)| Some((key.to_owned(), Value::from(note?))));
    Value::Object(told.collect())
}

/// What the controls of a visit were asked and said.
struct Controls {
    helpers: Value,
    /// The one that the result keys rest on: what it was asked, what it said.
    first: Option<(Value, Value)>,
    others: Vec<Value>,
}

impl Controls {
    /// The first is the one that the analysis takes as the first.
    fn of(public: &Public, facts: &Facts) -> Self {
        let asked = public.observations.iter().enumerate();
        let asked = asked.filter(|(_, seen)| seen.operation == "control");
        let first_at = facts
            .controls
            .first()
            .and_then(|first| events::index(&first.at));
        let mut controls = Self {
            helpers: json!({}),
            first: None,
            others: Vec::new(),
        };
        for (index, seen) in asked {
            let (request, answer) = (document(seen, "request"), document(seen, "answer"));
            let is_first = first_at == Some(index);
            if is_first || controls.helpers.get("backend").is_none() {
                let address = seen.subject.as_deref().unwrap_or_default();
                controls.helpers = json!({ "backend": { "address": address, "type": "https" } });
            }
            if is_first {
                controls.first = Some((request, answer));
            } else {
                controls.others.push(json!({
                    "address": seen.subject, "request": request, "answer": answer,
                    "failure": seen.failure,
                }));
            }
        }
        controls
    }
}

/// JSON that stands as text in a detail; null where it is none.
fn document(seen: &Observation, key: &str) -> Value {
    let text = seen.detail.get(key).and_then(Value::as_str);
    let read = text.and_then(|text| serde_json::from_str(text).ok());
    read.unwrap_or(Value::Null)
}

fn test_keys(public: &Public, facts: &Facts, controls: Controls) -> Value {
    let events = events::Events::of(public, facts);
    let (request, control) = controls.first.unwrap_or_default();
    let mut keys: Map<String, Value> = match json!(ooni::keys(facts)) {
        Value::Object(keys) => keys,
        _ => Map::new(),
    };
    keys.remove("method");
    let measured = json!({
        "agent": "redirect",
        "client_resolver": null,
        "retries": null,
        "socksproxy": null,
        "network_events": events.sockets,
        "x_dns_whoami": null,
        "x_doh": null,
        "x_do53": null,
        "x_dns_duplicate_responses": events.late,
        "queries": events.queries,
        "requests": events.requests,
        "tcp_connect": events.tcp_connect,
        "tls_handshakes": events.tls_handshakes,
        "x_control_request": request,
        "control": control,
        "x_controls": controls.others,
        "x_conn_priority_log": [],
    });
    if let Value::Object(measured) = measured {
        keys.extend(measured);
    }
    Value::Object(keys)
}
