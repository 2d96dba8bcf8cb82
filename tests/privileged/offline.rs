//! `up` on a machine that has nothing but loopback: the real targets fail, each by its right name.
use crate::support::text;
use libtest_mimic::Failed;
use serde_json::Value;
use std::process::Command;

/// What an offline device may see of a public target.
const OFFLINE_FAILURES: [&str; 5] = [
    "network_unreachable",
    "host_unreachable",
    "dns_temporary_failure",
    "generic_timeout_error",
    "interrupted",
];

/// What an experiment says of its list or of its resolvers: no step on a network.
const NO_STEPS: [&str; 2] = ["services", "resolver_identity"];

/// Whether a step says that nothing left the device, or that its run was ended by the round.
fn never_left(step: &Value) -> bool {
    let is_step = !NO_STEPS.iter().any(|name| step["operation"] == *name);
    !is_step || step["detail"]["sent"] == false || step["failure"] == "interrupted"
}

pub(crate) fn without_any_network_every_failure_has_its_right_name() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let script =
        r#"ip link set lo up && exec "$0" up --once --yes --json --data "$1" --config "$2""#;
    let resolv_conf = dir.path().join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver 1.1.1.1\n")?;
    let config = dir.path().join("tonle.toml");
    let agent = format!("[agent]\nresolv_conf = '{}'\n", text(&resolv_conf));
    std::fs::write(&config, agent)?;
    let output = Command::new("timeout")
        .args(["--kill-after=5", "90", "unshare", "-n", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_tonle"))
        .arg(dir.path().join("data"))
        .arg(&config)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("an offline round ends with {}: {said}", output.status).into());
    }
    let summary: Value = serde_json::from_slice(&output.stdout)?;
    let records = summary["records"].as_array().ok_or("no records")?;
    // The server of these two is on this machine.
    let remote =
        |record: &&Value| record["experiment"] != "throughput" && record["experiment"] != "stamp";
    let mut count = 0;
    for record in records.iter().filter(remote) {
        count += 1;
        let failures = record["failures"].as_array().ok_or("no failures")?;
        if failures.is_empty() {
            return Err(format!("an offline target did not fail: {record}").into());
        }
        for failure in failures {
            let name = failure.as_str().unwrap_or_default();
            if !OFFLINE_FAILURES.contains(&name) {
                return Err(
                    format!("'{name}' is not what an offline device sees: {record}").into(),
                );
            }
        }
    }
    for record in records.iter().filter(remote) {
        let samples = record["samples"].as_array().ok_or("no samples")?;
        let steps = record["observations"].as_array().ok_or("no steps")?;
        if !samples.is_empty() || !steps.iter().all(never_left) {
            return Err(format!("a device that is offline claims something: {record}").into());
        }
    }
    if count < 20 {
        return Err(format!("only {count} targets were tried").into());
    }
    let seconds = summary["duration_ms"].as_u64().ok_or("no duration")? / 1000;
    // The round's own deadline (52 s) keeps this bound, not the speed of the machine.
    if seconds > 60 {
        Err(format!("the round took {seconds} s").into())
    } else {
        Ok(())
    }
}
