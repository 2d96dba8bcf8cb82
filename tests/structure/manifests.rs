//! Manifests: every member keeps the shared lints, and versions stand in one place only.
use crate::{files, read, root};
use std::path::PathBuf;
use toml::{Table, Value};

/// Manifests of the workspace; `fuzz` and the peers are workspaces of their own.
fn manifests() -> Vec<(PathBuf, Table)> {
    let own_workspace = |table: &Table, path: &PathBuf| {
        table.contains_key("workspace") && path != &root().join("Cargo.toml")
    };
    files(".", "Cargo.toml")
        .into_iter()
        .map(|path| {
            let table = toml::from_str(&read(&path)).expect("cargo has read this manifest");
            (path, table)
        })
        .filter(|(path, table)| !own_workspace(table, path))
        .collect()
}

#[test]
fn every_member_keeps_the_shared_lints() {
    let manifests = manifests();
    assert!(manifests.len() >= 8, "{} manifests found", manifests.len());
    for (path, table) in manifests {
        let inherits = table.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(inherits, Some(&Value::Boolean(true)), "{}", path.display());
    }
}

#[test]
fn versions_stand_in_the_workspace_only() {
    for (path, table) in manifests() {
        let targets = table
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flatten();
        let tables = targets
            .filter_map(|(_, target)| target.as_table())
            .chain([&table]);
        for table in tables {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let dependencies = table.get(kind).and_then(Value::as_table);
                for (name, value) in dependencies.into_iter().flatten() {
                    let has_version = value.is_str() || value.get("version").is_some();
                    assert!(
                        !has_version,
                        "{}: {name} has a version of its own",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn every_shared_dependency_is_used_by_a_member() {
    let shared: Table = toml::from_str(&read("Cargo.toml")).expect("cargo has read this manifest");
    let names = shared["workspace"]["dependencies"]
        .as_table()
        .expect("the table is there");
    let manifests = manifests();
    for name in names.keys() {
        let used = manifests.iter().any(|(_, table)| {
            let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
            kinds.iter().any(|kind| {
                table
                    .get(*kind)
                    .is_some_and(|list| list.get(name).is_some())
            })
        });
        assert!(used, "no member uses '{name}'");
    }
}
