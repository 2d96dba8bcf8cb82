//! Analysis: OONI measurements per second on one core, next to a bare parser of the same lines.
//!
//! - `both layers`: a line becomes a measurement, facts, the keys of the OONI layer, the verdict of the
//!   Tonle layer, and a line of JSON again, as `analyze` does it.
//! - `bare`: the same line becomes a `serde_json::Value`, and nothing else.
//!
//! The lines are of visits as Web Connectivity 0.5 writes them, of four kinds; their sizes are printed.
//! After all of them the ratio of the two is printed for each kind and for a mix of all.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: it stops at the first surprise and prints its result"
)]
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Duration;
use tonle_collector::analysis::web::{Facts, Fingerprints, ooni, tonle};
use tonle_net::clock::Stopwatch;
use tonle_wire::ooni::Measurement;

/// Lines of one round.
const LINES: usize = 50;
const SITE: &str = "93.184.216.34";
const NAME: &str = "www.example.com";

/// A kind of visit.
struct Kind {
    name: &'static str,
    /// Bytes of each page on the way, the last first.
    pages: &'static [usize],
    /// Addresses of the site.
    addresses: usize,
    /// What sockets did.
    socket_events: usize,
    /// Whether handshakes are reset.
    reset: bool,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "blocked",
        pages: &[],
        addresses: 2,
        socket_events: 30,
        reset: true,
    },
    Kind {
        name: "small page",
        pages: &[4_000],
        addresses: 2,
        socket_events: 60,
        reset: false,
    },
    Kind {
        name: "page with redirect",
        pages: &[30_000, 200],
        addresses: 4,
        socket_events: 120,
        reset: false,
    },
    Kind {
        name: "large page",
        pages: &[300_000, 200],
        addresses: 4,
        socket_events: 400,
        reset: false,
    },
];

/// A certificate as sites have them, DER in base64.
fn certificate() -> Value {
    let names: Vec<String> = (0..20).map(|number| format!("{number}.{NAME}")).collect();
    let names = [vec![NAME.to_owned()], names].concat();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    json!({ "format": "base64", "data": BASE64.encode(made.cert.der()) })
}

/// A page: markup, quotes, line ends and letters beyond ASCII.
fn page(bytes: usize) -> String {
    let row = "<p class=\"row\">Phnom Penh ភ្នំពេញ: <a href='/news/1?x=2&y=3'>the news</a></p>\n";
    let head = "<html><title>Default Web Page</title>\n";
    head.to_owned() + &row.repeat(bytes.saturating_sub(head.len()) / row.len())
}

fn measurement(kind: &Kind, certificate: &Value, number: usize) -> String {
    let peer = |place: usize| format!("93.184.216.{}:443", 34 + place);
    let transaction = |place: usize| 50_001 + place;
    let tags = |depth: usize| {
        json!([
            "classic",
            "tcptls_experiment",
            format!("depth={depth}"),
            "fetch_body=true"
        ])
    };
    let event = |at: f64| json!({ "t0": at, "t": at + 0.021, "tags": tags(0) });
    let with = |mut base: Value, more: Value| {
        base.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        base
    };
    let answers: Vec<Value> = (0..kind.addresses)
        .map(|place| json!({ "answer_type": "A", "ipv4": format!("93.184.216.{}", 34 + place), "asn": 15_133, "as_org_name": "Edgecast", "ttl": null }))
        .collect();
    let queries: Vec<Value> = [("getaddrinfo", "ANY", 10_001), ("udp", "A", 20_002), ("udp", "AAAA", 20_002), ("doh", "A", 30_003), ("doh", "AAAA", 30_003)]
        .iter()
        .map(|(engine, query_type, transaction)| {
            let fails = *query_type == "AAAA";
            with(event(0.01), json!({
                "engine": engine, "hostname": NAME, "query_type": query_type, "resolver_address": "8.8.8.8:53",
                "answers": if fails { Value::Null } else { answers.clone().into() },
                "failure": fails.then_some("dns_no_answer"), "raw_response": BASE64.encode([7; 90]),
                "rcode": 0, "transaction_id": transaction,
            }))
        })
        .collect();
    let connects: Vec<Value> = (0..kind.addresses)
        .map(|place| with(event(0.1), json!({ "ip": format!("93.184.216.{}", 34 + place), "port": 443, "status": { "failure": null, "success": true }, "transaction_id": transaction(place) })))
        .collect();
    let failure = kind.reset.then_some("connection_reset");
    let chain = if kind.reset {
        json!([])
    } else {
        json!([certificate, certificate, certificate])
    };
    let handshakes: Vec<Value> = (0..kind.addresses)
        .map(|place| with(event(0.2), json!({
            "network": "tcp", "address": peer(place), "server_name": NAME, "failure": failure,
            "no_tls_verify": false, "cipher_suite": "TLS_AES_128_GCM_SHA256", "tls_version": "TLSv1.3",
            "negotiated_protocol": "h2", "peer_certificates": chain, "transaction_id": transaction(place),
        })))
        .collect();
    let headers: Vec<Value> = [
        "Date",
        "Server",
        "Content-Type",
        "Cache-Control",
        "Etag",
        "X-Cache",
        "Vary",
        "Age",
        "Expires",
        "Last-Modified",
    ]
    .iter()
    .map(|name| json!([name, "Mon, 10 Nov 2026 05:00:00 GMT"]))
    .collect();
    let requests: Vec<Value> = kind.pages.iter().rev().enumerate().rev()
        .map(|(depth, bytes)| with(event(0.3), json!({
            "network": "tcp", "address": peer(0), "alpn": "h2", "failure": null, "tags": tags(depth),
            "request": { "method": "GET", "url": format!("https://{NAME}/{number}"), "headers_list": headers, "headers": {}, "body": "" },
            "response": { "code": if *bytes == 200 { 301 } else { 200 }, "body": page(*bytes), "body_is_truncated": false, "headers_list": headers, "headers": {} },
            "transaction_id": transaction(0),
        })))
        .collect();
    let sockets: Vec<Value> = (0..kind.socket_events)
        .map(|place| with(event(place as f64 / 100.0), json!({ "address": peer(0), "failure": null, "num_bytes": 1_400, "operation": "read", "proto": "tcp", "transaction_id": transaction(0) })))
        .collect();
    let seen = |place: usize| json!({ peer(place): { "status": true, "failure": null, "server_name": NAME } });
    json!({
        "annotations": { "architecture": "arm64", "engine_name": "ooniprobe-engine", "network_type": "wifi", "platform": "android" },
        "data_format_version": "0.2.0", "input": format!("https://{NAME}/{number}"),
        "measurement_start_time": "2026-11-10 05:00:00", "probe_asn": "AS38623", "probe_cc": "KH",
        "probe_ip": "127.0.0.1", "report_id": "20261110T050000Z_webconnectivity_KH_38623_n1_ruzuQ219SmIO9SrT",
        "software_name": "ooniprobe-android", "test_name": "web_connectivity", "test_version": "0.5.28",
        "test_keys": {
            "queries": queries, "tcp_connect": connects, "tls_handshakes": handshakes,
            "requests": requests, "network_events": sockets, "x_dns_duplicate_responses": null,
            "x_control_request": { "http_request": format!("https://{NAME}/{number}"), "tcp_connect": [peer(0)] },
            "control": {
                "dns": { "failure": null, "addrs": [SITE] }, "tcp_connect": seen(0), "tls_handshake": seen(0),
                "http_request": { "body_length": 1_533, "failure": null, "title": "Default Web Page", "headers": { "Date": "x", "Alt-Svc": "x" }, "status_code": 200 },
                "ip_info": { SITE: { "asn": 15_133, "flags": 11 } },
            },
            "control_failure": null,
        },
    })
    .to_string()
}

fn judged(line: &str, prints: &Fingerprints) -> String {
    let measurement = Measurement::parse(line.as_bytes()).unwrap();
    let facts = Facts::from_ooni(&measurement);
    let keys = ooni::keys(&facts);
    let verdict = tonle::verdict(&facts, prints);
    json!({ "ooni": keys, "tonle": verdict }).to_string()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn analysis(criterion: &mut Criterion) {
    let prints = Fingerprints::parse(
        include_str!("../../configs/fingerprints/blocking.toml"),
        include_str!("../../configs/fingerprints/server-side.toml"),
    )
    .unwrap();
    let certificate = certificate();
    let made = |kind: &Kind| -> Vec<String> {
        (0..LINES)
            .map(|number| measurement(kind, &certificate, number))
            .collect()
    };
    let mut loads: Vec<(&str, Vec<String>)> =
        KINDS.iter().map(|kind| (kind.name, made(kind))).collect();
    let mix = loads.iter().flat_map(|(_, lines)| lines.clone()).collect();
    loads.push(("all four alike", mix));
    let mut results = Vec::new();
    for (name, lines) in &loads {
        let mut group = criterion.benchmark_group(*name);
        group
            .throughput(Throughput::Elements(lines.len() as u64))
            .sample_size(20)
            .measurement_time(Duration::from_secs(4));
        let mut rate_of = |what: &str, run: &dyn Fn(&str)| {
            let mut rates = Vec::new();
            group.bench_function(what, |bencher| {
                bencher.iter_custom(|rounds| {
                    let clock = Stopwatch::start();
                    for _ in 0..rounds {
                        for line in lines {
                            run(line);
                        }
                    }
                    let took_us = clock.elapsed_us().max(1);
                    rates.push((lines.len() as u64 * rounds) as f64 * 1e6 / took_us as f64);
                    Duration::from_micros(took_us.unsigned_abs())
                });
            });
            rates.sort_by(f64::total_cmp);
            // None where a filter of names left it out.
            rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let both = rate_of("both layers", &|line| {
            drop(black_box(judged(line, &prints)));
        });
        let bare = rate_of("bare", &|line| drop(black_box(parsed(line))));
        group.finish();
        let bytes: usize = lines.iter().map(String::len).sum();
        results.push((*name, bytes / lines.len(), both, bare));
    }
    println!("kind | bytes | analysed/s | bare/s | ratio");
    for (name, bytes, both, bare) in results {
        println!(
            "{name} | {bytes} | {both:.0} | {bare:.0} | {:.2}",
            both / bare
        );
    }
}

criterion_group!(benches, analysis);
criterion_main!(benches);
