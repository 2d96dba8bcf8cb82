//! An agent whose disk is full: a clear error, nothing acknowledged lost, and it goes on afterwards.
use crate::support::{TONLE, agent_config, collector_config, run_ok, start, text};
use libtest_mimic::Failed;
use std::process::Command;

/// Fills the small disk after the agent joined, runs a round, frees it, runs another.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs -o size=4m tmpfs "$DISK"
"$TONLE" agent join "$INVITATION" --config "$CONFIG" --accept q1 --qos-only
"$TONLE" agent run --once --config "$CONFIG"
dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null || true
if "$TONLE" agent run --once --config "$CONFIG" 2>"$SAID"; then echo full:0; else echo full:$?; fi
rm "$DISK/filler"
"$TONLE" agent run --once --config "$CONFIG"
"#;

pub(crate) fn a_full_disk_is_a_clear_error_and_loses_nothing() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk)?;
    let collector = collector_config(dir.path())?;
    let mut command = Command::new(TONLE);
    command.args(["collector", "serve", "--config", text(&collector)]);
    let _running = start(command)?;
    let invitation = run_ok(&["collector", "invite", "--config", text(&collector)])?;
    let config = agent_config(dir.path(), &disk.join("data"), "")?;
    let said = dir.path().join("said");
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", SCRIPT])
        .envs([("TONLE", TONLE), ("INVITATION", &invitation)])
        .envs([("DISK", &disk), ("CONFIG", &config), ("SAID", &said)])
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("the agent does not go on after a full disk: {stdout}{stderr}").into());
    }
    let said = std::fs::read_to_string(&said)?;
    let names_the_cause = said.contains("No space left") || said.contains("disk is full");
    // It may also have made room by itself and kept its record, which is as good.
    if !stdout.contains("full:0") && !names_the_cause {
        return Err(format!("a full disk is not named: {stdout}{said}").into());
    }
    Ok(())
}
