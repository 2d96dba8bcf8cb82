//! Other people's tools: how each is asked, and how its answer is read.
use serde_json::Value;

/// Seconds of a transfer.
const TRANSFER_S: &str = "6";
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

/// `iperf3` as other traffic: UDP both ways at a rate, for longer than any cell takes.
pub(crate) fn iperf3_beside<'a>(server: &'a str, rate_bps: &'a str) -> Vec<&'a str> {
    vec![
        "iperf3", "-c", server, "-u", "--bidir", "-t", "600", "-b", rate_bps,
    ]
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
    vec![
        "fping", "-q", "-C", PROBES, "-p", "200", "-t", "3000", server,
    ]
}

/// `fping` beside a transfer: fifty echoes, 100 ms apart.
pub(crate) fn fping_beside(server: &str) -> Vec<&str> {
    vec!["fping", "-q", "-C", "50", "-p", "100", "-t", "3000", server]
}

/// Its round trips, microseconds, and how many were lost.
#[expect(clippy::cast_possible_truncation, reason = "whole microseconds")]
pub(crate) fn fping_us(stderr: &[u8]) -> Result<(Vec<i64>, i64), String> {
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

/// Payload of each probe of `irtt`.
pub(crate) const IRTT_BYTES: u64 = 172;

/// `irtt`: thirty datagrams, 100 ms apart.
pub(crate) fn irtt(server: &str) -> Vec<&str> {
    vec![
        "irtt", "client", "-i", "100ms", "-d", "3s", "-l", "172", "-Q", "-o", "-", server,
    ]
}

/// Its median round trip, microseconds, and how many probes were lost.
pub(crate) fn irtt_us(stdout: &[u8]) -> Result<(i64, i64), String> {
    let stats = &json(stdout)?["stats"];
    let number = |value: &Value| value.as_i64().ok_or("irtt gave no median");
    let median_ns = number(&stats["rtt"]["median"])?;
    let lost = number(&stats["packets_sent"])? - number(&stats["packets_received"])?;
    Ok(((median_ns + 500) / 1_000, lost))
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
