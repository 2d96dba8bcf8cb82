//! How programs are started so that none outlives the lab, whatever happens to it.
//!
//! Between the lab and a program stand two small processes, both this binary again: a watcher,
//! which dies with the lab's thread (`PR_SET_PDEATHSIG`), and process 1 of a new process namespace,
//! which dies with the watcher. When it ends, the kernel kills all that the program has started
//! (`pid_namespaces(7)`). Signals to the watcher reach the program; its exit code comes back, 128 and
//! the signal's number where a signal ended it.
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

/// First argument of the watcher.
const WATCHER: &str = "__watcher";
/// First argument of process 1.
const FIRST: &str = "__first";
/// First argument of the process that clears up, see [`super::directory`].
pub(super) const JANITOR: &str = "__janitor";

/// As a shell has it: the program cannot be run, or was not found.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;
const KILLED_BASE: i32 = 128;

/// Does the work of a helper process, if this process was started as one. Every program that starts
/// a [`super::Lab`] calls this first in its `main`, and ends with the code if there is one.
#[must_use]
pub fn serve_as_helper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let role = arguments.next()?;
    let rest: Vec<OsString> = arguments.collect();
    match role.to_str()? {
        WATCHER => Some(watch(&rest)),
        FIRST => Some(be_first(&rest)),
        JANITOR => Some(super::directory::clear_up(&rest)),
        _ => None,
    }
}

/// What stands before a program and its arguments so that it is watched; `helper` is a program that
/// calls [`serve_as_helper`].
pub(super) fn wrapper(helper: &Path) -> Vec<OsString> {
    let lab = std::process::id().to_string();
    vec![helper.into(), WATCHER.into(), lab.into()]
}

fn watch(arguments: &[OsString]) -> ExitCode {
    let Some((lab, program)) = arguments.split_first() else {
        return complaint("the watcher is started by the lab only", 2);
    };
    let die_with_lab = set_pdeathsig(Signal::SIGKILL);
    // The lab may have ended before it was asked for.
    if die_with_lab.is_err() || Some(getppid().to_string().as_str()) != lab.to_str() {
        return ExitCode::FAILURE;
    }
    if let Err(error) = unshare(CloneFlags::CLONE_NEWPID) {
        return complaint(&format!("make a process namespace: {error}"), CANNOT_RUN);
    }
    let helper = match std::env::current_exe() {
        Ok(helper) => helper,
        Err(error) => return complaint(&format!("find the lab's program: {error}"), CANNOT_RUN),
    };
    let mut command = Command::new(helper);
    command.arg(FIRST).args(program);
    supervise(&mut command, "the lab's helper")
}

fn be_first(program: &[OsString]) -> ExitCode {
    let Some((name, arguments)) = program.split_first() else {
        return complaint("no command to run", 2);
    };
    if let Err(error) = set_pdeathsig(Signal::SIGKILL) {
        return complaint(&format!("tie the command to the lab: {error}"), CANNOT_RUN);
    }
    // Where a container forbids it, the machine's own /proc stays: numbers differ, no more.
    let _ = own_proc();
    supervise(Command::new(name).args(arguments), &name.to_string_lossy())
}

/// /proc with the numbers of this process namespace.
fn own_proc() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>)
}

/// Starts a program, passes signals on to it, and returns its code when it has ended.
fn supervise(command: &mut Command, name: &str) -> ExitCode {
    // From a terminal, the program gets SIGINT and its like itself.
    let mut signals = SigSet::empty();
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGCHLD,
    ] {
        signals.add(signal);
    }
    if let Err(error) = signals.thread_block() {
        return complaint(&format!("block signals: {error}"), CANNOT_RUN);
    }
    let child = match command.spawn() {
        Ok(child) => Pid::from_raw(child.id().cast_signed()),
        Err(error) => {
            let code = match error.kind() {
                io::ErrorKind::NotFound => NOT_FOUND,
                _ => CANNOT_RUN,
            };
            return complaint(&format!("start {name}: {error}"), code);
        }
    };
    loop {
        match signals.wait() {
            Ok(Signal::SIGTERM) => {
                let _ = kill(child, Signal::SIGTERM);
            }
            Ok(Signal::SIGCHLD) => {
                if let Some(code) = reap(child) {
                    return code;
                }
            }
            _ => {}
        }
    }
}

/// Collects all that has ended; the code of `child`, if it is among them.
fn reap(child: Pid) -> Option<ExitCode> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                code = Some(KILLED_BASE + signal as i32);
            }
            Ok(WaitStatus::StillAlive) | Err(_) => break,
            Ok(_) => {}
        }
    }
    code.map(|code| u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[expect(clippy::print_stderr, reason = "a helper process has no other voice")]
fn complaint(what: &str, code: u8) -> ExitCode {
    eprintln!("lab: {what}");
    ExitCode::from(code)
}
