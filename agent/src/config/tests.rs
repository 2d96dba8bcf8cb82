//! What a configuration accepts, and that the sample is one.
use super::*;
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../../../configs/agent.toml");

/// The sample with every commented-out setting switched on.
fn sample_with_everything() -> String {
    let switched_on = |line: &str| match line.strip_prefix("#") {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => {
            setting.to_owned()
        }
        _ => line.to_owned(),
    };
    SAMPLE
        .lines()
        .map(switched_on)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_sample_says_the_defaults() {
    let sample = Config::parse(SAMPLE).unwrap();
    sample.validate().unwrap();
    let as_installed = Config {
        data_dir: "/var/lib/tonle/tonle-agent-data".into(),
        ..Config::default()
    };
    assert_eq!(sample, as_installed);
}

#[test]
fn the_sample_shows_every_setting() {
    let table: toml::Table = toml::from_str(&sample_with_everything()).unwrap();
    Config::parse(&sample_with_everything()).unwrap();
    let shown = table.len();
    let fields = format!("{:#?}", Config::default())
        .lines()
        .filter(|line| {
            line.starts_with("    ") && !line.starts_with("     ") && line.contains(": ")
        })
        .count();
    // The seat is no setting: the program says what it is.
    assert_eq!(shown, fields - 1);
}

#[test]
fn every_problem_is_reported_at_once() {
    let config = Config {
        run_max_bytes: Some(0),
        interval_s: 1,
        province: Some("Phnom Penh".into()),
        experiments: Some(vec!["speed".into()]),
        throughput_server: Some("http://x/".into()),
        targets: Some("/nowhere/targets.csv".into()),
        quiet_from_hour: Some(22),
        plan_upload_bps: Some(-1),
        spool_max_bytes: 1,
        ..Config::default()
    };
    let message = config.validate().unwrap_err().to_string();
    for name in [
        "run_max_bytes",
        "interval_s",
        "province",
        "experiments",
        "throughput_server",
        "targets",
        "quiet_from_hour",
        "plan_upload_bps",
        "spool_max_bytes",
    ] {
        assert!(message.contains(&format!("`{name}`")), "{name}: {message}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = Config::parse("interval_s = 600\nprovnce = \"KH-1\"").unwrap_err();
    assert!(error.to_string().contains("provnce"), "{error}");
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = Config::read(Path::new("/nowhere/agent.toml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/agent.toml"), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        if let Ok(config) = Config::parse(&text) {
            let _ = config.validate();
        }
        let _ = is_province_code(&text);
    }
}
