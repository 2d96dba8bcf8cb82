//! STAMP both ways with `stamp-suite`: its sender against our reflector, our experiment against its
//! reflector.
use crate::agent::Agent;
use crate::peer;
use crate::program::{Program, output};
use crate::server::Server;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libtest_mimic::Failed;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// The `stamp-suite` crate: sender and reflector.
pub(crate) const STAMP_SUITE: &str = "bin/stamp-suite";
/// What its reflector says before its address.
const SAYS: &str = "STAMP Reflector listening on ";
/// Packets of its sender, and the milliseconds between two: slower than a session permits.
const PACKETS: u64 = 20;
const GAP_MS: &str = "25";
/// A key that both sides hold.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub(crate) fn its_sender_in_open_mode() -> Result<(), Failed> {
    let server = Server::start_with("stamp_open_networks = ['127.0.0.0/8']")?;
    // Who asks for a session learns the reflector's port; its session is left alone.
    let port = number(&grant(&server.place)?, "port")?;
    all_came_back(&send(&port, &[])?)
}

/// Its packets bear padding and the HMAC TLV, which must come back valid for what follows the base
/// packet (RFC 8972, sections 4.1 and 4.8).
pub(crate) fn its_sender_in_a_granted_session() -> Result<(), Failed> {
    let server = Server::start()?;
    let grant = grant(&server.place)?;
    let key = grant["key"].as_str().ok_or("a grant has a key")?;
    let key = hex::encode(BASE64_STANDARD.decode(key)?);
    let (port, session) = (number(&grant, "port")?, number(&grant, "ssid")?);
    let mut flags = vec!["-A", "A", "--hmac-key", &key, "--ssid", &session];
    flags.extend(["--tlv-hmac", "on", "--extra-padding", "40"]);
    let said = send(&port, &flags)?;
    all_came_back(&said)?;
    let verified = &said["measurements"]["tlv_validation"]["hmac"]["verified"];
    check(*verified == PACKETS, "HMAC TLVs", &said)
}

pub(crate) fn our_experiment_in_open_mode() -> Result<(), Failed> {
    let (_reflector, place) = reflector(&[])?;
    measures(&Agent::joined("")?, &place, false)
}

/// Numbers of its own are taken for what they are: no loss. Of a stranger they give loss no
/// direction, because nothing in a packet says whose number it bears (RFC 8762, section 4.3).
pub(crate) fn our_experiment_with_a_key_and_a_reflector_that_counts() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let key = dir.path().join("stamp.key");
    std::fs::write(&key, KEY)?;
    let flags = ["-A", "A", "--hmac-key", KEY, "--stateful-reflector"];
    let (_reflector, place) = reflector(&flags)?;
    let agent = Agent::joined(&format!("stamp_key_file = '{}'", key.display()))?;
    measures(&agent, &place, true)
}

/// What its sender says of a train to this port.
fn send(port: &str, flags: &[&str]) -> Result<Value, Failed> {
    let mut sender = Command::new(peer(STAMP_SUITE));
    sender.args(["--remote-addr", "127.0.0.1", "--remote-port", port]);
    sender.args(["--count", &PACKETS.to_string(), "--send-delay", GAP_MS]);
    sender.args(["--output-format", "json"]).args(flags);
    let said = output(&mut sender)?;
    Ok(serde_json::from_str(&said).map_err(|error| format!("{error}: {said}"))?)
}

fn all_came_back(said: &Value) -> Result<(), Failed> {
    for (field, expected) in [
        ("packets_sent", PACKETS),
        ("packets_received", PACKETS),
        ("packets_lost", 0),
    ] {
        check(said[field] == expected, field, said)?;
    }
    check(
        said["median_rtt_ms"].as_f64() > Some(0.0),
        "round trip",
        said,
    )
}

/// Its reflector, and `127.0.0.1:port`.
fn reflector(flags: &[&str]) -> Result<(Program, String), Failed> {
    let mut command = Command::new(peer(STAMP_SUITE));
    command.args(["-i", "--local-addr", "127.0.0.1", "--local-port", "0"]);
    command.env("RUST_LOG", "info");
    command.args(flags);
    let (program, said) = Program::start(command, SAYS)?;
    let place = said.split_whitespace().next().unwrap_or_default();
    Ok((program, place.to_owned()))
}

fn measures(agent: &Agent, place: &str, authenticated: bool) -> Result<(), Failed> {
    let record = agent.measure("stamp", &format!("stamp://{place}"))?;
    let mut observations = record["observations"].as_array().into_iter().flatten();
    let train = observations
        .find(|seen| seen["operation"] == "stamp_train")
        .ok_or_else(|| format!("no train: {record}"))?;
    let detail = &train["detail"];
    check(train["failure"].is_null(), "no failure", train)?;
    check(detail["authenticated"] == authenticated, "mode", train)?;
    check(detail["sent"].as_u64() > Some(0), "sent", train)?;
    check(detail["answered"] == detail["sent"], "answered", train)?;
    check(detail["not_replies"] == 0, "replies only", train)?;
    let sample = |base: &str| {
        let id = format!("stamp.{base}/");
        let samples = record["samples"].as_array().into_iter().flatten();
        let is_it = |sample: &&Value| sample[0].as_str().is_some_and(|name| name.starts_with(&id));
        samples.filter(is_it).find_map(|sample| sample[1].as_i64())
    };
    check(sample("rtt_median_us") > Some(0), "round trip", &record)?;
    check(sample("loss_ppm") == Some(0), "no loss", &record)?;
    check(sample("loss_up_ppm").is_none(), "no direction", &record)
}

/// A session for this machine.
fn grant(place: &str) -> Result<Value, Failed> {
    let mut stream = TcpStream::connect(place)?;
    let request =
        format!("GET /stamp/v1/session HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    Ok(serde_json::from_str(body)?)
}

fn number(grant: &Value, field: &str) -> Result<String, Failed> {
    let number = grant[field].as_u64();
    Ok(number
        .ok_or_else(|| format!("a grant has a {field}"))?
        .to_string())
}

fn check(holds: bool, what: &str, seen: &Value) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(format!("{what}: {seen}").into())
}
