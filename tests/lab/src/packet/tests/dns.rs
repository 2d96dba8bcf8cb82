//! Questions read and answers forged.
use super::super::dns::{Answer, answer, id, question};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use proptest::prelude::*;
use std::net::IpAddr;

/// A query for this name and type, as a stub resolver writes it.
pub(crate) fn query(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.to_vec().unwrap()
}

#[test]
fn a_question_is_read_whatever_its_letters() {
    let read = question(&query("WwW.BLOCKED.test.", RecordType::AAAA)).unwrap();
    assert_eq!(read.name, "www.blocked.test");
    assert_eq!((read.id, read.kind), (0x1234, RecordType::AAAA));
}

#[test]
fn an_answer_and_garbage_are_no_question() {
    let asked = question(&query("blocked.test.", RecordType::A)).unwrap();
    let forged = answer(&asked, Answer::Nxdomain).unwrap();
    assert_eq!(question(&forged), None);
    assert_eq!(question(b"no dns at all"), None);
    assert_eq!(id(&forged), Some(0x1234));
    assert_eq!(id(&forged[..11]), None);
}

#[test]
fn an_answer_has_the_addresses_of_the_family_asked_for_and_the_letters_of_the_question() {
    let addresses: Vec<IpAddr> = vec!["10.10.34.35".parse().unwrap(), "fd00::1".parse().unwrap()];
    for (kind, expected) in [
        (RecordType::A, "10.10.34.35"),
        (RecordType::AAAA, "fd00::1"),
    ] {
        let asked = question(&query("BlOcKeD.test.", kind)).unwrap();
        let bytes = answer(&asked, Answer::Addresses(&addresses)).unwrap();
        let message = Message::from_vec(&bytes).unwrap();
        assert_eq!(message.metadata.id, 0x1234);
        assert!(message.metadata.recursion_desired && message.metadata.recursion_available);
        assert_eq!(message.queries[0].name().to_ascii(), "BlOcKeD.test.");
        let answers: Vec<_> = message.answers.iter().map(|a| a.data.to_string()).collect();
        assert_eq!(answers, [expected]);
    }
}

#[test]
fn a_type_without_an_address_gets_an_empty_answer() {
    let addresses: Vec<IpAddr> = vec!["10.10.34.35".parse().unwrap()];
    let asked = question(&query("blocked.test.", RecordType::HTTPS)).unwrap();
    let bytes = answer(&asked, Answer::Addresses(&addresses)).unwrap();
    let message = Message::from_vec(&bytes).unwrap();
    assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    assert!(message.answers.is_empty());
}

#[test]
fn failures_have_their_codes() {
    let asked = question(&query("blocked.test.", RecordType::A)).unwrap();
    for (forged, code) in [
        (Answer::Nxdomain, ResponseCode::NXDomain),
        (Answer::Servfail, ResponseCode::ServFail),
        (Answer::Refused, ResponseCode::Refused),
    ] {
        let message = Message::from_vec(&answer(&asked, forged).unwrap()).unwrap();
        assert_eq!(message.metadata.response_code, code);
    }
}

proptest! {
    #[test]
    fn any_datagram_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = question(&bytes);
    }
}
