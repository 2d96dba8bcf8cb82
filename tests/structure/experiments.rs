//! Experiments and metrics: the list is the folder, and what is declared is what is written.
use crate::{files, read, root};
use std::collections::BTreeSet;
use std::path::PathBuf;
use toml::Table;
use tonle_agent::experiments::ALL;

const FOLDER: &str = "agent/src/experiments";
/// What of the folder is no experiment: the contract, and what experiments that transfer share.
const CONTRACT: [&str; 3] = ["bulk", "mod", "run"];

/// (base, experiment) of every declared metric.
fn declared() -> BTreeSet<(String, String)> {
    let catalogue: Table = toml::from_str(&read("configs/metrics.toml")).expect("it is TOML");
    let text = |metric: &toml::Value, field: &str| {
        metric[field]
            .as_str()
            .expect("a metric has its fields")
            .to_owned()
    };
    let metrics = catalogue["metric"].as_array().expect("a list of metrics");
    metrics
        .iter()
        .map(|metric| (text(metric, "base"), text(metric, "experiment")))
        .collect()
}

/// Source files of one experiment, its tests left out.
fn sources_of(name: &str) -> Vec<PathBuf> {
    let folder = root().join(FOLDER).join(name);
    let file = folder.with_extension("rs");
    let is_its = |path: &PathBuf| path.starts_with(&folder) || *path == file;
    files(FOLDER, ".rs")
        .into_iter()
        .filter(|path| is_its(path) && !path.ends_with("tests.rs"))
        .collect()
}

/// Metrics that these sources write, as far as text tells: `"family.name_unit…"`, or a declared
/// `"name_unit"` where an id is put together as `"family.{…}`. (What is not declared at all is
/// refused when a record is built, variants included.)
fn written(sources: &[PathBuf], declared: &BTreeSet<String>) -> BTreeSet<String> {
    let program: String = sources
        .iter()
        .map(|path| {
            read(path)
                .split("#[cfg(test)]")
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    let families: BTreeSet<&str> = declared.iter().map(|base| family(base)).collect();
    let composed: Vec<&str> = families
        .iter()
        .copied()
        .filter(|family| program.contains(&format!("\"{family}.{{")))
        .collect();
    let mut bases = BTreeSet::new();
    for literal in program.split('"').skip(1) {
        let word = leading_word(literal);
        if families.contains(family(&word)) && names_a_unit(&word) {
            bases.insert(word);
            continue;
        }
        let full = composed.iter().map(|family| format!("{family}.{word}"));
        bases.extend(full.filter(|base| declared.contains(base)));
    }
    bases
}

fn family(base: &str) -> &str {
    base.split('.').next().unwrap_or_default()
}

fn names_a_unit(base: &str) -> bool {
    base.contains('.')
        && ["_us", "_bps", "_ppm", "_rpm"]
            .iter()
            .any(|unit| base.ends_with(unit))
}

fn leading_word(text: &str) -> String {
    let is_part = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(*c);
    text.chars().take_while(is_part).collect()
}

#[test]
fn the_list_of_experiments_is_the_folder() {
    let listed: Vec<&str> = ALL
        .iter()
        .map(|experiment| experiment.meta().name)
        .collect();
    let distinct: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(
        listed.len(),
        distinct.len(),
        "a name stands twice in {listed:?}"
    );
    let in_folder: BTreeSet<String> = std::fs::read_dir(root().join(FOLDER))
        .expect("the folder can be listed")
        .map(|entry| entry.expect("a listed entry can be read").path())
        .filter_map(|path| {
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        })
        .filter(|stem| !CONTRACT.contains(&stem.as_str()))
        .collect();
    let in_folder: BTreeSet<&str> = in_folder.iter().map(String::as_str).collect();
    assert_eq!(distinct, in_folder);
}

#[test]
fn every_experiment_says_what_it_is() {
    assert!(!ALL.is_empty());
    for experiment in ALL {
        let meta = experiment.meta();
        assert!(meta.version >= 1, "{}", meta.name);
        assert!(!meta.about.is_empty(), "{}", meta.name);
        assert!(meta.timeout_s > 0, "{}", meta.name);
    }
}

#[test]
fn an_experiment_writes_exactly_the_metrics_declared_for_it() {
    let declared = declared();
    let bases: BTreeSet<String> = declared.iter().map(|(base, _)| base.clone()).collect();
    let mut written_by_all = BTreeSet::new();
    for experiment in ALL {
        let name = experiment.meta().name;
        let sources = sources_of(name);
        assert!(!sources.is_empty(), "{name} has no source in {FOLDER}");
        let its = written(&sources, &bases);
        written_by_all.extend(its.into_iter().map(|base| (base, name.to_owned())));
    }
    assert_eq!(written_by_all, declared);
}

#[test]
fn the_readme_names_every_experiment() {
    let readme = read("README.md");
    for experiment in ALL {
        let name = experiment.meta().name;
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md does not name {name}"
        );
    }
}
