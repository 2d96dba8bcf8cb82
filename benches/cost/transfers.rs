//! Transfers by other people's clients, and what they cost at both ends.
use crate::process::{self, Look, Serving};
use crate::volunteer::{Volunteer, free_port, wait_for_port};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Payload that its receiver counted.
    pub(crate) bytes: u64,
    pub(crate) elapsed_us: u64,
    pub(crate) client_cpu_us: u64,
    pub(crate) client_peak_kb: u64,
    pub(crate) server_cpu_us: u64,
}

/// Most memory of all looks.
pub(crate) fn peak_kb(looks: &[Look]) -> u64 {
    looks.iter().map(|look| look.peak_kb).max().unwrap_or(0)
}

/// The `ndt7-client` crate against our server: download, upload.
pub(crate) fn by_crate(peer: &Path, volunteer: &Volunteer) -> Result<[Cost; 2], String> {
    let direction = |name: &str| {
        let before = volunteer.collector.look()?;
        let mut command = Command::new(peer);
        let (output, looks) = process::watched(command.args([name, &volunteer.ndt7_url()]))?;
        let after = volunteer.collector.look()?;
        let said = json(&output.stdout)?;
        let (bytes, elapsed_us) = if name == "download" {
            let app = &said["client"]["AppInfo"];
            (&app["NumBytes"], &app["ElapsedTime"])
        } else {
            let tcp = &said["server"]["TCPInfo"];
            (&tcp["BytesReceived"], &tcp["ElapsedTime"])
        };
        Ok::<_, String>(Cost {
            bytes: number(bytes)?,
            elapsed_us: number(elapsed_us)?,
            client_cpu_us: looks.last().map_or(0, |look| look.cpu_us),
            client_peak_kb: peak_kb(&looks),
            server_cpu_us: after.cpu_us - before.cpu_us,
        })
    };
    Ok([direction("download")?, direction("upload")?])
}

/// `iperf3` against `iperf3 -s`: download, upload.
pub(crate) fn by_iperf3() -> Result<[Cost; 2], String> {
    let port = free_port()?.to_string();
    let serving = ["-s", "-B", "127.0.0.1", "-p", &port];
    let server = Serving::start(Command::new("iperf3").args(serving))?;
    wait_for_port(&port)?;
    let direction = |reverse: &[&str]| {
        let before = server.look()?;
        let mut command = Command::new("iperf3");
        command.args(["-c", "127.0.0.1", "-p", &port, "-t", "10", "-J"]);
        let (output, looks) = process::watched(command.args(reverse))?;
        let after = server.look()?;
        let received = &json(&output.stdout)?["end"]["sum_received"];
        let seconds = received["seconds"].as_f64().ok_or("iperf3 told no time")?;
        Ok::<_, String>(Cost {
            bytes: number(&received["bytes"])?,
            elapsed_us: std::time::Duration::from_secs_f64(seconds)
                .as_micros()
                .try_into()
                .map_err(|_| "iperf3 told a wild time")?,
            client_cpu_us: looks.last().map_or(0, |look| look.cpu_us),
            client_peak_kb: peak_kb(&looks),
            server_cpu_us: after.cpu_us - before.cpu_us,
        })
    };
    Ok([direction(&["-R"])?, direction(&[])?])
}

pub(crate) fn json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("no JSON: {error}"))
}

pub(crate) fn number(value: &Value) -> Result<u64, String> {
    let number = value.as_u64().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{value} where a number was expected"))
}
