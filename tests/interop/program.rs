//! A program that serves for the time of one test.
use libtest_mimic::Failed;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running program; ends with the test.
pub(crate) struct Program(Child);

impl Program {
    /// Starts one and waits until it says this on standard error; also what it says behind it.
    pub(crate) fn start(mut command: Command, says: &str) -> Result<(Self, String), Failed> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let notes = child.stderr.take().ok_or("standard error is piped")?;
        let program = Self(child);
        let mut lines = BufReader::new(notes).lines().map_while(Result::ok);
        let said = lines.find_map(|line| Some(line.split_once(says)?.1.trim().to_owned()));
        // Read on, so that its log never fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let said = said.ok_or_else(|| format!("{command:?} ended before it was up"))?;
        Ok((program, said))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end, which must be a success, and returns standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failed> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}: {said}", output.status).into())
}
