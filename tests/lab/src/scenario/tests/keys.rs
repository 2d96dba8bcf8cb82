//! The keys that can be written, held against the model and against the scenario of everything.
use crate::scenario::form::{Form, Key, Walk};
use crate::scenario::keys::SCENARIO;
use crate::scenario::places::Places;
use std::collections::BTreeSet;

/// The paths of all keys, lists without their indices.
fn paths(keys: &[Key], above: &str, found: &mut BTreeSet<String>) {
    for key in keys {
        let path = format!("{above}{}", key.name);
        below(key.form, &format!("{path}."), found);
        found.insert(path);
    }
}

fn below(form: Form, above: &str, found: &mut BTreeSet<String>) {
    match form {
        Form::List(form) => below(*form, above, found),
        Form::Table(keys) | Form::Either(_, keys) => paths(keys, above, found),
        Form::Kinds(kinds) => {
            found.insert(format!("{above}{}", kinds.tag));
            paths(kinds.common, above, found);
            for (_, keys) in kinds.each {
                paths(keys, above, found);
            }
        }
        _ => {}
    }
}

pub(super) fn all_paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    paths(SCENARIO, "", &mut found);
    found
}

#[test]
fn every_field_of_the_model_is_a_key_that_can_be_written() {
    let sources = [
        include_str!("../model/mod.rs"),
        include_str!("../model/link.rs"),
        include_str!("../model/service.rs"),
        include_str!("../model/middlebox.rs"),
    ];
    let known: BTreeSet<String> = all_paths()
        .iter()
        .filter_map(|path| path.rsplit('.').next().map(str::to_owned))
        .collect();
    // Fields with another name in the file, or with none there.
    let renamed = [
        "hosts",
        "changes",
        "services",
        "middleboxes",
        "kind",
        "rule",
        "folder",
    ];
    let mut fields = 0;
    for line in sources.iter().flat_map(|source| source.lines()) {
        let line = line.trim().trim_start_matches("pub ");
        let Some((name, _)) = line
            .strip_suffix(',')
            .and_then(|line| line.split_once(": "))
        else {
            continue;
        };
        fields += 1;
        assert!(known.contains(name) || renamed.contains(&name), "{name}");
    }
    assert!(fields > 60, "{fields} fields found");
}

#[test]
fn the_scenario_of_everything_has_every_key() {
    let text = include_str!("../../../scenarios/everything.toml");
    let mut places = Places::new(text);
    let mut problems = Vec::new();
    let document = toml::de::DeTable::parse(text).unwrap();
    Walk::new(&mut places, &mut problems).table(&document, SCENARIO, "");
    assert_eq!(problems, []);
    let written: BTreeSet<String> = places.keys().map(without_indices).collect();
    let missing: Vec<String> = all_paths()
        .into_iter()
        .filter(|path| {
            !written.contains(path) && !written.contains(&path.replace(".up.", ".down."))
        })
        .filter(|path| !path.starts_with("host.down."))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

fn without_indices(path: &str) -> String {
    let mut depth = 0;
    path.chars()
        .filter(|letter| {
            depth += i32::from(*letter == '[');
            let keep = depth == 0;
            depth -= i32::from(*letter == ']');
            keep
        })
        .collect()
}

/// Every word that a value can be, kinds and actions included.
pub(super) fn all_words() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for key in SCENARIO {
        words(key.form, &mut found);
    }
    found
}

fn words(form: Form, found: &mut BTreeSet<&'static str>) {
    let mut of = |keys: &'static [Key]| {
        for key in keys {
            words(key.form, found);
        }
    };
    match form {
        Form::List(form) => words(*form, found),
        Form::Table(keys) => of(keys),
        Form::Kinds(kinds) => {
            of(kinds.common);
            for (_, keys) in kinds.each {
                of(keys);
            }
            found.extend(kinds.each.iter().map(|(name, _)| *name));
        }
        Form::Word(known) => found.extend(known),
        Form::Either(known, keys) => {
            of(keys);
            found.extend(known);
        }
        _ => {}
    }
}
