//! `curl` against our responsiveness server, over both versions of HTTP.
use crate::server::Server;
use libtest_mimic::Failed;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The stock tool.
pub(crate) const CURL: &str = "/usr/bin/curl";
/// Of the large object, after which the client goes away.
const CUT_OFF_BYTES: usize = 4 << 20;
/// Sent to the sink.
const UPLOAD_BYTES: usize = 3 << 20;

pub(crate) fn curl_over_http2() -> Result<(), Failed> {
    let server = Server::start()?;
    let origin = format!("https://{}", server.named_place());
    every_object(&origin, &["--http2", "--cacert", path(&server.cert)], "2")
}

pub(crate) fn curl_over_http1_with_tls() -> Result<(), Failed> {
    let server = Server::start()?;
    let origin = format!("https://{}", server.named_place());
    every_object(
        &origin,
        &["--http1.1", "--cacert", path(&server.cert)],
        "1.1",
    )
}

pub(crate) fn curl_without_tls() -> Result<(), Failed> {
    let server = Server::start()?;
    every_object(&format!("http://{}", server.place), &[], "1.1")
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a temporary path is text")
}

/// Follows the configuration to its three objects.
fn every_object(origin: &str, flags: &[&str], version: &str) -> Result<(), Failed> {
    let get = |url: &str| curl(flags, &["--write-out", FACTS, url], &[]);
    let config = get(&format!("{origin}/.well-known/nq"))?;
    let facts = facts(&config)?;
    check(facts["version"] == version, "version of HTTP", &facts)?;
    check(facts["type"] == "application/json", "type", &facts)?;
    let config: Value = serde_json::from_slice(&config.stdout)?;
    let url = |key: &str| config["urls"][key].as_str().unwrap_or_default().to_owned();

    let small = get(&url("small_download_url"))?;
    check(small.stdout.len() == 1, "one byte", &self::facts(&small)?)?;
    let encoded = curl(
        flags,
        &[
            "--compressed",
            "--write-out",
            FACTS,
            &url("small_download_url"),
        ],
        &[],
    )?;
    check(
        encoded.stdout.len() == 1,
        "never encoded",
        &self::facts(&encoded)?,
    )?;

    let large = url("large_download_url");
    let cut_off = cut_off(flags, &large)?;
    check(
        cut_off >= CUT_OFF_BYTES,
        "the large object",
        &cut_off.into(),
    )?;

    let sink = url("upload_url");
    let body = vec![7; UPLOAD_BYTES];
    let sent = ["--data-binary", "@-", "--write-out", FACTS, &sink];
    let uploaded = self::facts(&curl(flags, &sent, &body)?)?;
    check(uploaded["status"] == 200, "upload", &uploaded)?;
    check(uploaded["sent"] == UPLOAD_BYTES, "upload", &uploaded)
}

/// What curl tells about an exchange, as JSON on standard error.
const FACTS: &str = r#"%{stderr}{"version":"%{http_version}","status":%{http_code},"type":"%{content_type}","sent":%{size_upload}}"#;

fn facts(output: &Output) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(&output.stderr)?)
}

fn check(holds: bool, what: &str, seen: &Value) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(format!("{what}: {seen}").into())
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(CURL);
    command.args(["--silent", "--show-error", "--max-time", "20"]);
    command.args(flags);
    command
}

fn curl(flags: &[&str], rest: &[&str], input: &[u8]) -> Result<Output, Failed> {
    let mut running = command(flags)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = running.stdin.take().ok_or("standard input is piped")?;
    stdin.write_all(input)?;
    drop(stdin);
    let output = running.wait_with_output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("curl: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Reads the beginning of an object without end; bytes that came before the client went away.
fn cut_off(flags: &[&str], url: &str) -> Result<usize, Failed> {
    let mut running = command(flags)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut object = running.stdout.take().ok_or("standard output is piped")?;
    let mut buffer = vec![0; 1 << 16];
    let mut read = 0;
    while read < CUT_OFF_BYTES {
        let size = std::io::Read::read(&mut object, &mut buffer)?;
        if size == 0 {
            break;
        }
        read += size;
    }
    running.kill()?;
    running.wait()?;
    Ok(read)
}
