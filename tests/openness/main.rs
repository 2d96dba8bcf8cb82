//! Openness in the lab: what meddles, the agent's real program, the verdict on its record.
//!
//! A room's tests are a list of [`Check`]s; `main` runs them all, several at a time.
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

mod control;
mod network;
mod probes;

/// A test: its name, and what it does.
pub(crate) type Check = (String, Box<dyn FnOnce() -> Result<(), Failed> + Send>);

/// Most scenarios at a time: they wait for most of their time.
const AT_A_TIME: usize = 4;

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (&missing, required) {
        say(&format!("LAB SKIPPED: openness ({why})"));
    }
    let is_ignored = missing.is_some() && !required;
    let rooms = [network::checks(), control::checks(), probes::checks()];
    let checks = rooms.into_iter().flatten();
    let trials = checks.map(|(name, check)| {
        let missing = missing.clone();
        Trial::test(name, move || match missing {
            Some(why) => Err(format!("LAB=require, but {why}").into()),
            None => check(),
        })
        .with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
