//! The program as its operator runs it, on a directory of its own.
#![expect(clippy::unwrap_used, reason = "a fixture stops at the first surprise")]
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A site of the built-in openness list.
pub(crate) const SITE: &str = "https://www.mptc.gov.kh/";

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program, with its data below `home`.
pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tonle-collector"));
    command.arg("--data").arg(home.join("data")).args(arguments);
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub(crate) fn run(home: &Path, arguments: &[&str], input: &[u8]) -> Said {
    let mut command = command(home, arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A measurement as a client writes it: keys in an order of its own, and spaces.
pub(crate) fn measurement(input: &str, number: usize) -> String {
    let keys = json!({ "queries": [], "x_number": number });
    format!(
        "{{\"test_name\": \"web_connectivity\",  \"input\":\"{input}\",\"probe_cc\":\"KH\",\
         \"probe_asn\":\"AS38623\",\"probe_ip\":\"127.0.0.1\",\"test_version\":\"0.5.28\",\
         \"measurement_start_time\":\"2026-11-10 05:00:00\",\"test_keys\":{keys}}}"
    )
}

/// The lines of a text as JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
