//! What a person edits: the agent's configuration, resolv.conf, a list of targets.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_agent::config::Config;
use tonle_evidence::targets::TargetFile;

fuzz_target!(|text: &str| {
    if let Ok(config) = toml::from_str::<Config>(text) {
        let _ = config.validate();
    }
    let _ = tonle_net::resolv_conf::parse(text, |_| Some(1));
    let _ = TargetFile::parse(text);
});
