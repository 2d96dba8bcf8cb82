//! Puts measurements together step by step, in the form of Web Connectivity 0.5 or 0.4.
use serde_json::{Value, json};

/// The site that most situations are about.
pub(crate) const SITE: &str = "93.184.216.34";
pub(crate) const NAME: &str = "www.example.com";

/// Who is asked for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    System,
    Udp,
    Doh,
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) status: i64,
    pub(crate) title: &'static str,
    pub(crate) bytes: usize,
    pub(crate) headers: &'static [&'static str],
    pub(crate) truncated: bool,
}

/// The site's own page.
pub(crate) const DEFAULT: Page = Page {
    status: 200,
    title: "Default Web Page",
    bytes: 1_533,
    headers: &["Alt-Svc", "Date"],
    truncated: false,
};
/// A page of a middlebox that no fingerprint knows.
pub(crate) const DENIED: Page = Page {
    status: 200,
    title: "Access Denied",
    bytes: 188,
    headers: &["Date"],
    truncated: false,
};
pub(crate) const REDIRECT: Page = Page {
    status: 308,
    title: "",
    bytes: 0,
    headers: &["Date", "Location"],
    truncated: false,
};

impl Page {
    /// A body of the right length with the title in it.
    pub(crate) fn body(&self) -> String {
        let head = match self.title {
            "" => String::new(),
            title => format!("<html><title>{title}</title>"),
        };
        let filler = self.bytes.saturating_sub(head.len());
        head + &"x".repeat(filler)
    }
}

/// Networks of the addresses used.
fn asn(address: &str) -> u32 {
    match address {
        SITE => 15_133,
        "83.224.65.41" => 30_722,
        "130.192.182.17" => 137,
        "67.199.248.11" => 396_982,
        "104.154.89.105" => 15_169,
        "5.255.255.80" => 13_238,
        "52.35.36.75" => 16_509,
        "104.16.132.229" | "172.67.144.64" => 13_335,
        _ => 0,
    }
}

/// A measurement in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Build {
    input: String,
    queries: Vec<Value>,
    late: Vec<Value>,
    connects: Vec<Value>,
    handshakes: Vec<Value>,
    requests: Vec<Value>,
    events: Vec<Value>,
    control: Value,
    control_failure: Option<&'static str>,
    next: i64,
}

impl Build {
    pub(crate) fn new(input: &str) -> Self {
        Self {
            input: input.to_owned(),
            ..Self::default()
        }
    }

    /// A lookup: addresses, or why there are none.
    pub(crate) fn dns(
        mut self,
        depth: u32,
        via: Via,
        name: &str,
        result: Result<&[&str], &str>,
    ) -> Self {
        self.next += 1;
        let (engine, base, resolver) = match via {
            Via::System => ("getaddrinfo", 10_000, ""),
            Via::Udp => ("udp", 20_000, "8.8.8.8:53"),
            Via::Doh => ("doh", 30_000, "https://dns.google/dns-query"),
        };
        let types: &[&str] = if via == Via::System {
            &["ANY"]
        } else {
            &["A", "AAAA"]
        };
        for query_type in types {
            let (answers, failure) = match (result, *query_type) {
                (Ok(_), "AAAA") => (Value::Null, Some("dns_no_answer")),
                (Ok(addresses), _) => (answers(addresses), None),
                (Err(failure), _) => (Value::Null, Some(failure)),
            };
            self.queries.push(json!({
                "engine": engine, "hostname": name, "query_type": query_type,
                "resolver_address": resolver, "answers": answers, "failure": failure,
                "tags": [format!("depth={depth}")], "transaction_id": base + self.next,
            }));
        }
        self
    }

    /// Everybody gives the same addresses.
    pub(crate) fn resolves(self, depth: u32, name: &str, addresses: &[&str]) -> Self {
        self.dns(depth, Via::System, name, Ok(addresses))
            .dns(depth, Via::Udp, name, Ok(addresses))
            .dns(depth, Via::Doh, name, Ok(addresses))
    }

    /// A second answer to the last lookup.
    pub(crate) fn late(mut self, addresses: &[&str]) -> Self {
        let mut again = self.queries[self.queries.len() - 2].clone();
        again["answers"] = answers(addresses);
        again["failure"] = Value::Null;
        self.late.push(again);
        self
    }

    /// A connection.
    pub(crate) fn tcp(mut self, depth: u32, peer: &str, failure: Option<&str>) -> Self {
        self = self.connect(depth, peer, failure, true);
        self
    }

    /// A connection that only checks the address.
    pub(crate) fn check(mut self, depth: u32, peer: &str, failure: Option<&str>) -> Self {
        self = self.connect(depth, peer, failure, false);
        self
    }

    fn connect(mut self, depth: u32, peer: &str, failure: Option<&str>, fetch: bool) -> Self {
        self.next += 1;
        let (ip, port) = peer.rsplit_once(':').unwrap();
        let ip = ip.trim_matches(['[', ']']);
        let base = if port == "443" { 50_000 } else { 40_000 };
        self.connects.push(json!({
            "ip": ip, "port": port.parse::<u16>().unwrap(),
            "status": { "failure": failure, "success": failure.is_none() },
            "tags": [format!("depth={depth}"), format!("fetch_body={fetch}")],
            "transaction_id": base + self.next,
        }));
        self
    }

    fn last(&self, key: &str) -> Value {
        self.connects.last().unwrap()[key].clone()
    }

    fn peer(&self) -> String {
        let (ip, port) = (self.last("ip"), self.last("port"));
        format!("{}:{port}", ip.as_str().unwrap())
    }

    /// A handshake on the last connection.
    pub(crate) fn tls(mut self, name: &str, failure: Option<&str>) -> Self {
        self.handshakes.push(json!({
            "network": "tcp", "address": self.peer(), "server_name": name, "failure": failure,
            "no_tls_verify": false, "tags": self.last("tags"),
            "transaction_id": self.last("transaction_id"),
        }));
        self
    }

    /// A response on the last connection.
    pub(crate) fn get(self, url: &str, page: &Page) -> Self {
        self.exchange(url, Some(page), None)
    }

    /// A request without a response on the last connection.
    pub(crate) fn get_fails(self, url: &str, failure: &str) -> Self {
        self.exchange(url, None, Some(failure))
    }

    /// A request with a response that ended in a failure.
    pub(crate) fn get_breaks(self, url: &str, page: &Page, failure: &str) -> Self {
        self.exchange(url, Some(page), Some(failure))
    }

    fn exchange(mut self, url: &str, page: Option<&Page>, failure: Option<&str>) -> Self {
        let response = page.map(|page| {
            let lines = page.headers.iter().map(|name| json!([name, "some"]));
            json!({
                "code": page.status, "body": page.body(), "body_is_truncated": page.truncated,
                "headers_list": lines.collect::<Vec<_>>(),
            })
        });
        let exchange = json!({
            "network": "tcp", "address": self.peer(), "failure": failure,
            "request": { "url": url }, "response": response, "tags": self.last("tags"),
            "transaction_id": self.last("transaction_id"),
        });
        self.requests.insert(0, exchange);
        self
    }

    /// Bytes received so far on the last connection.
    pub(crate) fn progress(mut self, bytes: &[i64]) -> Self {
        for bytes in bytes {
            self.events.push(json!({
                "operation": "bytes_received_cumulative", "num_bytes": bytes,
                "address": self.peer(), "transaction_id": self.last("transaction_id"),
            }));
        }
        self
    }

    /// What the helper saw.
    pub(crate) fn control(mut self, helper: Helper) -> Self {
        self.control = helper.json();
        self
    }

    /// No helper could be reached.
    pub(crate) fn no_control(mut self, failure: &'static str) -> Self {
        self.control_failure = Some(failure);
        self
    }

    /// The measurement as Web Connectivity 0.5 writes it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "data_format_version": "0.2.0", "input": self.input, "probe_cc": "KH",
            "probe_asn": "AS65536", "measurement_start_time": "2026-11-10 05:00:00",
            "test_name": "web_connectivity", "test_version": "0.5.28",
            "annotations": { "network_type": "wifi" },
            "test_keys": {
                "queries": self.queries, "tcp_connect": self.connects,
                "tls_handshakes": self.handshakes, "requests": self.requests,
                "network_events": self.events, "x_dns_duplicate_responses": self.late,
                "control": self.control, "control_failure": self.control_failure,
                "x_control_request": { "http_request": self.input },
            },
        })
    }

    /// The same visit as Web Connectivity 0.4 writes it: the system resolver, connections to fetch
    /// the page, no labels.
    pub(crate) fn json_0_4(&self) -> Value {
        let bare = |events: &[Value]| {
            let bare = events.iter().cloned().map(|mut event| {
                let fields = event.as_object_mut().unwrap();
                fields.remove("tags");
                fields.remove("transaction_id");
                event
            });
            bare.collect::<Vec<_>>()
        };
        let tagged = |event: &&Value, tag: &str| {
            event["tags"]
                .as_array()
                .unwrap()
                .contains(&Value::from(tag))
        };
        let first = |events: &[Value]| {
            let kept = events
                .iter()
                .filter(|event| tagged(event, "depth=0") && tagged(event, "fetch_body=true"));
            bare(&kept.cloned().collect::<Vec<_>>())
        };
        let system: Vec<Value> = self
            .queries
            .iter()
            .filter(|query| query["engine"] == "getaddrinfo" && tagged(query, "depth=0"))
            .cloned()
            .collect();
        let mut measurement = self.json();
        measurement["test_version"] = "0.4.3".into();
        let keys = &mut measurement["test_keys"];
        keys["queries"] = bare(&system).into();
        keys["tcp_connect"] = first(&self.connects).into();
        keys["tls_handshakes"] = first(&self.handshakes).into();
        keys["requests"] = bare(&self.requests_0_4()).into();
        keys["network_events"] = Value::Null;
        keys.as_object_mut().unwrap().remove("x_control_request");
        measurement
    }

    /// Requests of 0.4: a step before one that failed stands as the request's failure.
    fn requests_0_4(&self) -> Vec<Value> {
        let mut requests = self.requests.clone();
        let failed_step = |events: &[Value]| {
            let failed = events.iter().rev().find(|event| {
                let failure = event.get("failure").or(event.pointer("/status/failure"));
                let is_late = !event["tags"][0].as_str().unwrap().ends_with("=0");
                failure.is_some_and(|failure| !failure.is_null()) && is_late
            });
            failed.map(|event| {
                let failure = event.get("failure").or(event.pointer("/status/failure"));
                failure.cloned().unwrap()
            })
        };
        let answered = requests
            .first()
            .is_some_and(|request| request["failure"].is_null());
        let system: Vec<Value> = self
            .queries
            .iter()
            .filter(|query| query["engine"] == "getaddrinfo")
            .cloned()
            .collect();
        let failure = failed_step(&self.handshakes)
            .or_else(|| failed_step(&self.connects))
            .or_else(|| failed_step(&system));
        if let (true, Some(failure)) = (answered && requests[0]["response"]["code"] == 308, failure)
        {
            let url = format!("https://{NAME}/");
            requests.insert(0, json!({ "failure": failure, "request": { "url": url } }));
        }
        requests
    }
}

fn answers(addresses: &[&str]) -> Value {
    let answers = addresses.iter().map(
        |address| json!({ "answer_type": "A", "ipv4": address, "asn": asn(address), "ttl": null }),
    );
    answers.collect()
}

/// What a test helper saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Helper {
    dns: Value,
    tcp: serde_json::Map<String, Value>,
    tls: serde_json::Map<String, Value>,
    http: Value,
    ip_info: serde_json::Map<String, Value>,
}

impl Helper {
    /// It resolved the name.
    pub(crate) fn resolved(addresses: &[&str]) -> Self {
        let known = addresses.iter().map(|address| {
            (
                (*address).to_owned(),
                json!({ "asn": asn(address), "flags": 2 }),
            )
        });
        Self {
            dns: json!({ "failure": null, "addrs": addresses }),
            ip_info: known.collect(),
            ..Self::default()
        }
    }

    /// It did not.
    pub(crate) fn unresolved(failure: &str) -> Self {
        Self {
            dns: json!({ "failure": failure, "addrs": [] }),
            ..Self::default()
        }
    }

    /// A connection of its own.
    pub(crate) fn tcp(mut self, peer: &str, failure: Option<&str>) -> Self {
        let seen = json!({ "status": failure.is_none(), "failure": failure });
        self.tcp.insert(peer.to_owned(), seen);
        self
    }

    /// A handshake of its own.
    pub(crate) fn tls(mut self, peer: &str, name: &str, failure: Option<&str>) -> Self {
        let seen = json!({ "server_name": name, "status": failure.is_none(), "failure": failure });
        self.tls.insert(peer.to_owned(), seen);
        self
    }

    /// Its final response.
    pub(crate) fn page(mut self, page: &Page) -> Self {
        let headers = page
            .headers
            .iter()
            .map(|name| ((*name).to_owned(), json!("some")));
        self.http = json!({
            "body_length": page.bytes, "failure": null, "title": page.title,
            "headers": headers.collect::<serde_json::Map<_, _>>(), "status_code": page.status,
        });
        self
    }

    /// No response.
    pub(crate) fn no_page(mut self, failure: &str) -> Self {
        self.http = json!({
            "body_length": -1, "failure": failure, "title": "", "headers": {}, "status_code": -1,
        });
        self
    }

    /// The answer as it stands in a measurement.
    fn json(self) -> Value {
        let mut answer = serde_json::Map::new();
        answer.insert("dns".to_owned(), self.dns);
        answer.insert("tcp_connect".to_owned(), self.tcp.into());
        answer.insert("tls_handshake".to_owned(), self.tls.into());
        answer.insert("http_request".to_owned(), self.http);
        answer.insert("ip_info".to_owned(), self.ip_info.into());
        answer.into()
    }

    /// The site as everybody outside sees it.
    pub(crate) fn of_site() -> Self {
        Self::resolved(&[SITE])
            .tcp(&format!("{SITE}:80"), None)
            .tcp(&format!("{SITE}:443"), None)
            .tls(&format!("{SITE}:443"), NAME, None)
            .page(&DEFAULT)
    }
}
