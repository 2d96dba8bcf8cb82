//! What a responsiveness server tells its clients.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_wire::responsiveness::Config;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = Config::parse(bytes) {
        assert_eq!(config.small.host_str(), config.large.host_str());
        assert_eq!(config.small.host_str(), config.upload.host_str());
        assert!(!config.host().is_empty());
    }
});
