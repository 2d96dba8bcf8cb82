//! Looks through a measurement for what would name a volunteer, before it is kept or published.
//!
//! A measurement is full of addresses that are evidence: of targets, resolvers, controls. These stand
//! in places that the format has for them (`evidence`). Any other address, and any MAC address, in
//! any text, key, or bytes in base64, may be the volunteer's: servers echo whom they see.
use super::accept::is_shared_with_nobody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use tonle_net::scrub;
use url::{Host, Url};

/// Why a measurement is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// `probe_ip` or another place for the probe's own address or id is filled.
    Probe,
    /// An address that is not evidence.
    Address,
    /// It cannot be looked through.
    Unreadable,
}

impl Finding {
    /// The word as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "names_the_probe",
            Self::Address => "holds_an_address",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Looks through the bytes of a measurement.
pub fn scan(measurement: &[u8]) -> Result<(), Finding> {
    let value: Value = serde_json::from_slice(measurement).map_err(|_| Finding::Unreadable)?;
    let text = |key: &str| value[key].as_str();
    let is_named = |key: &str| text(key).is_some_and(|text| !text.is_empty());
    if !is_shared_with_nobody(text("probe_ip")) || is_named("probe_id") {
        return Err(Finding::Probe);
    }
    let known = evidence(&value);
    let mut clean = true;
    walk(&value, &mut |text| {
        clean = clean && matches!(scrub::bytes(text, &known), Cow::Borrowed(_));
    });
    if clean { Ok(()) } else { Err(Finding::Address) }
}

/// Whether a measurement holds this address in any usual form: as text, with hyphens as in names of
/// access lines, in hexadecimal, also percent-encoded or in base64. Loopback and the unspecified
/// address are nobody's.
#[must_use]
pub fn holds(measurement: &Value, address: IpAddr) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() || address.is_unspecified() {
        return false;
    }
    let forms = forms_of(address);
    let mut found = false;
    walk(measurement, &mut |text| {
        found = found || is_in(text, address, &forms);
    });
    found
}

fn forms_of(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(v4) => {
            let dotted = v4.to_string();
            vec![dotted.replace('.', "-"), hex::encode(v4.octets()), dotted]
        }
        IpAddr::V6(v6) => vec![hex::encode(v6.octets())],
    }
}

fn is_in(text: &[u8], address: IpAddr, forms: &[String]) -> bool {
    let lower = String::from_utf8_lossy(text).to_ascii_lowercase();
    let lower = lower.replace("%3a", ":");
    let is_inner = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let stands_alone = |(at, found): (usize, &str)| {
        let bytes = lower.as_bytes();
        !is_inner(bytes[..at].last()) && !is_inner(bytes.get(at + found.len()))
    };
    let by_form = |form: &String| lower.match_indices(form.as_str()).any(stands_alone);
    if forms.iter().any(by_form) {
        return true;
    }
    let is_part = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, ':' | '.');
    address.is_ipv6()
        && lower
            .split(|letter| !is_part(letter))
            .filter_map(address_of)
            .any(|found| found == address)
}

/// Addresses in the places that the data formats have for the far side.
fn evidence(value: &Value) -> Vec<IpAddr> {
    let mut known = Known(Vec::new());
    known.url(&value["input"]);
    known.text(&value["resolver_ip"]);
    let keys = &value["test_keys"];
    for holder in [keys, &keys["x_doh"], &keys["x_do53"]] {
        known.events(holder);
    }
    for control in [&keys["control"], &keys["x_controls"]] {
        known.control(control);
    }
    for request in [&keys["x_control_request"], &keys["control_request"]] {
        known.url(&request["http_request"]);
        each(&request["tcp_connect"], |peer| known.text(peer));
    }
    let whoami = &keys["x_dns_whoami"];
    each(&whoami["system_v4"], |one| known.text(&one["address"]));
    for (resolver, answers) in whoami["udp_v4"].as_object().into_iter().flatten() {
        known.name(resolver);
        each(answers, |one| known.text(&one["address"]));
    }
    known.0
}

struct Known(Vec<IpAddr>);

impl Known {
    fn events(&mut self, holder: &Value) {
        for list in ["queries", "x_dns_duplicate_responses"] {
            each(&holder[list], |query| {
                self.text(&query["resolver_address"]);
                each(&query["answers"], |answer| {
                    self.text(&answer["ipv4"]);
                    self.text(&answer["ipv6"]);
                });
            });
        }
        each(&holder["tcp_connect"], |connect| self.text(&connect["ip"]));
        for list in ["tls_handshakes", "requests", "network_events"] {
            each(&holder[list], |event| self.text(&event["address"]));
        }
    }

    /// One control, or a list of them with their answers.
    fn control(&mut self, control: &Value) {
        each(control, |one| self.control(&one["answer"]));
        each(&control["dns"]["addrs"], |address| self.text(address));
        for peers in ["tcp_connect", "tls_handshake", "quic_handshake", "ip_info"] {
            for (peer, _) in control[peers].as_object().into_iter().flatten() {
                self.name(peer);
            }
        }
    }

    fn url(&mut self, value: &Value) {
        let url = value.as_str().and_then(|text| Url::parse(text).ok());
        match url.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(v4)) => self.0.push(v4.into()),
            Some(Host::Ipv6(v6)) => self.0.push(v6.into()),
            _ => {}
        }
    }

    fn text(&mut self, value: &Value) {
        self.name(value.as_str().unwrap_or_default());
    }

    fn name(&mut self, text: &str) {
        self.0.extend(address_of(text));
    }
}

fn each<'a>(list: &'a Value, see: impl FnMut(&'a Value)) {
    list.as_array().into_iter().flatten().for_each(see);
}

fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<IpAddr>().or_else(|_| {
        let peer = text.parse::<SocketAddr>();
        peer.map(|peer| peer.ip())
    });
    ip.ok().map(|ip| ip.to_canonical())
}

/// Shows `see` every text of a value: strings, keys, and bytes that stand there in base64. Left out
/// are certificates, and the browser that the client claims to be: its version looks like an address
/// (`Chrome/124.0.0.0`).
fn walk(value: &Value, see: &mut impl FnMut(&[u8])) {
    match value {
        Value::String(text) => see(text.as_bytes()),
        Value::Array(items) => walk_list(items, see),
        Value::Object(fields) => walk_object(fields, see),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn walk_list(items: &[Value], see: &mut impl FnMut(&[u8])) {
    let is_browser = items.len() == 2 && items[0].as_str().is_some_and(is_user_agent);
    let seen = if is_browser { &[] } else { items };
    for item in seen {
        walk(item, see);
    }
}

fn walk_object(fields: &Map<String, Value>, see: &mut impl FnMut(&[u8])) {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    if let (Some("base64"), Some(data)) = (text("format"), text("data"))
        && let Ok(bytes) = BASE64.decode(data)
    {
        see(&bytes);
    }
    for (key, inner) in fields {
        if key == "peer_certificates" || is_user_agent(key) {
            continue;
        }
        see(key.as_bytes());
        walk(inner, see);
    }
}

fn is_user_agent(name: &str) -> bool {
    name.eq_ignore_ascii_case("user-agent")
}

#[cfg(test)]
mod tests;
