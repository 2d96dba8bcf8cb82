//! Stock ndt7 clients against our server.
use crate::server::Server;
use crate::{NDT7_PEER, peer};
use libtest_mimic::Failed;
use serde_json::Value;
use std::process::{Child, Command, Stdio};

/// Any loopback carries more than this, bits per second; slow would be wrong.
const PLAUSIBLE_BPS: f64 = 1e6;
/// Tests at once from one source; the default admits eight.
const AT_ONCE: usize = 3;

pub(crate) fn the_crate_over_ws() -> Result<(), Failed> {
    let server = Server::start()?;
    both_directions(&format!("ws://{}", server.place), &[])
}

/// The crate verifies against built-in roots only, so verification is off.
pub(crate) fn the_crate_over_wss() -> Result<(), Failed> {
    let server = Server::start()?;
    both_directions(&format!("wss://{}", server.named_place()), &["--insecure"])
}

pub(crate) fn several_at_once() -> Result<(), Failed> {
    let server = Server::start()?;
    let url = format!("ws://{}", server.place);
    let begin = |_| start(Command::new(peer(NDT7_PEER)).args(["download", &url]));
    let clients = (0..AT_ONCE).map(begin).collect::<Result<Vec<_>, _>>()?;
    for client in clients {
        is_download(&end(client)?)?;
    }
    Ok(())
}

pub(crate) fn javascript_over_ws() -> Result<(), Failed> {
    let server = Server::start()?;
    javascript(Command::new("node").args([script().as_str(), "ws", &server.place]))
}

pub(crate) fn javascript_over_wss() -> Result<(), Failed> {
    let server = Server::start()?;
    javascript(
        Command::new("node")
            .args([script().as_str(), "wss", &server.named_place()])
            .env("NODE_EXTRA_CA_CERTS", &server.cert),
    )
}

fn script() -> String {
    peer("node/ndt7.js").display().to_string()
}

fn both_directions(url: &str, flags: &[&str]) -> Result<(), Failed> {
    let run = |direction| {
        let mut command = Command::new(peer(NDT7_PEER));
        end(start(command.args([direction, url]).args(flags))?)
    };
    is_download(&run("download")?)?;
    is_upload(&run("upload")?)
}

fn is_download(told: &Value) -> Result<(), Failed> {
    let client = &told["client"]["AppInfo"];
    is_plausible(&client["NumBytes"], &client["ElapsedTime"], told)?;
    messages_are_whole(told, "download")
}

/// The crate, as every stock client, takes an upload's figure from the server.
fn is_upload(told: &Value) -> Result<(), Failed> {
    let server = &told["server"]["TCPInfo"];
    is_plausible(&server["BytesReceived"], &server["ElapsedTime"], told)?;
    messages_are_whole(told, "upload")
}

/// Bytes over microseconds.
fn is_plausible(bytes: &Value, elapsed_us: &Value, told: &Value) -> Result<(), Failed> {
    let number = |value: &Value| value.as_f64().ok_or(format!("no figure in {told}"));
    let rate_bps = number(bytes)? * 8e6 / number(elapsed_us)?;
    if rate_bps > PLAUSIBLE_BPS {
        return Ok(());
    }
    Err(format!("{rate_bps} bit/s in {told}").into())
}

/// Every message of ours was read, with the fields that stock clients show.
fn messages_are_whole(told: &Value, direction: &str) -> Result<(), Failed> {
    let server = &told["server"];
    let is_whole = told["server_messages"]
        .as_u64()
        .is_some_and(|count| count >= 10)
        && server["TCPInfo"]["MinRTT"].is_u64()
        && server["ConnectionInfo"]["UUID"].is_string()
        && server["Test"] == direction;
    if is_whole {
        return Ok(());
    }
    Err(format!("the server's messages in {told}").into())
}

fn javascript(command: &mut Command) -> Result<(), Failed> {
    let told = end(start(command)?)?;
    let of_client = |direction: &str| &told[direction]["LastClientMeasurement"];
    let of_server = |direction: &str| &told[direction]["LastServerMeasurement"]["TCPInfo"];
    let has_rate = |direction| of_client(direction)["MeanClientMbps"].as_f64() > Some(1.0);
    let is_whole = |direction| {
        has_rate(direction)
            && of_server(direction)["MinRTT"].is_u64()
            && told[direction]["server_messages"].as_u64() >= Some(10)
    };
    let uploaded = of_server("upload")["BytesReceived"].as_u64();
    let has_errors = told["errors"]
        .as_array()
        .is_none_or(|errors| !errors.is_empty());
    if is_whole("download") && is_whole("upload") && uploaded > Some(1 << 20) && !has_errors {
        return Ok(());
    }
    Err(format!("told: {told}").into())
}

fn start(command: &mut Command) -> Result<Child, Failed> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command.stderr(Stdio::piped()).spawn()?)
}

/// The JSON object that a peer prints; its exit code says whether it was content.
fn end(client: Child) -> Result<Value, Failed> {
    let output = client.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the peer failed: {text}{complaint}").into());
    }
    Ok(serde_json::from_str(&text)?)
}
