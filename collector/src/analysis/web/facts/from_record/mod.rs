//! From a record of our own experiment `web_connectivity` to facts.
//!
//! 1. Since version 2 every step says what it belongs to ([`labelled`]), and controls stand in the
//!    record ([`controls`]). A record of version 1 is a line of steps ([`line`]).
//! 2. An answer that was refused as `dns_bogon_error` is an answer: its addresses stand.
//! 3. What was not contacted, by our own rule, says nothing of the network.
//! 4. Bodies come from the private half, where it is at hand; titles and lengths are in the public
//!    one.
//! 5. The networks of addresses are those that controls name.
mod controls;
mod labelled;
mod line;
#[cfg(test)]
mod tests;

use super::gates;
use super::{
    Address, Certificate, Control, Endpoint, Facts, Http, Late, Lookup, Response, RunFacts, Step,
    Tls, Via,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use std::net::SocketAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::{Detail, Observation};
use tonle_evidence::record::{ClockState, Outcome, Private, Public};
use tonle_net::classify;
use url::Url;

/// The version of the experiment since which steps say what they belong to.
const LABELLED_SINCE: u32 = 2;
/// How far a clock may be off before certificates cannot be judged by it.
const CLOCK_OFF_MIN_US: i64 = 24 * 3_600 * 1_000_000;

impl Facts {
    /// The facts of a record of `web_connectivity`.
    #[must_use]
    pub fn from_record(public: &Public, private: Option<&Private>) -> Self {
        let seen = if public.method.version >= LABELLED_SINCE {
            labelled::read(&public.observations)
        } else {
            line::read(&public.observations)
        };
        let mut facts = Self {
            url: Url::parse(&public.target.value).ok(),
            country: public.country.clone(),
            started_s: private.map(|private| private.t_start_us / 1_000_000),
            labelled: true,
            run: run_facts(public),
            ..seen
        };
        for body in private.map(|private| &private.bodies).into_iter().flatten() {
            add_body(&mut facts, body.observation, &body.base64);
        }
        facts
    }

    /// What the controls of a run of any kind saw.
    #[must_use]
    pub fn controls_in(observations: &[Observation]) -> Vec<Control> {
        let mut facts = Self::default();
        controls::read(observations, &mut facts);
        facts.controls
    }
}

fn at(index: usize) -> String {
    format!("/observations/{index}")
}

fn run_facts(public: &Public) -> RunFacts {
    let context = &public.context;
    let clock = &context.clock;
    let is_off = clock.state != ClockState::Synchronised
        && clock
            .offset_us
            .is_some_and(|offset_us| offset_us.saturating_abs() >= CLOCK_OFF_MIN_US);
    let own = |seen: &&Observation| !gates::is_check(seen);
    let mut steps = public.observations.iter().filter(own);
    let never_left = steps.all(|seen| seen.detail.get("sent") == Some(&false.into()));
    let pointer = |is_so: bool, to: &str| is_so.then(|| to.to_owned());
    RunFacts {
        tunnelled: pointer(context.interface == "tunnel", "/context/interface"),
        clock_off: pointer(is_off, "/context/clock"),
        never_left: pointer(
            never_left && !public.observations.is_empty(),
            "/observations",
        ),
        portal: gates::portal(public),
        known_good_failed: gates::known_good_failed(public),
        cut_short: pointer(public.outcome != Outcome::Completed, "/outcome"),
    }
}

/// A lookup with its addresses.
fn lookup(index: usize, seen: &Observation, (transaction, depth): (i64, u32), via: Via) -> Lookup {
    let addresses = texts(&seen.detail, "addresses");
    let is_answer = seen.failure == Some(Failure::DnsBogon) && !addresses.is_empty();
    let mut distinct: Vec<Address> = Vec::new();
    for address in addresses.iter().map(|address| Address::new(address, None)) {
        if !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    Lookup {
        at: at(index),
        transaction,
        depth: Some(depth),
        via,
        resolver: text(&seen.detail, "resolver"),
        name: seen.subject.clone().unwrap_or_default(),
        query_type: text(&seen.detail, "query_type"),
        failure: seen.failure.clone().filter(|_| !is_answer),
        addresses: distinct,
    }
}

/// Answers after the first stand in parallel lists of the same observation.
fn late(index: usize, seen: &Observation, transaction: i64) -> Vec<Late> {
    let rcodes = seen.detail.get("late_rcode").and_then(Value::as_array);
    let rcode_of = |place: usize| -> Option<u16> {
        let rcode = rcodes?.get(place)?.as_u64()?;
        u16::try_from(rcode).ok()
    };
    let answers = texts(&seen.detail, "late_addresses");
    answers
        .iter()
        .enumerate()
        .map(|(place, addresses)| Late {
            at: at(index),
            transaction,
            name: seen.subject.clone().unwrap_or_default(),
            failure: rcode_of(place).and_then(classify::rcode),
            addresses: addresses
                .split_whitespace()
                .map(|word| Address::new(word, None))
                .collect(),
        })
        .collect()
}

/// A connection without what became of it; none for one that our own rule forbade.
fn endpoint(
    index: usize,
    seen: &Observation,
    (transaction, depth): (i64, u32),
) -> Option<Endpoint> {
    if seen.detail.get("contacted") == Some(&false.into()) {
        return None;
    }
    let written = seen.subject.as_deref().unwrap_or_default();
    let (host, port) = written.rsplit_once(':').unwrap_or((written, ""));
    let address = Address::new(host, None);
    let port: u16 = port.parse().unwrap_or(0);
    // As a control names it, also where the record names the kind only.
    let peer = match address.ip {
        Some(ip) => SocketAddr::new(ip, port).to_string(),
        None => written.to_owned(),
    };
    Some(Endpoint {
        transaction,
        depth: Some(depth),
        fetches_body: seen.detail.get("fetch_body") != Some(&false.into()),
        peer,
        address,
        port,
        tcp: step(index, seen),
        tls: None,
        http: None,
        progress_bytes: Vec::new(),
    })
}

fn handshake(index: usize, seen: &Observation) -> Tls {
    Tls {
        step: step(index, seen),
        server_name: text(&seen.detail, "server_name"),
        verified: true,
        certificate: Certificate::from_detail(&seen.detail),
    }
}

/// Adds a request to its connection.
fn request(endpoint: &mut Endpoint, index: usize, seen: &Observation) {
    let request = Http {
        step: step(index, seen),
        url: seen.subject.clone().unwrap_or_default(),
        response: response(&seen.detail),
    };
    let progress = seen.detail.get("progress_bytes").and_then(Value::as_array);
    let samples = progress.into_iter().flatten().filter_map(Value::as_i64);
    endpoint.progress_bytes.extend(samples);
    let whole = request
        .response
        .as_ref()
        .map(|response| response.body_bytes);
    let whole = whole.and_then(|bytes| i64::try_from(bytes).ok());
    endpoint.progress_bytes.extend(whole);
    endpoint.http = Some(request);
}

fn step(index: usize, seen: &Observation) -> Step {
    Step {
        at: at(index),
        failure: seen.failure.clone(),
    }
}

fn response(detail: &Detail) -> Option<Response> {
    let number = |key: &str| detail.get(key).and_then(Value::as_i64);
    let status = number("status").filter(|status| *status > 0)?;
    let value_of = |name: &str| match name {
        "content-type" => detail.get("content_type"),
        "server" | "location" => detail.get(name),
        _ => None,
    };
    let names = texts(detail, "header_names");
    Some(Response {
        status,
        body_bytes: number("body_bytes")
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(0),
        truncated: detail.get("body_truncated") == Some(&true.into()),
        headers: names
            .into_iter()
            .map(|name| {
                let value = value_of(&name).and_then(Value::as_str).map(str::to_owned);
                (name, value)
            })
            .collect(),
        title: text(detail, "title"),
        body: String::new(),
    })
}

/// Rule 5. A body that is no base64 says nothing.
fn add_body(facts: &mut Facts, observation: u32, base64: &str) {
    let place = at(observation as usize);
    let Ok(bytes) = BASE64.decode(base64) else {
        return;
    };
    let requests = facts
        .endpoints
        .iter_mut()
        .filter_map(|endpoint| endpoint.http.as_mut());
    for request in requests.filter(|request| request.step.at == place) {
        if let Some(response) = &mut request.response {
            response.body = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

fn text(detail: &Detail, key: &str) -> String {
    let value = detail.get(key).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

fn texts(detail: &Detail, key: &str) -> Vec<String> {
    let list = detail.get(key).and_then(Value::as_array);
    let items = list.into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
