//! What the kernel counts of a process: processor time and memory (proc(5)).
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Microseconds of one clock tick, in which `/proc` counts: 100 a second on every Linux that Rust
/// supports.
const TICK_US: u64 = 10_000;
/// Time between two looks at a process.
const LOOK: Duration = Duration::from_millis(20);

/// A process at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    /// Microseconds since the Unix epoch.
    pub(crate) at_us: i64,
    /// Used so far, user and system together, microseconds.
    pub(crate) cpu_us: u64,
    /// Most memory that was resident so far, kB.
    pub(crate) peak_kb: u64,
    /// Memory that is resident now, kB.
    pub(crate) resident_kb: u64,
    /// What of it is its own, and no page of a file that the kernel can take back, kB.
    pub(crate) own_kb: u64,
}

/// Looks at a process; `None` once it has ended.
pub(crate) fn look(pid: u32) -> Option<Look> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    let stat = read("stat")?;
    // The name of the program may hold anything; after its parenthesis stand numbers, the twelfth
    // and thirteenth of which are the times.
    let numbers: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| numbers.get(place)?.parse::<u64>().ok();
    let status = read("status")?;
    let kb = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Look {
        at_us: now_us(),
        cpu_us: (ticks(11)? + ticks(12)?) * TICK_US,
        peak_kb: kb("VmHWM:")?,
        resident_kb: kb("VmRSS:")?,
        own_kb: kb("RssAnon:")?,
    })
}

/// Runs a command to its end, and looks at it all the while.
pub(crate) fn watched(command: &mut Command) -> Result<(Output, Vec<Look>), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let said = |error: std::io::Error| format!("{program}: {error}");
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(said)?;
    let pid = child.id();
    let collecting = std::thread::spawn(move || child.wait_with_output());
    let mut looks = Vec::new();
    while !collecting.is_finished() {
        looks.extend(look(pid));
        wait();
    }
    let output = collecting.join().map_err(|_| "its reader panicked")?;
    let output = output.map_err(said)?;
    if output.status.success() {
        return Ok((output, looks));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} ended with {}: {said}", output.status))
}

/// Looks at a server while something else runs.
pub(crate) fn beside<T>(
    pid: u32,
    run: impl FnOnce() -> Result<T, String>,
) -> Result<(T, Vec<Look>), String> {
    let (stop, stopped) = channel::<()>();
    let looking = std::thread::spawn(move || {
        let mut looks = Vec::new();
        while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            looks.extend(look(pid));
        }
        looks
    });
    let result = run();
    drop(stop);
    let looks = looking.join().map_err(|_| "a watcher panicked")?;
    Ok((result?, looks))
}

/// Processor time between two moments, microseconds.
pub(crate) fn cpu_between_us(looks: &[Look], from_us: i64, until_us: i64) -> u64 {
    let at = |moment_us: i64| {
        let before = looks.iter().take_while(|look| look.at_us <= moment_us);
        before.last().map_or(0, |look| look.cpu_us)
    };
    at(until_us) - at(from_us)
}

#[expect(clippy::disallowed_methods, reason = "a process is looked at in turns")]
pub(crate) fn wait() {
    std::thread::sleep(LOOK);
}

#[expect(clippy::disallowed_methods, reason = "the one clock of the benchmark")]
pub(crate) fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| {
        i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
    })
}

/// A program that serves; ends with this.
pub(crate) struct Serving(Child);

impl Serving {
    /// Starts it. What it says goes nowhere.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        if let Some(mut notes) = child.stderr.take() {
            // Read on, so that its log never fills the pipe.
            std::thread::spawn(move || notes.read_to_end(&mut Vec::new()));
        }
        Ok(Self(child))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// How it is now.
    pub(crate) fn look(&self) -> Result<Look, String> {
        look(self.0.id()).ok_or_else(|| "the server has ended".to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
