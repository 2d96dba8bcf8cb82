//! A DNS reply from a resolver that may be hostile: read against our own question.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_net::dns::{QueryType, Question};

/// The id of the question; inputs that begin with it get past the first check.
const ID: u16 = 0x1234;

fuzz_target!(|bytes: &[u8]| {
    let of = |query_type| Question::new("www.example.org", query_type, ID);
    let with_signatures = of(QueryType::A).map(Question::with_signatures);
    let of_the_server = Question::of_the_server("id.server", ID);
    let questions = [of(QueryType::A), of(QueryType::Aaaa), with_signatures, of_the_server];
    for question in questions {
        let question = question.expect("a valid name");
        let _ = question.read(bytes);
        let with_id: Vec<u8> = ID.to_be_bytes().iter().chain(bytes).copied().collect();
        let _ = question.read(&with_id);
    }
});
