//! DNS questions seen in UDP datagrams, and forged answers to them.
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};
use std::net::IpAddr;

/// The port of DNS over UDP and TCP.
pub const PORT: u16 = 53;
/// TTL of forged records, seconds.
const FORGED_TTL_S: u32 = 300;

/// One question, as a resolver is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What ties an answer to it.
    pub id: u16,
    /// The name, lower case, without the final dot; empty for the root.
    pub name: String,
    /// The type asked for.
    pub kind: RecordType,
    /// Recursion desired.
    recursion: bool,
    /// As it was asked: the letters keep their case.
    query: Query,
}

/// What a forged answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Those of these addresses that are of the type asked for; none of them: the name exists without.
    Addresses(&'a [IpAddr]),
    /// No such name.
    Nxdomain,
    /// Server failure.
    Servfail,
    /// Refused.
    Refused,
}

/// Reads a question from a datagram. None: it is something else, or asks other than one question.
#[must_use]
pub fn question(payload: &[u8]) -> Option<Question> {
    let message = Message::from_vec(payload).ok()?;
    let head = &message.metadata;
    if head.message_type != MessageType::Query || head.op_code != OpCode::Query {
        return None;
    }
    let [query] = message.queries.as_slice() else {
        return None;
    };
    let name = query.name().to_ascii();
    Some(Question {
        id: head.id,
        name: name.trim_end_matches('.').to_ascii_lowercase(),
        kind: query.query_type(),
        recursion: head.recursion_desired,
        query: query.clone(),
    })
}

/// The id of any DNS message, by its first two bytes.
#[must_use]
pub fn id(payload: &[u8]) -> Option<u16> {
    let bytes = payload.first_chunk::<2>()?;
    (payload.len() >= 12).then(|| u16::from_be_bytes(*bytes))
}

/// The bytes of an answer as a resolver would send it.
#[must_use]
pub fn answer(question: &Question, answer: Answer<'_>) -> Option<Vec<u8>> {
    let mut message = Message::response(question.id, OpCode::Query);
    message.metadata.recursion_desired = question.recursion;
    message.metadata.recursion_available = true;
    message.metadata.response_code = match answer {
        Answer::Addresses(_) => ResponseCode::NoError,
        Answer::Nxdomain => ResponseCode::NXDomain,
        Answer::Servfail => ResponseCode::ServFail,
        Answer::Refused => ResponseCode::Refused,
    };
    message.add_query(question.query.clone());
    if let Answer::Addresses(addresses) = answer {
        let fitting = addresses
            .iter()
            .filter_map(|&address| record_data(question.kind, address));
        for data in fitting {
            let name = question.query.name().clone();
            message.add_answer(Record::from_rdata(name, FORGED_TTL_S, data));
        }
    }
    message.to_vec().ok()
}

/// An address as record data, if it is of the type asked for.
fn record_data(kind: RecordType, address: IpAddr) -> Option<RData> {
    match (kind, address) {
        (RecordType::A | RecordType::ANY, IpAddr::V4(address)) => Some(RData::A(A::from(address))),
        (RecordType::AAAA | RecordType::ANY, IpAddr::V6(address)) => {
            Some(RData::AAAA(AAAA::from(address)))
        }
        _ => None,
    }
}
