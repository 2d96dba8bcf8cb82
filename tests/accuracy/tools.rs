//! Other people's tools: how each is asked, and how its answer is read.
use serde_json::Value;

/// Seconds of a transfer, as ndt7 has them.
const TRANSFER_S: &str = "10";
/// Probes of a latency tool.
const PROBES: &str = "20";

/// `iperf3` towards a server; `to_client` asks for a download.
pub(crate) fn iperf3(server: &str, to_client: bool) -> Vec<&str> {
    let mut command = vec!["iperf3", "-c", server, "-J", "-t", TRANSFER_S];
    if to_client {
        command.push("-R");
    }
    command
}

/// What its receiver counted, bit/s.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate in whole bit/s"
)]
pub(crate) fn iperf3_bps(stdout: &[u8]) -> Result<u64, String> {
    let answer = json(stdout)?;
    let rate = &answer["end"]["sum_received"]["bits_per_second"];
    let rate = rate
        .as_f64()
        .ok_or_else(|| format!("iperf3 gave no rate: {}", answer["error"]))?;
    Ok(rate as u64)
}

/// `fping`: twenty echoes, 200 ms apart.
pub(crate) fn fping(server: &str) -> Vec<&str> {
    vec!["fping", "-q", "-C", PROBES, "-p", "200", server]
}

/// Its round trips, microseconds, and how many were lost.
#[expect(clippy::cast_possible_truncation, reason = "whole microseconds")]
pub(crate) fn fping_us(stderr: &[u8]) -> Result<(Vec<i64>, u64), String> {
    let said = String::from_utf8_lossy(stderr);
    let values = said
        .rsplit_once(" : ")
        .map(|(_, values)| values)
        .ok_or_else(|| format!("fping said: {said}"))?;
    let (mut round_trips_us, mut lost) = (Vec::new(), 0);
    for value in values.split_whitespace() {
        match value.parse::<f64>() {
            Ok(ms) => round_trips_us.push((ms * 1_000.0).round() as i64),
            Err(_) => lost += 1,
        }
    }
    Ok((round_trips_us, lost))
}

/// `irtt`: thirty datagrams, 100 ms apart.
pub(crate) fn irtt(server: &str) -> Vec<&str> {
    vec![
        "irtt", "client", "-i", "100ms", "-d", "3s", "-Q", "-o", "-", server,
    ]
}

/// Its median round trip, microseconds.
pub(crate) fn irtt_median_us(stdout: &[u8]) -> Result<i64, String> {
    let answer = json(stdout)?;
    let median_ns = answer["stats"]["rtt"]["median"].as_i64();
    let median_ns = median_ns.ok_or("irtt gave no median")?;
    Ok((median_ns + 500) / 1_000)
}

/// The rate of the `ndt7-client` crate, bit/s: a download by its own count, an upload by the
/// server's, as every stock client has it.
pub(crate) fn ndt7_client_bps(stdout: &[u8], to_client: bool) -> Result<u64, String> {
    let answer = json(stdout)?;
    let (bytes, elapsed_us) = if to_client {
        let app = &answer["client"]["AppInfo"];
        (&app["NumBytes"], &app["ElapsedTime"])
    } else {
        let tcp = &answer["server"]["TCPInfo"];
        (&tcp["BytesReceived"], &tcp["ElapsedTime"])
    };
    match (bytes.as_u64(), elapsed_us.as_u64()) {
        (Some(bytes), Some(elapsed_us)) if elapsed_us > 0 => Ok(bytes * 8_000_000 / elapsed_us),
        _ => Err(format!("ndt7-client gave no rate: {}", answer["error"])),
    }
}

fn json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = String::from_utf8_lossy(bytes);
        format!(
            "no JSON ({error}): {}",
            text.chars().take(200).collect::<String>()
        )
    })
}
