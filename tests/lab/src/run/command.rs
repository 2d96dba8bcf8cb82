//! A command on a host: like [`std::process::Command`], started on the host's thread.
use super::environment;
use crate::netns::Namespace;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

/// A command that will run in a host's namespaces.
#[derive(Debug)]
pub struct HostCommand<'a> {
    namespace: &'a Namespace,
    command: Command,
}

impl<'a> HostCommand<'a> {
    pub(super) fn new(namespace: &'a Namespace, wrapper: &[OsString], program: &OsStr) -> Self {
        let (first, rest) = wrapper.split_first().expect("the wrapper names the helper");
        let mut command = Command::new(first);
        command.args(rest).arg(program);
        for name in environment::UNSET {
            command.env_remove(name);
        }
        Self { namespace, command }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Anything else that [`Command`] can be told: environment, directory, standard streams.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Command)) -> Self {
        change(&mut self.command);
        self
    }

    /// Starts it. The child is the command's watcher: its exit code is the command's (128 and the
    /// number of the signal that ended it), SIGTERM to it reaches the command, and killing it kills
    /// the command with everything it has started.
    pub fn spawn(self) -> io::Result<Child> {
        let mut command = self.command;
        self.namespace.run(async move { command.spawn() })?
    }

    /// Runs it to its end, with this program's standard streams.
    pub fn status(self) -> io::Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Runs it to its end and collects what it writes.
    pub fn output(self) -> io::Result<Output> {
        let piped = self.configure(|command| {
            command.stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        piped.spawn()?.wait_with_output()
    }
}
