//! What measuring costs, in one run on loopback: processor time and memory of our ndt7 client beside
//! the `ndt7-client` crate against the same server, of that server beside `iperf3 -s`, and the memory
//! of an agent between its rounds. `cargo bench --bench cost` prints it as Markdown.
use std::path::Path;
use std::process::ExitCode;

#[path = "../../tests/accuracy/machine.rs"]
mod machine;
mod process;
mod transfers;
mod volunteer;

use transfers::Cost;

/// Memory that an agent may hold, MB: between its rounds, and at most.
const IDLE_AIM_MB: u64 = 15;
const PEAK_AIM_MB: u64 = 30;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/bin/ndt7-peer");
    if !peer.is_file() {
        return Err(format!(
            "{} is not built; run tests/peers/build.sh ndt7",
            peer.display()
        ));
    }
    let home = tempfile::tempdir().map_err(|error| format!("make a directory: {error}"))?;
    let volunteer = volunteer::Volunteer::start(home.path())?;
    let ours = volunteer.measure()?;
    let crates = transfers::by_crate(&peer, &volunteer)?;
    let iperf3 = transfers::by_iperf3()?;
    let idle = volunteer.idle()?;
    print(&machine::today_and_here());
    print("\n| client | download | upload | peak memory |\n| --- | ---: | ---: | ---: |");
    for (name, [download, upload]) in [("tonle-agent", &ours), ("ndt7-client", &crates)] {
        let peak_kb = download.client_peak_kb.max(upload.client_peak_kb);
        print(&format!(
            "| {name} | {} | {} | {} |",
            per_gb(download.client_cpu_us, download),
            per_gb(upload.client_cpu_us, upload),
            megabytes(peak_kb)
        ));
    }
    print("\n| server | client | download | upload |\n| --- | --- | ---: | ---: |");
    for (server, client, [download, upload]) in [
        ("tonle collector", "tonle-agent", &ours),
        ("tonle collector", "ndt7-client", &crates),
        ("iperf3 -s", "iperf3", &iperf3),
    ] {
        print(&format!(
            "| {server} | {client} | {} | {} |",
            per_gb(download.server_cpu_us, download),
            per_gb(upload.server_cpu_us, upload)
        ));
    }
    print(&format!("\n{}", ratios(&ours, &crates, &iperf3)));
    let peak_kb = ours[0].client_peak_kb.max(ours[1].client_peak_kb);
    print(&format!(
        "An agent between its rounds holds {} (aim: below {IDLE_AIM_MB}), {} of them its own and the rest \
         pages of the program's file; one that measures, {} at most (aim: below {PEAK_AIM_MB}).",
        megabytes(idle.resident_kb),
        megabytes(idle.own_kb),
        megabytes(peak_kb),
    ));
    Ok(())
}

/// Processor time per gigabyte moved, and how fast that was.
fn per_gb(cpu_us: u64, cost: &Cost) -> String {
    format!(
        "{:.2} s/GB at {:.1} Gbit/s",
        seconds_per_gb(cpu_us, cost),
        cost.bytes as f64 * 8.0 / cost.elapsed_us as f64 / 1_000.0
    )
}

fn seconds_per_gb(cpu_us: u64, cost: &Cost) -> f64 {
    cpu_us as f64 * 1_000.0 / cost.bytes as f64
}

fn megabytes(kb: u64) -> String {
    format!("{:.1} MB", kb as f64 * 1.024 / 1_000.0)
}

/// Ours over the others'.
fn ratios(ours: &[Cost; 2], crates: &[Cost; 2], iperf3: &[Cost; 2]) -> String {
    let client = |cost: &Cost| seconds_per_gb(cost.client_cpu_us, cost);
    let server = |cost: &Cost| seconds_per_gb(cost.server_cpu_us, cost);
    format!(
        "Processor time per byte, ours over the other's: client over `ndt7-client` {:.2} down, {:.2} up; \
         server over `iperf3 -s` {:.2} down, {:.2} up.",
        client(&ours[0]) / client(&crates[0]),
        client(&ours[1]) / client(&crates[1]),
        server(&ours[0]) / server(&iperf3[0]),
        server(&ours[1]) / server(&iperf3[1]),
    )
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn print(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "a benchmark says why it failed")]
fn complain(text: &str) {
    eprintln!("{text}");
}
