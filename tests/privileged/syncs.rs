//! Watching the kernel's calls: kills do not prove syncs.
use crate::support::{TONLE, agent_config, collector_config, run_ok, start, text};
use libtest_mimic::Failed;
use std::collections::HashMap;
use std::process::Command;

/// The file whose sync makes a commit durable.
const LOG_FILE: &str = "journal.sqlite-wal>";

/// What the trace tells, in its order.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    JournalWritten,
    SyncBegan,
    SyncEnded,
    ReceiptLeft,
}

pub(crate) fn a_receipt_leaves_only_after_the_journal_is_synced() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let trace = dir.path().join("trace");
    let config = collector_config(dir.path())?;
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "8192", "-o", text(&trace)]);
    command.args([
        "-e",
        "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg",
    ]);
    command.args([TONLE, "collector", "serve", "--config", text(&config)]);
    let running = start(command)?;
    let invitation = run_ok(&["collector", "invite", "--config", text(&config)])?;
    let agent = agent_config(dir.path(), &dir.path().join("agent"), "")?;
    let agent = text(&agent);
    run_ok(&[
        "agent",
        "join",
        &invitation,
        "--config",
        agent,
        "--accept",
        "q1",
        "--qos-only",
    ])?;
    run_ok(&["agent", "run", "--once", "--config", agent])?;
    drop(running);
    check(&events(&std::fs::read_to_string(&trace)?))
}

fn check(events: &[Event]) -> Result<(), Failed> {
    let (mut is_durable, mut sync_covers_all, mut receipts) = (true, true, 0);
    for event in events {
        match event {
            Event::JournalWritten => (is_durable, sync_covers_all) = (false, false),
            Event::SyncBegan => sync_covers_all = true,
            Event::SyncEnded => is_durable |= sync_covers_all,
            Event::ReceiptLeft if !is_durable => {
                return Err("a receipt left before the journal was synced".into());
            }
            Event::ReceiptLeft => receipts += 1,
        }
    }
    let syncs = events
        .iter()
        .filter(|event| **event == Event::SyncEnded)
        .count();
    if receipts == 0 || syncs == 0 {
        return Err(format!("the trace shows {receipts} receipts and {syncs} syncs").into());
    }
    Ok(())
}

/// Reads `PID call(fd<path>, …) = result`, also where a call is split in `unfinished` and `resumed`.
fn events(trace: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut syncing: HashMap<&str, bool> = HashMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if call.starts_with("pwrite64(") && call.contains(LOG_FILE) {
            events.push(Event::JournalWritten);
        } else if is_sync && call.contains(LOG_FILE) {
            events.push(Event::SyncBegan);
            syncing.insert(thread, true);
            if call.ends_with("= 0") {
                events.push(Event::SyncEnded);
            }
        } else if call.contains("sync resumed>") && call.ends_with("= 0") {
            if syncing.remove(thread).is_some() {
                events.push(Event::SyncEnded);
            }
        } else if call.contains(r#"\"status\":\"stored\""#) {
            events.push(Event::ReceiptLeft);
        }
    }
    events
}
