//! Intake: signed records per second through HTTP to the disk, next to a bare loop.
//!
//! - `http`: client threads post zstd batches over loopback connections to the real service
//!   (`--only ingest`); a record counts when its receipt came back, so after its commit's sync.
//! - `bare`: as many threads as the machine has cores verify the same signatures, one more inserts
//!   the same rows (same schema, pragmas, blobs and group size) and syncs. Nothing else.
//!
//! After the two the ratio is printed, with the share of one core that the clients used: they run
//! on the same machine and take from the service what they use.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: it stops at the first surprise and prints its result"
)]
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tonle_collector::config::Config;
use tonle_collector::journal::{GROUP_MAX_ROWS, NewEntry, SCHEMA};
use tonle_collector::service::{Only, Service};
use tonle_collector::{admin::InviteOptions, store};
use tonle_evidence::SigningKey;
use tonle_evidence::dsse::{self, types};
use tonle_evidence::enrolment::EnrolmentRequest;
use tonle_evidence::entry::Tier;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::{Hex, sha256};
use tonle_evidence::record::{SealedRecord, body_of};
use tonle_net::clock::{Stopwatch, wall_us};

const CLIENTS: usize = 8;
const BATCHES_PER_CLIENT: usize = 5;
const LINES: usize = 100;
const RECORDS: usize = CLIENTS * BATCHES_PER_CLIENT * LINES;

/// What agents have ready before the clock starts.
struct Load {
    envelopes: Vec<Envelope>,
    /// Per client: whole requests.
    requests: Vec<Vec<Vec<u8>>>,
}

struct Makers {
    keys: Vec<SigningKey>,
    sequence: u64,
}

fn public() -> Value {
    let observation = |step: i64| {
        json!({"t_start_us": step * 200_000, "t_end_us": step * 200_000 + 21_000 + step,
               "operation": "icmp_echo", "subject": "www.example.org:0",
               "detail": {"sequence": step, "rtt_us": 21_000 + step, "ttl": 57}})
    };
    let observations: Vec<Value> = (0..10).map(observation).collect();
    json!({
        "schema": "tonle.record/1", "kind": "measurement",
        "method": {"id": "latency", "version": 1, "stream": "quality"},
        "target": {"value": "www.example.org", "category": "CULTR", "path_class": "abroad"},
        "samples": [
            {"metric": "latency.rtt_min_us/icmp/abroad", "value": 21_000, "unit": "us"},
            {"metric": "latency.rtt_median_us/icmp/abroad", "value": 21_005, "unit": "us"},
            {"metric": "latency.rtt_p95_us/icmp/abroad", "value": 21_009, "unit": "us"},
            {"metric": "latency.loss_ppm/icmp/abroad", "value": 0, "unit": "ppm"}],
        "observations": observations, "outcome": "completed", "country": "KH",
        "province": {"code": "KH-12", "known": "self_declared"},
        "place": "home", "operator": {"declared": "smart"}, "technology": {"declared": "fibre"},
        "context": {"interface": "ethernet", "ip_family": "ipv4", "plan": {"quota": "unlimited"},
                    "clock": {"state": "synchronised", "offset_us": 12}, "bytes_used": 840},
        "local_hour": "2026-11-23T10", "consent_version": "1",
        "software": {"name": "tonle-agent", "version": "0.1.0", "build": "unknown"},
    })
}

impl Makers {
    fn envelope(&mut self, client: usize) -> Envelope {
        self.sequence += 1;
        let (key, now_us) = (&self.keys[client], wall_us());
        let unique = sha256(&self.sequence.to_be_bytes());
        let private = json!({
            "schema": "tonle.record.private/1", "record_id": Hex::<16>::from_slice(&unique.0[..16]).unwrap(),
            "key_id": "0123456789abcdef", "chain_id": Hex([u8::try_from(client).unwrap(); 8]),
            "sequence": self.sequence, "prev_hash": unique, "t_start_us": now_us,
            "t_end_us": now_us, "blind": Hex::<16>::from_slice(&unique.0[16..]).unwrap(),
        });
        let (public, private) = (
            public().to_string().into_bytes(),
            private.to_string().into_bytes(),
        );
        let body = body_of(&sha256(&public), &sha256(&private));
        Envelope {
            payload_type: types::RECORD.to_owned(),
            record: SealedRecord {
                signature: dsse::sign(key, types::RECORD, &body),
                key: Hex(key.verifying_key().to_bytes()),
                public,
                private,
            },
        }
    }

    fn load(&mut self) -> Load {
        let mut load = Load {
            envelopes: Vec::new(),
            requests: Vec::new(),
        };
        for client in 0..CLIENTS {
            let mut requests = Vec::new();
            for _ in 0..BATCHES_PER_CLIENT {
                let batch: Vec<Envelope> = (0..LINES).map(|_| self.envelope(client)).collect();
                let lines: Vec<String> = batch.iter().map(Envelope::to_line).collect();
                requests.push(request(&lines.join("\n")));
                load.envelopes.extend(batch);
            }
            load.requests.push(requests);
        }
        load
    }
}

fn request(batch: &str) -> Vec<u8> {
    let body = zstd::encode_all(batch.as_bytes(), 3).unwrap();
    let head = format!(
        "POST /api/v1/records HTTP/1.1\r\nhost: collector\r\ncontent-type: application/x-ndjson\r\n\
         content-encoding: zstd\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// Sends a client's batches over its connection; returns the CPU time of its thread.
fn client(connection: &TcpStream, requests: &[Vec<u8>]) -> Duration {
    let before = thread_cpu();
    let mut answers = BufReader::new(connection);
    for request in requests {
        (&mut &*connection).write_all(request).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            assert!(
                !line.starts_with("HTTP") || line.contains(" 200 "),
                "{line}"
            );
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        answers.read_exact(&mut body).unwrap();
        let stored = body
            .windows(17)
            .filter(|part| part == b"\"status\":\"stored\"")
            .count();
        assert_eq!(stored, LINES);
    }
    thread_cpu().saturating_sub(before)
}

fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = text.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

/// One round through HTTP: time until the last receipt, and the clients' CPU time.
fn http_round(connections: &[TcpStream], load: &Load) -> (Duration, Duration) {
    let clock = Stopwatch::start();
    let cpu = std::thread::scope(|scope| {
        let clients: Vec<_> = connections
            .iter()
            .zip(&load.requests)
            .map(|(connection, requests)| scope.spawn(|| client(connection, requests)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    (elapsed(&clock), cpu)
}

fn elapsed(clock: &Stopwatch) -> Duration {
    Duration::from_micros(clock.elapsed_us().unsigned_abs())
}

/// One round of the bare loop.
fn bare_round(connection: &mut Connection, next: &mut i64, load: &Load) -> Duration {
    let rows: Vec<NewEntry> = load
        .envelopes
        .iter()
        .map(|envelope| NewEntry::record(envelope, Tier::Unvetted, 1))
        .collect();
    let pairs: Vec<(&Envelope, &NewEntry)> = load.envelopes.iter().zip(&rows).collect();
    let threads = std::thread::available_parallelism().unwrap().get();
    let clock = Stopwatch::start();
    std::thread::scope(|scope| {
        let (verified, queue) = mpsc::channel();
        for part in pairs.chunks(pairs.len().div_ceil(threads)) {
            let verified = verified.clone();
            scope.spawn(move || {
                for (envelope, row) in part {
                    envelope.verify().unwrap();
                    verified.send(*row).unwrap();
                }
            });
        }
        drop(verified);
        while let Ok(first) = queue.recv() {
            let group: Vec<&NewEntry> = std::iter::once(first)
                .chain(queue.iter().take(GROUP_MAX_ROWS - 1))
                .collect();
            insert(connection, next, &group);
        }
    });
    elapsed(&clock)
}

fn insert(connection: &mut Connection, next: &mut i64, group: &[&NewEntry]) {
    let transaction = connection.transaction().unwrap();
    let (receipt, proof) = ([7_u8; 240], [7_u8; 80 + 9 * 32]);
    for row in group {
        let mut statement = transaction
            .prepare_cached(
                "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
                 ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
            )
            .unwrap();
        let values = params![
            *next,
            row.kind.as_str(),
            row.payload_type,
            row.record_hash.0,
            row.public.as_stored(),
            row.private.as_stored(),
            row.key.map(|key| key.0),
            row.signature,
            [1_u8; 8],
            *next,
            row.tier.as_str(),
            row.provenance.as_str(),
            row.received_at_us,
            None::<i64>,
            None::<String>,
            None::<String>,
            [2_u8; 8],
            [3_u8; 16],
            "",
            receipt,
            proof
        ];
        statement.execute(values).unwrap();
        *next += 1;
    }
    transaction.commit().unwrap();
}

fn start(runtime: &Runtime, dir: &Path) -> (Service, Makers) {
    let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let config = Config {
        data_dir: dir.join("collector"),
        listen: anywhere,
        metrics_listen: anywhere,
        batches_per_network_per_s: 1_000_000,
        records_per_key_per_s: 1_000_000,
        ..Config::default()
    };
    let only = Only {
        web: false,
        ingest: true,
        servers: false,
    };
    let starting = Service::start_only(config, only, CancellationToken::new());
    let service = runtime.block_on(starting).unwrap();
    let keys: Vec<SigningKey> = (1..=CLIENTS)
        .map(|number| SigningKey::from_bytes(&[u8::try_from(number).unwrap(); 32]))
        .collect();
    for key in &keys {
        let invitation = service.invite(&InviteOptions::default()).unwrap();
        let request = EnrolmentRequest::new(&invitation.token, key, "1");
        service.admin.enrol(&request, wall_us()).unwrap();
    }
    (service, Makers { keys, sequence: 0 })
}

fn ingest(criterion: &mut Criterion) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(); // `/tmp` may be memory
    let runtime = Runtime::new().unwrap();
    let (service, mut makers) = start(&runtime, dir.path());
    let connections: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| TcpStream::connect(service.web_addr).unwrap())
        .collect();
    let mut bare = store::open(&dir.path().join("bare.sqlite"), &SCHEMA).unwrap();
    let mut next = 0;
    let mut group = criterion.benchmark_group("ingest");
    group
        .throughput(Throughput::Elements(RECORDS as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10);
    let (mut through_http, mut alone, mut cpu) = (Vec::new(), Vec::new(), Duration::ZERO);
    group.bench_function("http", |bencher| {
        bencher.iter_custom(|rounds| {
            let one = |_| {
                let (took, used) = http_round(&connections, &makers.load());
                through_http.push(took);
                cpu += used;
                took
            };
            (0..rounds).map(one).sum()
        });
    });
    group.bench_function("bare", |bencher| {
        bencher.iter_custom(|rounds| {
            let one = |_| {
                let took = bare_round(&mut bare, &mut next, &makers.load());
                alone.push(took);
                took
            };
            (0..rounds).map(one).sum()
        });
    });
    group.finish();
    report(&mut through_http, &mut alone, cpu);
}

fn report(through_http: &mut [Duration], alone: &mut [Duration], cpu: Duration) {
    if through_http.is_empty() || alone.is_empty() {
        return; // a filter left one out
    }
    let total: Duration = through_http.iter().sum();
    let rate = |times: &mut [Duration]| {
        times.sort();
        RECORDS as f64 / times[times.len() / 2].as_secs_f64()
    };
    let (http, bare) = (rate(through_http), rate(alone));
    println!(
        "records/s (median round of {RECORDS}): http {http:.0}, bare {bare:.0}, ratio {:.2}; \
         the {CLIENTS} clients used {:.2} of one core",
        http / bare,
        cpu.as_secs_f64() / total.as_secs_f64(),
    );
}

criterion_group!(benches, ingest);
criterion_main!(benches);
