//! Being told to stop, by SIGINT, SIGTERM or SIGHUP.
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a command may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);
/// As a shell has it.
const KILLED_BASE: u8 = 128;

/// What is known of the command and of a signal to stop it.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    command: Option<Pid>,
    signal: Option<Signal>,
}

impl Stop {
    /// Listens from now on. Before any other thread is started: they must not get the signals.
    pub(super) fn listen() -> nix::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.add(Signal::SIGTERM);
        signals.add(Signal::SIGHUP);
        signals.thread_block()?;
        let stop = Self::default();
        let heard = stop.clone();
        std::thread::spawn(move || {
            while let Ok(signal) = signals.wait() {
                heard.hear(signal);
            }
        });
        Ok(stop)
    }

    /// Names the command that a signal ends; at once, if there was one.
    pub(super) fn names(&self, command: &Child) {
        let pid = Pid::from_raw(command.id().cast_signed());
        self.with(|state| {
            state.command = Some(pid);
            if state.signal.is_some() {
                let _ = kill(pid, Signal::SIGTERM);
            }
        });
    }

    /// The command has ended: its number may be another's now. The code of the signal, if there
    /// was one.
    pub(super) fn ended(&self) -> Option<u8> {
        self.with(|state| {
            state.command = None;
            state.signal.map(code)
        })
    }

    fn hear(&self, signal: Signal) {
        let command = self.with(|state| {
            state.signal = Some(signal);
            state.command
        });
        let Some(command) = command else {
            return;
        };
        let _ = kill(command, Signal::SIGTERM);
        let patient = self.clone();
        std::thread::spawn(move || {
            std::thread::park_timeout(GRACE);
            patient.with(|state| {
                if state.command == Some(command) {
                    let _ = kill(command, Signal::SIGKILL);
                }
            });
        });
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn code(signal: Signal) -> u8 {
    KILLED_BASE + u8::try_from(signal as i32).unwrap_or(0)
}
