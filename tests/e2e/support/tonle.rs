//! Running the real binary.
use std::process::{Child, Command, Output, Stdio};

/// The binary under test, with nothing of the caller's environment that could change its answer.
pub(crate) fn tonle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tonle"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

/// Runs to the end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    tonle(arguments).output().unwrap()
}

/// Runs to the end, which must be a success, and returns standard output.
#[track_caller]
pub(crate) fn run_ok(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(
        output.status.success(),
        "tonle {arguments:?} failed:\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Bytes as text for messages and searches.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A child that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Sends SIGKILL: no destructor, no flush, as at a power cut of the process.
    pub(crate) fn kill(&mut self) {
        // Already gone is as good as killed.
        drop(self.0.kill());
        self.0.wait().unwrap();
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
