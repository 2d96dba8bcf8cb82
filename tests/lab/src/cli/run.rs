//! `lab run`: a scenario with a command in it.
use super::stop::Stop;
use super::{FAILED, MISUSE, complain};
use clap::Args;
use lab::scenario::model::Scenario;
use lab::truth::Selection;
use lab::{Lab, Options};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

/// Bytes of packets that `--pcap` keeps: the last ones of a longer run.
const PCAP_BYTES: usize = 256 * 1024 * 1024;

/// Which scenario, which command, and what to keep.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The scenario file.
    scenario: PathBuf,
    /// The host on which the command runs.
    #[arg(long, default_value = lab::run::CLIENT)]
    on: String,
    /// Writes the packets that the client saw (classic pcap; the last 256 MB).
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Writes what the hub saw, one packet a line (JSON Lines).
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Prints what the hub saw in figures, to standard error.
    #[arg(long)]
    summary: bool,
    /// The command and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Run {
    /// Runs it; the exit code is the command's.
    pub(super) fn run(self) -> ExitCode {
        let scenario = match Scenario::read(&self.scenario) {
            Ok(scenario) => scenario,
            Err(error) => {
                complain(&error);
                return ExitCode::from(MISUSE);
            }
        };
        // Before the first thread: a process with several cannot get a user namespace.
        if let Err(error) = lab::privilege::acquire() {
            complain(&error);
            return ExitCode::from(FAILED);
        }
        match self.run_in(&scenario) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                complain(&format!("{error:#}"));
                ExitCode::from(FAILED)
            }
        }
    }

    fn run_in(&self, scenario: &Scenario) -> anyhow::Result<u8> {
        let stop = Stop::listen()?;
        let options = Options {
            pcap_bytes: if self.pcap.is_some() { PCAP_BYTES } else { 0 },
            ..Options::default()
        };
        let mut lab = Lab::start(scenario, options)?;
        let (program, arguments) = self.command.split_first().expect("clap asks for a command");
        let command = lab.command(&self.on, program)?.args(arguments);
        let mut child = command.spawn()?;
        stop.names(&child);
        let status = child.wait()?;
        let stopped = stop.ended();
        for ended in lab.ended_services() {
            let (service, status) = (ended.service, ended.status);
            complain(&format!("{service} had ended: {status}\n{}", ended.output));
        }
        self.tell(&lab)?;
        Ok(stopped.unwrap_or_else(|| code(status)))
    }

    #[expect(clippy::print_stderr, reason = "standard output is the command's")]
    fn tell(&self, lab: &Lab) -> anyhow::Result<()> {
        if let Some(path) = &self.pcap {
            save(path, |file| lab.write_pcap(file))?;
        }
        if self.truth.is_none() && !self.summary {
            return Ok(());
        }
        let truth = lab.truth();
        if let Some(path) = &self.truth {
            save(path, |file| lab::truth::write(&truth, file))?;
        }
        if self.summary {
            eprint!("{}", truth.summary(&Selection::default()));
        }
        Ok(())
    }
}

fn save(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let written = File::create(path).and_then(|file| write(&mut BufWriter::new(file)));
    written.map_err(|error| anyhow::anyhow!("write {}: {error}", path.display()))
}

fn code(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(FAILED)
}
