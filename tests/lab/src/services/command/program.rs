//! A running program with everything it started: one process group, ended as a whole.
use super::output::Tail;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::timeout;

/// Time to end after being asked.
const GRACE: Duration = Duration::from_secs(2);

/// A program that runs.
#[derive(Debug)]
pub(in crate::services) struct Program {
    service: String,
    child: Child,
    /// Of the program, and so of its process group.
    group: Option<Pid>,
    out: Tail,
    err: Tail,
}

impl Program {
    pub(super) fn new(service: String, mut child: Child, ready_line: Option<&str>) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let nothing = || Tail::follow(tokio::io::empty(), None);
        Self {
            group: id.map(Pid::from_raw),
            out: match child.stdout.take() {
                Some(pipe) => Tail::follow(pipe, ready_line),
                None => nothing(),
            },
            err: match child.stderr.take() {
                Some(pipe) => Tail::follow(pipe, ready_line),
                None => nothing(),
            },
            service,
            child,
        }
    }

    pub(in crate::services) fn service(&self) -> &str {
        &self.service
    }

    pub(super) fn tails(&self) -> [Tail; 2] {
        [self.out.clone(), self.err.clone()]
    }

    /// The end of what it wrote, to both pipes.
    pub(in crate::services) fn output(&self) -> String {
        format!("{}{}", self.out.text(), self.err.text())
    }

    /// How it ended, if it has.
    pub(in crate::services) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end; says how, in words.
    pub(super) async fn wait(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Asks the group to end, and kills what is left of it.
    pub(in crate::services) async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let _ = timeout(GRACE, self.child.wait()).await;
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait().await;
        // Its number may be another's from here on.
        self.group = None;
        for tail in [&self.out, &self.err] {
            tail.end(GRACE).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
