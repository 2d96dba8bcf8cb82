//! Scenario files: what they may say, reading them, and finding what is wrong with them.
//!
//! Reading has three steps, and each reports everything it finds: the text as TOML, the keys and the
//! forms of their values (`keys`), and then what the parts say of each other (`check`).
mod check;
mod form;
mod keys;
pub mod model;
mod places;
mod problem;
#[cfg(test)]
mod tests;

pub use problem::{BadScenario, Problem};

use model::Scenario;
use places::Places;
use std::io::Read;
use std::path::Path;

/// Longest scenario file, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

impl Scenario {
    /// Reads and checks a scenario file.
    pub fn read(path: &Path) -> Result<Self, BadScenario> {
        let origin = path.display().to_string();
        let text = text_of(path).map_err(|why| BadScenario::whole(&origin, why))?;
        let mut scenario = Self::parse(&text, &origin)?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        scenario.folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(scenario)
    }

    /// Reads and checks the text of a scenario. `origin` names it in messages: a path, as a rule.
    pub fn parse(text: &str, origin: &str) -> Result<Self, BadScenario> {
        let mut problems = Vec::new();
        let places = places_of(text, &mut problems);
        if !problems.is_empty() {
            return Err(BadScenario::new(origin, problems));
        }
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| places.line_at(span.start));
            let problem = Problem::new(line, String::new(), error.message().to_owned());
            BadScenario::new(origin, vec![problem])
        })?;
        check::check(&scenario, &places, &mut problems);
        if !problems.is_empty() {
            return Err(BadScenario::new(origin, problems));
        }
        Ok(scenario)
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is longer than {FILE_BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// Checks the text's syntax, keys and forms, and remembers on which line each key stands.
fn places_of(text: &str, problems: &mut Vec<Problem>) -> Places {
    let mut places = Places::new(text);
    let (document, errors) = toml::de::DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map(|span| places.line_at(span.start));
        problems.push(Problem::new(
            line,
            String::new(),
            error.message().to_owned(),
        ));
    }
    if problems.is_empty() {
        form::Walk::new(&mut places, problems).table(&document, keys::SCENARIO, "");
    }
    places
}
