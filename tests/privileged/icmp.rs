//! Latency by the datagram ICMP socket, which needs no privilege where the system opens it to all.
use crate::support::text;
use libtest_mimic::Failed;
use serde_json::Value;
use std::process::Command;

const SCRIPT: &str = r#"
ip link set lo up
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range
exec "$0" up --once --yes --json --qos-only --data "$1" --config "$2"
"#;

pub(crate) fn latency_needs_no_privilege_where_the_datagram_socket_is_open() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let targets = dir.path().join("targets.csv");
    std::fs::write(
        &targets,
        "experiment,value,category,path_class,stream,note\n\
         latency,127.0.0.1,,local,quality,\nlatency,::1,,local,quality,\n",
    )?;
    let config = dir.path().join("tonle.toml");
    let agent = format!(
        "[agent]\nallow_loopback = true\nexperiments = ['latency']\ntargets = '{}'\n",
        text(&targets)
    );
    std::fs::write(&config, agent)?;
    let data = dir.path().join("data");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "90", "unshare", "-n", "sh", "-ec", SCRIPT])
        .arg(env!("CARGO_BIN_EXE_tonle"))
        .args([text(&data), text(&config)])
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the round ends with {}: {said}", output.status).into());
    }
    let summary: Value = serde_json::from_slice(&output.stdout)?;
    let records = summary["records"].as_array().ok_or("no records")?;
    if records.len() != 2 {
        return Err(format!("two targets, but: {records:?}").into());
    }
    for record in records {
        let seen = record["observations"].as_array().ok_or("no steps")?;
        let is_good = |step: &Value| {
            step["detail"]["probe"] == "icmp_datagram"
                && step["detail"]["kernel_time"] == true
                && step["detail"]["ttl"] == 64
                && step.get("failure").is_none_or(Value::is_null)
        };
        if seen.len() != 10 || !seen.iter().all(is_good) {
            return Err(format!("ten answered probes were due: {record}").into());
        }
    }
    Ok(())
}
