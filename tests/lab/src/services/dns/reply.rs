//! From the bytes of a question to the answer. Pure.
use super::manner::Manner;
use super::zone::{Entry, Zone};
use crate::scenario::model::DnsFailure;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::net::IpAddr;

/// Longest message of DNS, bytes (its length has 16 bits).
pub(in crate::services) const MESSAGE_BYTES_MAX: usize = 65_535;
/// Time to live of every record, seconds.
pub(in crate::services) const TTL_S: u32 = 60;

/// Size of answers over UDP that we say we take (DNS flag day 2020).
const EDNS_BYTES: u16 = 1232;
/// Aliases followed at most.
const ALIASES_MAX: usize = 8;

/// The answer to a question, and how long it may be over UDP, bytes. None: silence, because the zone
/// says so or because the bytes are no question.
pub(in crate::services) fn reply(
    zone: &Zone,
    manner: &Manner,
    question: &[u8],
) -> Option<(Message, usize)> {
    let Ok(question) = Message::from_vec(question) else {
        return malformed(question).map(|answer| (answer, 512));
    };
    if question.metadata.message_type != MessageType::Query {
        return None;
    }
    let limit = usize::from(question.max_payload());
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_queries(question.queries.iter().cloned());
    if let Some(asked) = question.edns.as_ref().filter(|_| manner.knows_edns()) {
        let mut edns = Edns::new();
        edns.set_max_payload(EDNS_BYTES).set_version(0);
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        answer.set_edns(edns);
    }
    let said = question
        .queries
        .first()
        .and_then(|query| manner.says(query));
    if let Some(said) = said {
        answer.add_answer(said);
        return Some((answer, limit));
    }
    if let Some(code) = refusal(&question) {
        answer.metadata.response_code = code;
        return Some((answer, limit));
    }
    answer.metadata.response_code = resolve(zone, question.queries.first()?, &mut answer)?;
    answer.metadata.response_code = manner.treat(zone, &question, &mut answer);
    Some((answer, limit))
}

/// An answer as bytes, cut to a mark that says so (TC) where it is longer than the limit.
pub(super) fn fit(answer: &Message, limit: usize) -> Option<Vec<u8>> {
    let bytes = answer.to_vec().ok()?;
    if bytes.len() <= limit {
        return Some(bytes);
    }
    answer.truncate().to_vec().ok()
}

/// What is said to bytes that begin as a question and go on as none.
fn malformed(bytes: &[u8]) -> Option<Message> {
    let [id_high, id_low, flags, ..] = bytes else {
        return None;
    };
    let is_response = flags & 0x80 != 0;
    if bytes.len() < 12 || is_response {
        return None;
    }
    let id = u16::from_be_bytes([*id_high, *id_low]);
    Some(Message::error_msg(id, OpCode::Query, ResponseCode::FormErr))
}

/// Why a well-formed message is not answered from the zone.
fn refusal(question: &Message) -> Option<ResponseCode> {
    if question.version() > 0 {
        return Some(ResponseCode::BADVERS);
    }
    if question.metadata.op_code != OpCode::Query {
        return Some(ResponseCode::NotImp);
    }
    match question.queries.as_slice() {
        [query] if query.query_class() != DNSClass::IN => Some(ResponseCode::Refused),
        [_] => None,
        _ => Some(ResponseCode::FormErr),
    }
}

/// Puts records into the answer; none: silence.
fn resolve(zone: &Zone, query: &Query, answer: &mut Message) -> Option<ResponseCode> {
    let mut owner = query.name().clone();
    for _ in 0..ALIASES_MAX {
        match zone.find(&plain(&owner)) {
            Some(Entry::Addresses(addresses)) => {
                add_addresses(answer, &owner, query.query_type(), &addresses);
                add_authority_unless_answered(answer, query.query_type());
                return Some(ResponseCode::NoError);
            }
            Some(Entry::Alias(target)) => {
                let Ok(target) = Name::from_ascii(format!("{target}.")) else {
                    return Some(ResponseCode::ServFail);
                };
                let data = RData::CNAME(CNAME(target.clone()));
                answer.add_answer(Record::from_rdata(owner, TTL_S, data));
                if query.query_type() == RecordType::CNAME {
                    return Some(ResponseCode::NoError);
                }
                owner = target;
            }
            Some(Entry::Failure(DnsFailure::Servfail)) => return Some(ResponseCode::ServFail),
            Some(Entry::Failure(DnsFailure::Refused)) => return Some(ResponseCode::Refused),
            Some(Entry::Failure(DnsFailure::Silence)) => return None,
            Some(Entry::Failure(DnsFailure::Nxdomain)) | None => {
                answer.add_authority(authority());
                return Some(ResponseCode::NXDomain);
            }
        }
    }
    Some(ResponseCode::ServFail)
}

/// A name as the zone writes it.
pub(super) fn plain(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

pub(super) fn add_addresses(
    answer: &mut Message,
    owner: &Name,
    kind: RecordType,
    addresses: &[IpAddr],
) {
    for address in addresses {
        let data = match address {
            IpAddr::V4(v4) if matches!(kind, RecordType::A | RecordType::ANY) => {
                RData::A(A::from(*v4))
            }
            IpAddr::V6(v6) if matches!(kind, RecordType::AAAA | RecordType::ANY) => {
                RData::AAAA(AAAA::from(*v6))
            }
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(owner.clone(), TTL_S, data));
    }
}

/// An answer without records of the kind asked for says who says so (RFC 2308).
fn add_authority_unless_answered(answer: &mut Message, kind: RecordType) {
    let fits = |record: &Record| record.record_type() == kind || kind == RecordType::ANY;
    if !answer.answers.iter().any(fits) {
        answer.add_authority(authority());
    }
}

/// The SOA record of everything: the lab has one zone, the root.
fn authority() -> Record {
    let name = |text| Name::from_ascii(text).expect("a short name of letters and dots");
    let ttl_s = i32::try_from(TTL_S).expect("a small number");
    let soa = SOA::new(
        name("ns.lab."),
        name("hostmaster.lab."),
        1,
        ttl_s,
        ttl_s,
        ttl_s,
        TTL_S,
    );
    Record::from_rdata(Name::root(), TTL_S, RData::SOA(soa))
}
