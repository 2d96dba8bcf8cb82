//! The dashboards and alert rules that are shipped ask only for metrics that are exported.
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tonle_collector::metrics;

/// What Prometheus adds to the name of a histogram.
const HISTOGRAM_SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Every expression of a file: (where it stands, the expression).
fn expressions() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/grafana");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is in the repository") {
        let path = entry.expect("a readable folder").path();
        let text = fs::read_to_string(&path).expect("a text file");
        let name = path.display().to_string();
        let mut expressions = Vec::new();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let board: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
            of_json(&board, &mut expressions);
        } else {
            let lines = text.lines().map(str::trim);
            expressions.extend(
                lines
                    .filter_map(|line| line.strip_prefix("expr: "))
                    .map(str::to_owned),
            );
        }
        assert!(!expressions.is_empty(), "{name} asks for nothing");
        found.extend(
            expressions
                .into_iter()
                .map(|expression| (name.clone(), expression)),
        );
    }
    found
}

/// Expressions of panels and queries of variables.
fn of_json(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner.as_str() {
                    Some(text) if key == "expr" => found.push(text.to_owned()),
                    Some(text) if text.starts_with("label_values(") => found.push(text.to_owned()),
                    _ => of_json(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| of_json(item, found)),
        _ => {}
    }
}

fn metrics_in(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("tonle_"))
}

/// The exported metric behind a name of an expression.
fn exported(name: &str) -> Option<&'static str> {
    metrics::names().find(|known| {
        let rest = name.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || HISTOGRAM_SUFFIXES.contains(&rest))
    })
}

#[test]
fn every_expression_asks_for_exported_metrics() {
    for (file, expression) in expressions() {
        let mut asked = 0;
        for name in metrics_in(&expression) {
            assert!(exported(name).is_some(), "{file}: {name} is not exported");
            asked += 1;
        }
        assert!(
            asked > 0,
            "{file}: '{expression}' asks for no metric of ours"
        );
    }
}

#[test]
fn every_exported_metric_is_looked_at_somewhere() {
    let expressions = expressions();
    let asked: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|(_, expression)| metrics_in(expression))
        .filter_map(exported)
        .collect();
    let unseen: Vec<&str> = metrics::names()
        .filter(|name| !asked.contains(name))
        .collect();
    assert!(
        unseen.is_empty(),
        "exported, on no dashboard and in no alert: {unseen:?}"
    );
}
