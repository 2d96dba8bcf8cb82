//! Openness in the lab: what meddles, the agent's real program, the verdict on its record.
//!
//! With `--scenarios FILE` what comes of each situation is written there, with `--matrix FILE` a table of
//! what the network did against what was said of it, at other addresses, delays and seeds as well.
//!
//! A room's tests are a list of [`Check`]s; `main` runs them all, several at a time.
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::process::ExitCode;

mod control;
mod matrix;
mod network;
mod planted;
mod pool;
mod probes;
mod report;
mod scenarios;
mod situations;
mod table;
mod vary;
mod world;

/// A test: its name, and what it does.
pub(crate) type Check = (String, Box<dyn FnOnce() -> Result<(), Failed> + Send>);

/// Most scenarios at a time: they wait for most of their time, and some are timed.
const AT_A_TIME: usize = 4;
/// At how many places each situation is visited for the matrix.
const PLACES: u64 = 4;

fn main() -> ExitCode {
    if let Some(code) = lab::serve_as_helper() {
        return code;
    }
    let missing = lab::privilege::acquire().err().map(|why| why.to_string());
    if let Some(code) = command(missing.as_deref()) {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let required = std::env::var_os("LAB").is_some_and(|value| value == "require");
    if let (Some(why), false) = (&missing, required) {
        say(&format!("LAB SKIPPED: openness ({why})"));
    }
    let is_ignored = missing.is_some() && !required;
    let rooms = [
        // The longest one first.
        planted::checks(),
        network::checks(),
        control::checks(),
        probes::checks(),
        scenarios::checks(),
    ];
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

/// Writes a table, if that is what was asked for: 1 when something is not as it should be.
fn command(missing: Option<&str>) -> Option<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    let file = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag)?;
        Some(PathBuf::from(arguments.get(place + 1)?))
    };
    let places = || {
        let Some(place) = arguments.iter().position(|one| one == "--places") else {
            return Ok(PLACES);
        };
        let count = arguments
            .get(place + 1)
            .and_then(|count| count.parse().ok());
        count.ok_or("--places wants a number".to_owned())
    };
    let (scenarios, matrix) = (file("--scenarios"), file("--matrix"));
    let path = scenarios.as_ref().or(matrix.as_ref())?;
    let wrong = match (missing, &scenarios) {
        (Some(why), _) => Err(why.to_owned()),
        (None, Some(_)) => report::write(path),
        (None, None) => places().and_then(|places| matrix::write(path, places)),
    };
    Some(match wrong {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            say(&format!(
                "{wrong} are not as they should be: see {}",
                path.display()
            ));
            ExitCode::FAILURE
        }
        Err(why) => {
            say(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    })
}

#[expect(clippy::print_stderr, reason = "what is ignored is said aloud")]
fn say(text: &str) {
    eprintln!("{text}");
}
