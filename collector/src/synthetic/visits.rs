//! What visits to sites see: the steps of `web_connectivity` with one control, so that the verdict is drawn by the
//! same rules as of real ones.
use super::Events;
use super::agents::Agent;
use super::records::Half;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;
use tonle_evidence::record::{PathClass, Stream};
use tonle_wire::ooni::WEB_CONNECTIVITY;

/// The site that is blocked for a while.
pub(super) const BLOCKED: &str = "https://news.example/";
/// All sites.
const SITES: [&str; 6] = [
    "https://ministry.example/",
    BLOCKED,
    "https://encyclopaedia.example/",
    "https://messenger.example/",
    "https://video.example/",
    "https://health.example/",
];
/// The version of the experiment whose steps say what they belong to.
const VERSION: u32 = 2;
/// Where every site stands.
const ADDRESS: &str = "93.184.216.34";
/// Length of every page, bytes.
const BODY_BYTES: i64 = 14_211;

/// The visit of a turn.
pub(super) fn see(
    agent: &Agent,
    turn: i64,
    hour: i64,
    events: &Events,
    random: &mut ChaCha8Rng,
) -> Half {
    let count = i64::try_from(SITES.len()).unwrap_or(1);
    let index = usize::try_from(turn.rem_euclid(count)).unwrap_or_default();
    let site = SITES[index];
    let (blocked, when) = &events.blocked;
    let is_blocked =
        site == *blocked && when.contains(&hour) && events.blocked_in.contains(&agent.asn);
    let mut half = Half::quality(WEB_CONNECTIVITY, VERSION, site, PathClass::Unknown);
    half.stream = Stream::Openness;
    let chance = random.random_range(0..1_000);
    half.observations = match chance {
        // Now and then a connection fails for this agent alone, or the site is down for everybody.
        0..8 => unreached(site, true),
        8..20 => unreached(site, false),
        _ if is_blocked => forged(site),
        _ => reached(site),
    };
    half
}

fn host(site: &str) -> &str {
    site.trim_start_matches("https://").trim_end_matches('/')
}

fn step(operation: &str, subject: &str, failure: Option<Failure>, detail: Value) -> Observation {
    Observation {
        t_start_us: 0,
        t_end_us: 120_000,
        operation: operation.to_owned(),
        subject: Some(subject.to_owned()),
        failure,
        detail: serde_json::from_value(detail).expect("an object"),
    }
}

fn lookup(site: &str, failure: Option<Failure>, address: &str) -> Observation {
    let detail = json!({
        "engine": "getaddrinfo", "transaction": 10_001, "depth": 0, "query_type": "ANY",
        "resolver": "system", "addresses": [address],
    });
    step("resolve", host(site), failure, detail)
}

fn connection(failure: Option<Failure>) -> Observation {
    let detail = json!({ "transaction": 50_001, "depth": 0, "fetch_body": true });
    step("connect", &format!("{ADDRESS}:443"), failure, detail)
}

fn reached(site: &str) -> Vec<Observation> {
    let host = host(site);
    let handshake = json!({
        "transaction": 50_001, "depth": 0, "server_name": host, "version": "TLSv1_3", "alpn": "http/1.1",
        "leaf_names": [host], "leaf_issuer": "CA", "chain_sha256": ["00", "11"],
        "not_before_s": 1_700_000_000, "not_after_s": 2_500_000_000_i64,
    });
    let page = json!({
        "transaction": 50_001, "depth": 0, "status": 200, "body_bytes": BODY_BYTES, "body_truncated": false,
        "title": host, "header_names": ["server", "date", "content-type"], "server": "synthetic",
    });
    vec![
        lookup(site, None, ADDRESS),
        connection(None),
        step("tls_handshake", &format!("{ADDRESS}:443"), None, handshake),
        step("http_request", site, None, page),
        control(site, true),
    ]
}

/// An address of nobody in the place of the site's.
fn forged(site: &str) -> Vec<Observation> {
    vec![
        lookup(site, Some(Failure::DnsBogon), "lan"),
        control(site, true),
    ]
}

/// No connection from here, and from elsewhere as it is said.
fn unreached(site: &str, is_reached_elsewhere: bool) -> Vec<Observation> {
    vec![
        lookup(site, None, ADDRESS),
        connection(Some(Failure::GenericTimeout)),
        control(site, is_reached_elsewhere),
    ]
}

fn control(site: &str, is_reached: bool) -> Observation {
    let endpoint = format!("{ADDRESS}:443");
    let failure = (!is_reached).then_some("generic_timeout_error");
    let page = if is_reached {
        json!({
            "status_code": 200, "body_length": BODY_BYTES, "title": host(site), "failure": null,
            "headers": { "Server": "synthetic", "Date": "", "Content-Type": "text/html" },
        })
    } else {
        json!({ "status_code": -1, "body_length": -1, "title": "", "failure": failure, "headers": {} })
    };
    let shaken = json!({ "server_name": host(site), "status": true, "failure": null });
    let handshakes = if is_reached {
        json!({ endpoint.as_str(): shaken })
    } else {
        json!({})
    };
    let answer = json!({
        "dns": { "failure": null, "addrs": [ADDRESS] },
        "tcp_connect": { endpoint.as_str(): { "status": is_reached, "failure": failure } },
        "tls_handshake": handshakes,
        "http_request": page,
        "ip_info": { ADDRESS: { "asn": 64_511, "flags": 11 } },
    });
    let request = json!({ "http_request": site, "tcp_connect": [endpoint] });
    let detail =
        json!({ "request": request.to_string(), "status": 200, "answer": answer.to_string() });
    step("control", "https://control.example/", None, detail)
}
