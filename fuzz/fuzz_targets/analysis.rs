//! Both layers of verdicts over any measurement or record; what is exported of a record reads back.
#![no_main]
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tonle_collector::analysis::web::{Facts, Fingerprints, ooni, tonle};
use tonle_collector::ooni::{accept, export, scan};
use tonle_evidence::country::Country;
use tonle_evidence::hash::Hash;
use tonle_evidence::record::Public;
use tonle_evidence::strict_json;
use tonle_wire::ooni::Measurement;

static PRINTS: LazyLock<Fingerprints> = LazyLock::new(|| {
    let blocking = include_str!("../../configs/fingerprints/blocking.toml");
    let server_side = include_str!("../../configs/fingerprints/server-side.toml");
    Fingerprints::parse(blocking, server_side).expect("a test parses them")
});

static COUNTRY: LazyLock<Country> = LazyLock::new(|| {
    let country = include_str!("../../configs/countries/kh/country.toml");
    let operators = include_str!("../../configs/countries/kh/operators.toml");
    let provinces = include_str!("../../configs/countries/kh/provinces.geojson");
    Country::parse(country, operators, provinces).expect("a test parses them")
});

fuzz_target!(|json: &[u8]| {
    if let Ok(measurement) = Measurement::parse(json) {
        judge(&Facts::from_ooni(&measurement));
        let _ = scan::scan(json);
    }
    let Ok(public) = strict_json::parse_as::<Public>(json) else {
        return;
    };
    judge(&Facts::from_record(&public, None));
    let written = export::measurement(&public, &Hash::ZERO, Some(1), &COUNTRY).to_string();
    let read = accept::read(written.as_bytes()).expect("what we write is a measurement");
    judge(&Facts::from_ooni(&read));
});

/// Every verdict can be written, and says where its evidence stands.
fn judge(facts: &Facts) {
    let _ = serde_json::to_string(&ooni::keys(facts)).expect("keys are JSON");
    let _ = serde_json::to_string(&tonle::verdict(facts, &PRINTS)).expect("verdicts are JSON");
}
