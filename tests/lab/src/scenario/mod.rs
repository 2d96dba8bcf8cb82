//! Scenario files: what they may say, reading them, and finding what is wrong with them.
//!
//! Reading has three steps, and each reports everything it finds: the text as TOML, the keys and the
//! forms of their values (`keys`), and then what the parts say of each other (`check`). A file that is
//! included stands behind the file that includes it, as if its text had been written there.
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
use places::{Place, Places};
use std::io::Read;
use std::path::Path;

/// Longest scenario file, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

impl Scenario {
    /// Reads and checks a scenario file.
    pub fn read(path: &Path) -> Result<Self, BadScenario> {
        let origin = path.display().to_string();
        let text = text_of(path).map_err(|why| BadScenario::whole(&origin, why))?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        Self::parse_in(folder, &text, &origin)
    }

    /// Reads and checks the text of a scenario. `origin` names it in messages: a path, as a rule.
    /// What it includes is looked for from the current folder on.
    pub fn parse(text: &str, origin: &str) -> Result<Self, BadScenario> {
        let scenario = Self::parse_in(Path::new("."), text, origin)?;
        Ok(Self {
            folder: std::path::PathBuf::new(),
            ..scenario
        })
    }

    fn parse_in(folder: &Path, text: &str, origin: &str) -> Result<Self, BadScenario> {
        let mut places = Places::new(text);
        let document = table_of(text, &places).map_err(|bad| BadScenario::new(origin, bad))?;
        let mut whole = text.to_owned();
        let named = document.get_ref().get("include");
        if let Some(name) = named.and_then(|name| name.get_ref().as_str()) {
            let (file, included) = included(&folder.join(name), origin)?;
            whole.push('\n');
            places.begin_file(&file, &whole, &included);
            whole.push_str(&included);
        }
        let mut scenario = Self::parse_whole(&whole, &mut places)
            .map_err(|problems| BadScenario::new(origin, problems))?;
        scenario.folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Ok(scenario)
    }

    fn parse_whole(text: &str, places: &mut Places) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let document = table_of(text, places)?;
        form::Walk::new(places, &mut problems).table(&document, keys::SCENARIO, "");
        if !problems.is_empty() {
            return Err(problems);
        }
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| places.at(span.start));
            vec![Problem::new(
                place,
                String::new(),
                error.message().to_owned(),
            )]
        })?;
        check::check(&scenario, places, &mut problems);
        if problems.is_empty() {
            return Ok(scenario);
        }
        Err(problems)
    }
}

/// The name and the text of an included file, whose keys are right: nothing in it may end up in a table
/// of the file before it.
fn included(path: &Path, origin: &str) -> Result<(String, String), BadScenario> {
    let file = path.display().to_string();
    let text = text_of(path).map_err(|why| {
        let what = format!("{file} {why}: a path from this file's folder on is wanted");
        BadScenario::new(origin, vec![Problem::new(None, "include".to_owned(), what)])
    })?;
    let mut places = Places::new(&text);
    let mut problems = Vec::new();
    match table_of(&text, &places) {
        Ok(document) => {
            form::Walk::new(&mut places, &mut problems).table(&document, keys::INCLUDED, "");
        }
        Err(bad) => problems = bad,
    }
    if problems.is_empty() {
        return Ok((file, text));
    }
    Err(BadScenario::new(&file, problems))
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

/// The text as TOML.
fn table_of<'i>(
    text: &'i str,
    places: &Places,
) -> Result<toml::Spanned<toml::de::DeTable<'i>>, Vec<Problem>> {
    let (document, errors) = toml::de::DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(document);
    }
    let problem = |error: &toml::de::Error| {
        let place: Option<Place> = error.span().map(|span| places.at(span.start));
        Problem::new(place, String::new(), error.message().to_owned())
    };
    Err(errors.iter().map(problem).collect())
}
