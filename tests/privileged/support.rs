//! A collector and an agent on loopback, started by hand because they run under a tool.
use libtest_mimic::Failed;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// The binary under test.
pub(crate) const TONLE: &str = env!("CARGO_BIN_EXE_tonle");

/// A child that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    /// Ends what it started first: a tracer that is killed lets go of its child, which lives on.
    fn drop(&mut self) {
        let parent = self.0.id().to_string();
        drop(
            Command::new("pkill")
                .args(["-KILL", "-P", &parent])
                .status(),
        );
        // Already gone is as good as killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Ports that nothing listens on, each given out once. They lie below the range from which the
/// system takes ports for connections, so that none is taken before the collector binds it.
fn free_ports<const N: usize>() -> Result<[u16; N], Failed> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 12_000 + u16::try_from(std::process::id() % 100)? * 50;
    let free = |()| loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            break port;
        }
    };
    Ok([(); N].map(free))
}

/// Writes a collector's configuration in `dir`.
pub(crate) fn collector_config(dir: &Path) -> Result<PathBuf, Failed> {
    let [web, metrics, servers] = free_ports()?;
    let data = dir.join("collector");
    let config = dir.join("collector.toml");
    let text = format!(
        "data_dir = '{}'\nlisten = '127.0.0.1:{web}'\nmetrics_listen = '127.0.0.1:{metrics}'\n[servers]\nlisten = '127.0.0.1:{servers}'\n",
        data.display()
    );
    std::fs::write(&config, text)?;
    Ok(config)
}

/// Starts a collector under whatever `command` is, and waits until it says where it listens.
pub(crate) fn start(mut command: Command) -> Result<Running, Failed> {
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let notes = child.stderr.take().ok_or("standard error is piped")?;
    let running = Running(child);
    let mut lines = BufReader::new(notes).lines().map_while(Result::ok);
    if !lines.any(|line| line.contains("http://127.0.0.1:")) {
        return Err("the collector ended before it was up".into());
    }
    // Read on, so that its log never fills the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(running)
}

/// Runs the binary to its end, which must be a success, and returns standard output.
pub(crate) fn run_ok(arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(TONLE)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("tonle {arguments:?}: {said}").into())
}

/// Path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// Writes an agent's configuration whose only target is a closed port: a record at no cost.
pub(crate) fn agent_config(dir: &Path, data: &Path, more: &str) -> Result<PathBuf, Failed> {
    let targets = dir.join("targets.csv");
    std::fs::write(
        &targets,
        "experiment,value,category,path_class,stream,note\ndns,site.test,,local,quality,\n",
    )?;
    let resolv_conf = dir.join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver [127.0.0.1]:9\n")?;
    let config = dir.join("agent.toml");
    let text = format!(
        "data_dir = '{}'\nprovince = 'KH-12'\nexperiments = ['dns']\ntargets = '{}'\nresolv_conf = '{}'\nallow_loopback = true\n{more}",
        data.display(),
        targets.display(),
        resolv_conf.display()
    );
    std::fs::write(&config, text)?;
    Ok(config)
}
