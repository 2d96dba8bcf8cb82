//! The directory of a run, which is gone afterwards, also when the lab is killed.
use super::child::JANITOR;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

/// A directory that a janitor process removes when its standard input ends: with the lab.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    janitor: Child,
    lifeline: Option<ChildStdin>,
}

impl Directory {
    /// A fresh directory.
    pub(super) fn new(helper: &Path) -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix("lab-").tempdir()?;
        let mut janitor = Command::new(helper)
            .arg(JANITOR)
            .arg(made.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // a signal to the lab's group does not reach it
            .spawn()?;
        let lifeline = janitor.stdin.take();
        Ok(Self {
            path: made.keep(),
            janitor,
            lifeline,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.janitor.wait();
    }
}

/// The janitor's life: waits for the end of its input, then removes the directory.
pub(super) fn clear_up(arguments: &[OsString]) -> ExitCode {
    let [directory] = arguments else {
        return ExitCode::from(2);
    };
    let _ = io::stdin().read_to_end(&mut Vec::new());
    match fs::remove_dir_all(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
