//! Every file that a person edits reads as what its name says; its own crate checks what it means.
use crate::{files, read};
use std::collections::BTreeSet;

#[test]
fn every_config_is_well_formed() {
    let configs = files("configs", "");
    assert!(configs.len() >= 5, "{} files in configs/", configs.len());
    for path in configs {
        let text = read(&path);
        let kind = path
            .extension()
            .map(|extension| extension.to_string_lossy().into_owned());
        let problem = match kind.as_deref() {
            Some("toml") => toml::from_str::<toml::Table>(&text)
                .err()
                .map(|e| e.to_string()),
            Some("geojson" | "json") => serde_json::from_str::<serde_json::Value>(&text)
                .err()
                .map(|e| e.to_string()),
            Some("service") => unit_problem(&text),
            Some("csv") => None, // read by the parser that programs use, in evidence's tests
            _ => Some("no test knows this kind of file".to_owned()),
        };
        assert_eq!(problem, None, "{}", path.display());
    }
}

/// systemd units: sections, and `Key=value` with no key that takes one value set twice.
fn unit_problem(text: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') {
            line.clone_into(&mut section);
            continue;
        }
        let Some((key, _)) = line.split_once('=') else {
            return Some(format!("'{line}' is not Key=value"));
        };
        if section.is_empty() || !seen.insert(format!("{section}{key}")) {
            return Some(format!("'{key}' is outside a section or set twice"));
        }
    }
    let needed = [
        "[Unit]Description",
        "[Service]ExecStart",
        "[Install]WantedBy",
    ];
    let missing = needed.into_iter().find(|key| !seen.contains(*key));
    missing.map(|key| format!("{key} is missing"))
}
