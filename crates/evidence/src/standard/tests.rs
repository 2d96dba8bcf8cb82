//! Rules of the file: what is read, and what is refused with a reason.
use super::*;
use crate::catalogue::Catalogue;
use proptest::prelude::*;

const DOWNLOAD: &str = "throughput.download_bps/ndt7/domestic";

fn catalogue() -> Catalogue {
    Catalogue::parse(include_str!("../../../../configs/metrics.toml")).unwrap()
}

/// A rule of the file, with lines in place of those that begin alike.
fn rule(changes: &[&str]) -> String {
    let lines = [
        "id = 'xx.download'",
        "version = 1",
        "en = 'Download'",
        "km = 'ទាញយក'",
        &format!("metric = '{DOWNLOAD}'"),
        "access = 'mobile'",
        "statistic = 'share'",
        "min_share_permille = 800",
        "op = 'at_least'",
        "threshold = 1_000_000",
        "min_agents = 6",
        "legal_source = 'Order 1, article 2'",
        "valid_from = '2026-01'",
        "status = 'in_force'",
    ];
    let key = |line: &str| line.split('=').next().unwrap().trim().to_owned();
    let mut rule = vec!["[[standard]]".to_owned()];
    let kept = lines
        .iter()
        .filter(|line| !changes.iter().any(|change| key(change) == key(line)));
    rule.extend(kept.map(|line| (*line).to_owned()));
    rule.extend(
        changes
            .iter()
            .filter(|change| !change.ends_with("= none"))
            .map(|change| (*change).to_owned()),
    );
    rule.join("\n") + "\n"
}

fn refused(text: &str) -> String {
    Standards::parse(text, &catalogue())
        .unwrap_err()
        .to_string()
}

#[test]
fn the_countrys_own_rules_are_read_and_none_has_a_threshold_yet() {
    let text = include_str!("../../../../configs/countries/kh/standards.toml");
    let standards = Standards::parse(text, &catalogue()).unwrap();
    assert!(!standards.all.is_empty());
    for standard in &standards.all {
        assert_eq!(standard.status, Status::AwaitingAnnex, "{}", standard.id);
        assert_eq!(standard.threshold, None, "{}", standard.id);
    }
}

#[test]
fn a_rule_is_read_with_its_defaults() {
    let standards = Standards::parse(&rule(&[]), &catalogue()).unwrap();
    let standard = &standards.all[0];
    assert_eq!(standard.confidence_permille, 950);
    assert_eq!(standard.window, Window::All);
    assert_eq!(
        standard.statistic,
        Statistic::Share {
            min_share_permille: 800
        }
    );
    assert_eq!(standard.statistic.min_share_ppm(), Some(800_000));
}

#[test]
fn what_does_not_fit_together_is_refused_with_the_rule_and_the_reason() {
    for (changes, expected) in [
        (&["threshold = none"][..], "in force, and no threshold"),
        (&["status = 'awaiting_annex'"], "the annex is awaited"),
        (&["statistic = 'mean'"], "does not go with"),
        (&["statistic = 'mode'"], "is none of mean"),
        (&["min_share_permille = 1000"], "1 to 999"),
        (&["metric = 'made.up'"], "declared nowhere"),
        (&["min_agents = 4"], "below 5"),
        (&["version = 0"], "version from 1"),
        (&["valid_to = '2025-12'"], "ends before it begins"),
        (&["confidence_permille = 1000"], "500 to 999"),
        (&["legal_source = ''"], "where the rule stands"),
        (&["colour = 'red'"], "colour"),
    ] {
        let error = refused(&rule(changes));
        assert!(error.contains(expected), "{changes:?}: {error}");
    }
}

#[test]
fn two_versions_never_hold_in_one_month() {
    let twice = rule(&[]) + &rule(&["version = 2", "valid_from = '2027-01'"]);
    assert!(refused(&twice).contains("hold in the same months"));
    let ended = rule(&["valid_to = '2026-12'"]) + &rule(&["version = 2", "valid_from = '2027-01'"]);
    let standards = Standards::parse(&ended, &catalogue()).unwrap();
    for (month, version) in [("2026-12", 1), ("2027-01", 2)] {
        let holding: Vec<_> = standards.holding_in(month.parse().unwrap()).collect();
        assert_eq!(holding.len(), 1);
        assert_eq!(holding[0].version, version);
    }
    assert_eq!(standards.holding_in("2025-12".parse().unwrap()).count(), 0);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,300}") {
        let _ = Standards::parse(&text, &catalogue());
    }

    #[test]
    fn no_value_makes_the_reader_panic(key in "[a-z_]{2,20}", value in any::<i64>()) {
        let _ = Standards::parse(&rule(&[&format!("{key} = {value}")]), &catalogue());
    }
}
