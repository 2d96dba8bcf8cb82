//! The tables of words, metrics and countries: whatever is accepted can be asked.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::country::Country;
use tonle_evidence::words::{Lang, Words};

fuzz_target!(|text: &str| {
    if let Ok(words) = Words::parse(text) {
        let keys: Vec<&str> = words.keys().collect();
        for key in keys {
            let _ = words.fill(Lang::Km, key, &[("n", "1")]);
        }
    }
    if let Ok(catalogue) = Catalogue::parse(text) {
        for (id, _) in catalogue.iter() {
            assert!(catalogue.get(id).is_some());
        }
    }
    let _ = Country::parse(text, text, text);
});
