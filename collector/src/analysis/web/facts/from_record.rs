//! From a record of our own experiment `web_connectivity` to facts.
//!
//! 1. A visit is a line of steps: lookups of a host, connections to its addresses, a handshake, a
//!    request; a redirect begins the next page. So a step belongs to the connection before it.
//! 2. The questions of one host to one resolver are one transaction.
//! 3. The experiment asks the resolvers of the device and no other: every lookup is the system's.
//! 4. An answer that was refused as `dns_bogon_error` is an answer: its addresses stand.
//! 5. Bodies come from the private half, where it is at hand; titles and lengths are in the public
//!    one.
use super::{
    Address, Certificate, Endpoint, Facts, Http, Late, Lookup, Response, RunFacts, Step, Tls, Via,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use std::net::SocketAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::{Detail, Observation};
use tonle_evidence::record::{ClockState, Outcome, Private, Public};
use url::Url;

/// How far a clock may be off before certificates cannot be judged by it.
const CLOCK_OFF_MAX_US: i64 = 24 * 3_600 * 1_000_000;

impl Facts {
    /// The facts of a record of `web_connectivity`.
    #[must_use]
    pub fn from_record(public: &Public, private: Option<&Private>) -> Self {
        let mut line = Line::default();
        for (index, seen) in public.observations.iter().enumerate() {
            line.add(index, seen);
        }
        let mut facts = Self {
            url: Url::parse(&public.target.value).ok(),
            country: public.country.clone(),
            started_s: private.map(|private| private.t_start_us / 1_000_000),
            labelled: true,
            run: run_facts(public),
            ..line.facts
        };
        for body in private.map(|private| &private.bodies).into_iter().flatten() {
            add_body(&mut facts, body.observation, &body.base64);
        }
        facts
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
            .is_some_and(|offset_us| offset_us.saturating_abs() > CLOCK_OFF_MAX_US);
    let mut steps = public.observations.iter();
    let never_left = steps.all(|seen| seen.detail.get("sent") == Some(&false.into()));
    let pointer = |is_so: bool, to: &str| is_so.then(|| to.to_owned());
    RunFacts {
        tunnelled: pointer(context.interface == "tunnel", "/context/interface"),
        clock_off: pointer(is_off, "/context/clock"),
        never_left: pointer(
            never_left && !public.observations.is_empty(),
            "/observations",
        ),
        cut_short: pointer(public.outcome != Outcome::Completed, "/outcome"),
    }
}

/// Reads the line of steps.
#[derive(Default)]
struct Line {
    facts: Facts,
    depth: u32,
    transaction: i64,
}

impl Line {
    fn add(&mut self, index: usize, seen: &Observation) {
        match seen.operation.as_str() {
            "resolve" => self.resolve(index, seen),
            "connect" => self.connect(index, seen),
            "tls_handshake" => self.handshake(index, seen),
            "http_request" => self.request(index, seen),
            "redirect" => self.refused_redirect(index, seen),
            _ => {}
        }
    }

    fn resolve(&mut self, index: usize, seen: &Observation) {
        let name = seen.subject.clone().unwrap_or_default();
        let resolver = text(&seen.detail, "resolver");
        let same = self.facts.lookups.iter().find(|known| {
            (&known.name, &known.resolver, known.depth) == (&name, &resolver, Some(self.depth))
        });
        let transaction = same.map(|known| known.transaction);
        let transaction = transaction.unwrap_or_else(|| self.next());
        self.late(index, &name, transaction, &seen.detail);
        let addresses = texts(&seen.detail, "addresses");
        let is_answer = seen.failure == Some(Failure::DnsBogon) && !addresses.is_empty();
        self.facts.lookups.push(Lookup {
            at: at(index),
            transaction,
            depth: Some(self.depth),
            via: Via::System,
            resolver,
            name,
            query_type: text(&seen.detail, "query_type"),
            failure: seen.failure.clone().filter(|_| !is_answer),
            addresses: addresses
                .iter()
                .map(|address| Address::new(address, None))
                .collect(),
        });
    }

    /// Answers after the first stand in parallel lists of the same observation.
    fn late(&mut self, index: usize, name: &str, transaction: i64, detail: &Detail) {
        for addresses in texts(detail, "late_addresses") {
            let words = addresses.split_whitespace();
            self.facts.late.push(Late {
                at: at(index),
                transaction,
                name: name.to_owned(),
                failure: None,
                addresses: words.map(|word| Address::new(word, None)).collect(),
            });
        }
    }

    fn connect(&mut self, index: usize, seen: &Observation) {
        let peer = seen.subject.clone().unwrap_or_default();
        if seen.detail.get("contacted") == Some(&false.into()) {
            return;
        }
        let parsed: Option<SocketAddr> = peer.parse().ok();
        let address = match parsed {
            Some(parsed) => parsed.ip().to_string(),
            None => peer
                .rsplit_once(':')
                .map_or("", |(host, _)| host)
                .to_owned(),
        };
        let port = peer
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        let transaction = self.next();
        self.facts.endpoints.push(Endpoint {
            transaction,
            depth: Some(self.depth),
            fetches_body: true,
            peer,
            address: Address::new(&address, None),
            port: port.unwrap_or(0),
            tcp: step(index, seen),
            tls: None,
            http: None,
            progress_bytes: Vec::new(),
        });
    }

    fn handshake(&mut self, index: usize, seen: &Observation) {
        if let Some(endpoint) = self.facts.endpoints.last_mut() {
            endpoint.tls = Some(Tls {
                step: step(index, seen),
                server_name: text(&seen.detail, "server_name"),
                verified: true,
                certificate: Certificate::from_detail(&seen.detail),
            });
        }
    }

    fn request(&mut self, index: usize, seen: &Observation) {
        let leads_on = seen.detail.contains_key("location");
        if let Some(endpoint) = self.facts.endpoints.last_mut() {
            let request = Http {
                step: step(index, seen),
                url: seen.subject.clone().unwrap_or_default(),
                response: response(&seen.detail),
            };
            let bytes = request
                .response
                .as_ref()
                .map(|response| response.body_bytes);
            let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok());
            endpoint.progress_bytes.extend(bytes);
            endpoint.http = Some(request);
        }
        if leads_on {
            self.depth += 1;
        }
    }

    /// A redirect that was not followed is how its request ended.
    fn refused_redirect(&mut self, index: usize, seen: &Observation) {
        let last = self.facts.endpoints.last_mut();
        if let Some(http) = last.and_then(|endpoint| endpoint.http.as_mut()) {
            http.step = step(index, seen);
        }
    }

    fn next(&mut self) -> i64 {
        self.transaction += 1;
        self.transaction
    }
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
