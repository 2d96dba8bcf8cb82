//! The scenarios that people start from, and the document of the format.
use super::keys::{all_paths, all_words};
use crate::scenario::model::Scenario;
use std::path::{Path, PathBuf};

/// Folders of files that others include.
const PARTS: &str = "parts";

fn scenarios() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                files.push(path);
            } else if !path.ends_with(PARTS) {
                folders.push(path);
            }
        }
    }
    files.sort();
    files
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_scenario_can_be_read_and_says_first_what_it_is_for() {
    let files = scenarios();
    assert!(files.len() >= 16, "{} scenarios", files.len());
    for path in files {
        let scenario = Scenario::read(&path).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(Some(scenario.folder.as_path()), path.parent());
        assert!(!scenario.description.is_empty());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{}", path.display());
    }
}

#[test]
fn scenarios_with_interference_differ_from_their_clean_twin_in_nothing_else() {
    let read = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        Scenario::read(&folder.join(name)).unwrap()
    };
    let clean = read("clean.toml");
    assert!(clean.middleboxes.is_empty());
    for name in [
        "blocked-dns.toml",
        "blocked-dns-race.toml",
        "blocked-sni-reset.toml",
        "blocked-sni-drop.toml",
        "block-page.toml",
        "throttled-sni.toml",
        "quic-dropped.toml",
    ] {
        let twin = read(name);
        assert_eq!(twin.middleboxes.len(), 1, "{name}");
        for host in &clean.hosts {
            assert!(twin.hosts.contains(host), "{name}: {}", host.name);
        }
        for service in &clean.services {
            assert!(twin.services.contains(service), "{name}: {service:?}");
        }
    }
}

#[test]
fn every_key_and_every_word_stands_in_the_document() {
    let text = document();
    let is_named = |word: &str| {
        [
            format!("`{word}`"),
            format!("`[[{word}]]`"),
            format!("`\"{word}\"`"),
            format!("`{{ {word} = "),
        ]
        .iter()
        .any(|form| text.contains(form))
    };
    let paths = all_paths();
    let leaves = paths.iter().filter_map(|path| path.rsplit('.').next());
    let inner = ["enter_permille", "leave_permille", "loss_permille", "by_ms"];
    let known = ["[[host.change]]", "[[service.page]]"];
    for word in leaves.chain(all_words()) {
        let in_braces = inner.contains(&word) && text.contains(word);
        let as_table = known.iter().any(|table| {
            table.ends_with(&format!(".{word}]]")) && text.contains(&format!("`{table}`"))
        });
        assert!(is_named(word) || in_braces || as_table, "{word}");
    }
}

#[test]
fn every_example_in_the_document_is_a_scenario() {
    let text = document();
    let blocks = text.split("```toml\n").skip(1);
    let examples: Vec<&str> = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(examples.len() >= 9, "{} examples", examples.len());
    let (first, rest) = examples.split_first().unwrap();
    Scenario::parse(first, "first example").unwrap_or_else(|bad| panic!("{bad}"));
    for example in rest {
        let text = format!("{first}\n{example}");
        Scenario::parse(&text, "example").unwrap_or_else(|bad| panic!("{bad}\n{example}"));
    }
}
