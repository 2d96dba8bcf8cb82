//! A DNS reply from a resolver that may be hostile: read against our own question.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_net::dns::{QueryType, Question};

/// The id of the question; inputs that begin with it get past the first check.
const ID: u16 = 0x1234;

fuzz_target!(|bytes: &[u8]| {
    for query_type in [QueryType::A, QueryType::Aaaa] {
        let question = Question::new("www.example.org", query_type, ID).expect("a valid name");
        let _ = question.read(bytes);
        let with_id: Vec<u8> = ID.to_be_bytes().iter().chain(bytes).copied().collect();
        let _ = question.read(&with_id);
    }
});
