//! The table of strings and the code that uses it name the same keys.
use super::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tonle_evidence::entry::Mark;
use tonle_evidence::record::{LimitedBy, Outcome};
use tonle_evidence::statement::Access;

/// Families of keys that the pages own; other programs own the others.
const FAMILIES: [&str; 10] = [
    "page",
    "state",
    "access",
    "variant",
    "experiment",
    "outcome",
    "limit",
    "note",
    "month",
    "failure",
];

const MARKS: [Mark; 6] = [
    Mark::Late,
    Mark::Future,
    Mark::Equivocation,
    Mark::NewerVersion,
    Mark::UnknownKind,
    Mark::Implausible,
];

/// Reasons that the collector gives beside the marks; a test of the collector compares them with
/// its own.
const NOT_COUNTED: [&str; 6] = [
    "not_signed",
    "unreadable",
    "other_country",
    "unknown_province",
    "unconfirmed_province",
    "clock_not_known",
];

/// Words that stand in records or in the catalogue and get a key of their own.
fn keys_of_records() -> BTreeSet<String> {
    let outcomes = Outcome::ALL.iter().map(|word| format!("outcome.{word}"));
    let limits = LimitedBy::ALL
        .iter()
        .filter(|word| !matches!(word, LimitedBy::Line | LimitedBy::Unknown))
        .map(|word| format!("limit.{word}"));
    let marks = MARKS.iter().map(|mark| format!("note.{mark}"));
    let reasons = NOT_COUNTED.map(|reason| format!("note.{reason}"));
    let access = Access::ALL
        .iter()
        .map(|access| format!("access.{}", access.as_str()));
    let months = (1..=12).map(|month| format!("month.{month}"));
    let failures = Failure::all_named();
    let failures = failures.iter().map(|named| format!("failure.{named}"));
    outcomes
        .chain(limits)
        .chain(marks)
        .chain(reasons)
        .chain(access)
        .chain(months)
        .chain(failures)
        .collect()
}

/// Words of the catalogue of metrics: variants and experiments.
fn keys_of_catalogue() -> BTreeSet<String> {
    let catalogue = crate::fixtures::catalogue();
    let mut keys = BTreeSet::new();
    for metric in catalogue.metrics() {
        keys.insert(format!("experiment.{}", metric.experiment));
        let variants = metric.variants.iter().flatten();
        keys.extend(variants.map(|word| format!("variant.{word}")));
    }
    keys
}

/// Every `"family.word"` in the sources and templates of this crate.
fn keys_in_sources() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut keys = BTreeSet::new();
    for folder in ["src", "src/charts", "templates"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = fs::read_to_string(path).unwrap();
                keys.extend(
                    text.split('"')
                        .filter(|part| is_key(part))
                        .map(str::to_owned),
                );
            }
        }
    }
    keys
}

fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.split_once('.').is_some_and(|(family, word)| {
        FAMILIES.contains(&family) && !word.is_empty() && word.bytes().all(plain)
    })
}

fn of_the_pages(key: &str) -> bool {
    let family = key.split('.').next().unwrap_or_default();
    FAMILIES.contains(&family)
}

fn keys_used() -> BTreeSet<String> {
    let mut keys = keys_in_sources();
    keys.extend(keys_of_records());
    keys.extend(keys_of_catalogue());
    // These have observations and no metric.
    keys.extend(
        [
            "path",
            "sni",
            "ech",
            "quic",
            "services",
            "dns_integrity",
            "interference",
            "localisation",
        ]
        .map(|name| format!("experiment.{name}")),
    );
    keys
}

#[test]
fn every_key_that_is_used_stands_in_the_table() {
    let missing: Vec<String> = keys_used()
        .into_iter()
        .filter(|key| !WORDS.contains(key))
        .collect();
    assert!(missing.is_empty(), "not in words.toml: {missing:?}");
}

#[test]
fn every_key_of_the_table_is_used() {
    let used = keys_used();
    let unused: Vec<&str> = WORDS
        .keys()
        .filter(|key| of_the_pages(key))
        .filter(|key| !used.contains(*key))
        .collect();
    assert!(unused.is_empty(), "in words.toml but unused: {unused:?}");
}

#[test]
fn both_languages_fill_in_the_same_names() {
    for key in WORDS.keys() {
        let names = |lang| -> BTreeSet<String> {
            let text = WORDS.get(lang, key);
            let parts = text.split('{').skip(1);
            parts
                .filter_map(|part| part.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        assert_eq!(names(Lang::En), names(Lang::Km), "{key}");
    }
}

#[test]
fn khmer_text_has_latin_digits() {
    for key in WORDS.keys().filter(|key| of_the_pages(key)) {
        let text = WORDS.get(Lang::Km, key);
        let khmer_digit = text.chars().any(|c| ('\u{17e0}'..='\u{17e9}').contains(&c));
        assert!(!khmer_digit, "{key}");
    }
}

#[test]
fn months_read_as_the_language_writes_them() {
    let month: LocalMonth = "2026-11".parse().unwrap();
    assert_eq!(Text::new(Lang::En).month(month), "November 2026");
    assert_eq!(Text::new(Lang::Km).month(month), "វិច្ឆិកា 2026");
}

#[test]
fn a_word_of_a_newer_agent_is_shown_as_it_came() {
    assert_eq!(Text::new(Lang::En).known("variant", "quic"), "quic");
}
