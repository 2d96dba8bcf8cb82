//! Who may import whom, from `cargo metadata`; and what the agent's tree must not hold.
use crate::cargo;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every edge between our packages. Nothing else is allowed, and nothing here is unused.
const EDGES: &[(&str, &[&str])] = &[
    ("tonle-evidence", &[]),
    ("tonle-wire", &[]),
    ("tonle-net", &["tonle-evidence", "tonle-wire"]),
    (
        "tonle-agent",
        &["tonle-evidence", "tonle-net", "tonle-wire"],
    ),
    ("tonle-dashboards", &["tonle-evidence"]),
    (
        "tonle-collector",
        &[
            "tonle-dashboards",
            "tonle-evidence",
            "tonle-net",
            "tonle-wire",
        ],
    ),
    ("tonle-verify", &["tonle-evidence"]),
    ("lab", &[]),
    ("tonle", &["tonle-agent", "tonle-collector", "tonle-verify"]),
];

/// What a volunteer's device must not carry: a web server, a database, columns, a second TLS.
const NOT_IN_THE_AGENT: &[&str] = &[
    "arrow",
    "askama",
    "aws-lc-rs",
    "aws-lc-sys",
    "axum",
    "libsqlite3-sys",
    "native-tls",
    "openssl-sys",
    "parquet",
    "rusqlite",
    "utoipa",
];

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Our packages with those of ours that they depend on: (in the program, in tests only).
fn edges() -> (Edges, Edges) {
    let text = cargo(&[
        "metadata",
        "--no-deps",
        "--offline",
        "--locked",
        "--format-version",
        "1",
    ]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo metadata prints JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("metadata has packages");
    let name = |value: &Value| {
        value["name"]
            .as_str()
            .expect("a package has a name")
            .to_owned()
    };
    let members: BTreeSet<String> = packages.iter().map(name).collect();
    let mut edges = (Edges::new(), Edges::new());
    for package in packages {
        let from = name(package);
        edges.0.entry(from.clone()).or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = name(dependency);
            let side = if dependency["kind"] == "dev" {
                &mut edges.1
            } else {
                &mut edges.0
            };
            if members.contains(&to) {
                side.entry(from.clone()).or_default().insert(to);
            }
        }
    }
    edges
}

#[test]
fn packages_import_exactly_whom_the_design_says() {
    let words = |list: &[&str]| {
        list.iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    let expected: Edges = EDGES
        .iter()
        .map(|(from, to)| ((*from).to_owned(), words(to)))
        .collect();
    assert_eq!(edges().0, expected);
}

#[test]
fn tests_import_only_what_their_package_already_stands_on() {
    let (program, tests) = edges();
    for (from, imported) in &tests {
        let mut reachable = BTreeSet::from([from.clone()]);
        let mut open = vec![from.clone()];
        while let Some(next) = open.pop() {
            let new = program[&next]
                .iter()
                .filter(|to| reachable.insert((*to).clone()));
            open.extend(new.cloned());
        }
        if from == "tonle" {
            reachable.insert("lab".to_owned()); // the end-to-end tests run in the lab
        }
        let foreign: Vec<_> = imported.difference(&reachable).collect();
        assert!(foreign.is_empty(), "the tests of {from} import {foreign:?}");
    }
}

#[test]
fn the_agent_stays_light() {
    let tree = cargo(&[
        "tree",
        "-p",
        "tonle-agent",
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--offline",
        "--locked",
    ]);
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains("tokio"), "the tree was not read: {tree}");
    let heavy: Vec<_> = NOT_IN_THE_AGENT
        .iter()
        .filter(|name| names.contains(**name))
        .collect();
    assert!(heavy.is_empty(), "the agent carries {heavy:?}");
}
