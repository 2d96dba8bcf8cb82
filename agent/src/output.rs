//! The only printer: results to standard output, questions and progress to standard error.
#![expect(clippy::print_stderr, reason = "this file is where the agent prints")]
use crate::device::{RecordSummary, RoundObserver, Skipped};
use crate::experiments::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

/// A line of a result.
pub fn line(text: &str) {
    // A reader that closed the pipe (`| head`) wants no more: nothing is lost by not telling it.
    let _ = writeln!(io::stdout(), "{text}");
}

/// A result for machines, on one line.
pub fn json<T: Serialize>(value: &T) {
    let text = serde_json::to_string(value).expect("results are plain values");
    line(&text);
}

/// A word to the person, beside the results.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Why it did not work, with every cause that the message does not name already.
pub fn error(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    eprintln!("error: {text}");
}

/// Whether somebody can be asked.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks; the answer without its newline, `None` at the end of input.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    eprint!("{question}");
    io::stderr().flush()?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer)?;
    Ok((read > 0).then(|| answer.trim().to_owned()))
}

/// A bar over the jobs of a round, on standard error.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Hidden when standard error is no terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}")
            .expect("the template is a constant that a test draws");
        bar.set_style(style);
        Self { bar }
    }

    /// Shows that `done` of `all` of something are done.
    pub fn at(&self, what: &str, done: u64, all: u64) {
        self.bar.set_length(all);
        self.bar.set_position(done);
        self.bar.set_message(what.to_owned());
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl RoundObserver for Bar {
    fn began(&self, jobs: usize) {
        self.bar.set_length(jobs as u64);
    }

    fn started(&self, experiment: &str, target: &str) {
        self.bar.set_message(format!("{experiment} {target}"));
    }

    fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        Arc::new(move |_, _| bar.tick())
    }

    fn recorded(&self, _: &RecordSummary) {
        self.bar.inc(1);
    }

    fn skipped(&self, _: &Skipped) {
        self.bar.inc(1);
    }
}
