//! When and on what figures were made, for documents.
use std::process::Command;

/// The day, the cores and the kernel; what cannot be told is left out.
pub(crate) fn today_and_here() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let day = said("date", &["-u", "+%Y-%m-%d"]);
    let kernel = said("uname", &["-sr"]);
    format!("{day}, {cores} cores ({model}), {kernel}")
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).trim().to_owned()
}
