//! `lab list` and `lab check`.
use super::{FAILED, MISUSE, complain};
use lab::scenario::model::Scenario;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Each scenario of a folder with its description; 1 when one of them is bad.
#[expect(clippy::print_stdout, reason = "the list is the result")]
pub(super) fn list(dir: &Path) -> ExitCode {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            complain(&format!(
                "read {}: {error}; name the folder with the scenarios",
                dir.display()
            ));
            return ExitCode::from(MISUSE);
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match Scenario::read(&file) {
            Ok(scenario) => println!("{}: {}", file.display(), scenario.description),
            Err(error) => {
                complain(&error);
                code = ExitCode::from(FAILED);
            }
        }
    }
    code
}

/// Every problem of each file; 1 when there is one.
#[expect(clippy::print_stdout, reason = "the verdict is the result")]
pub(super) fn check(files: &[PathBuf]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match Scenario::read(file) {
            Ok(_) => println!("{}: ok", file.display()),
            Err(error) => {
                complain(&error);
                code = ExitCode::from(FAILED);
            }
        }
    }
    code
}
