//! `lab`: runs a command inside a scenario, and answers questions about scenarios and truths.
use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    match lab::serve_as_helper() {
        Some(code) => code,
        None => cli::main(),
    }
}
