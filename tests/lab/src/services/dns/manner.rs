//! What a resolver does to what it found: signatures, and addresses in place of nothing. Pure.
use super::reply::{TTL_S, add_addresses, plain};
use super::zone::Zone;
use crate::scenario::model::{Dnssec, Signatures};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{NULL, TXT};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use std::net::IpAddr;

/// Bytes of a made-up signature: those of Ed25519 (RFC 8080).
const SIGNATURE_BYTES: usize = 64;
/// Longest text in a TXT record, bytes (RFC 1035, 3.3.14).
const TEXT_BYTES_MAX: usize = 255;
/// Algorithm 15: Ed25519.
const ALGORITHM: u8 = 15;

/// How a resolver treats what it found; the default is honest and checks signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::services) struct Manner {
    pub(in crate::services) dnssec: Dnssec,
    pub(in crate::services) instead_of_nxdomain: Vec<IpAddr>,
    pub(in crate::services) instead_of_nodata: Vec<IpAddr>,
    /// What it says of itself (RFC 4892).
    pub(in crate::services) identity: Option<String>,
}

impl Manner {
    /// Whether it answers EDNS by EDNS.
    pub(super) fn knows_edns(&self) -> bool {
        self.dnssec != Dnssec::Strips
    }

    /// What it says of itself, where that is asked and it says something.
    pub(super) fn says(&self, query: &Query) -> Option<Record> {
        let identity = self.identity.as_ref()?;
        let is_asked = query.query_class() == DNSClass::CH && query.query_type() == RecordType::TXT;
        // A text of DNS has at most 255 bytes; a longer one is several.
        let texts = identity.as_bytes().chunks(TEXT_BYTES_MAX);
        let data = RData::TXT(TXT::from_bytes(texts.collect()));
        let mut record = Record::from_rdata(query.name().clone(), 0, data);
        record.dns_class = DNSClass::CH;
        is_asked.then_some(record)
    }

    /// Changes what was found; the code of the answer.
    pub(super) fn treat(
        &self,
        zone: &Zone,
        question: &Message,
        answer: &mut Message,
    ) -> ResponseCode {
        let code = answer.metadata.response_code;
        let Some(query) = question.queries.first() else {
            return code;
        };
        let in_place = match code {
            ResponseCode::NXDomain => &self.instead_of_nxdomain,
            ResponseCode::NoError if answer.answers.is_empty() => &self.instead_of_nodata,
            _ => return self.sign(zone, question, answer),
        };
        let before = answer.answers.len();
        add_addresses(answer, query.name(), query.query_type(), in_place);
        if answer.answers.len() == before {
            return code;
        }
        answer.authorities.clear();
        ResponseCode::NoError
    }

    fn sign(&self, zone: &Zone, question: &Message, answer: &mut Message) -> ResponseCode {
        let code = answer.metadata.response_code;
        let name = question.queries.first().map(|query| plain(query.name()));
        let signatures = name.and_then(|name| zone.signatures(&name));
        let Some(signatures) = signatures.filter(|_| self.dnssec != Dnssec::Strips) else {
            return code;
        };
        let checks = self.dnssec == Dnssec::Checks && !question.metadata.checking_disabled;
        if checks && signatures == Signatures::Bad {
            answer.answers.clear();
            return ResponseCode::ServFail;
        }
        let edns = question.edns.as_ref();
        let wants_them = edns.is_some_and(|edns| edns.flags().dnssec_ok);
        answer.metadata.authentic_data = checks && (wants_them || question.metadata.authentic_data);
        if wants_them {
            let made = answer.answers.iter().map(signature);
            let made: Vec<Record> = made.collect();
            answer.add_answers(made);
        }
        code
    }
}

/// A record in the form of a signature of this one (RFC 4034, section 3.1), by nobody.
fn signature(of: &Record) -> Record {
    let mut data = Vec::new();
    data.extend(u16::from(of.record_type()).to_be_bytes());
    data.extend([ALGORITHM, of.name.num_labels()]);
    data.extend(TTL_S.to_be_bytes());
    // Expiration in 2106, inception in 1970, key tag 1, signed by the root.
    data.extend(u32::MAX.to_be_bytes());
    data.extend(0_u32.to_be_bytes());
    data.extend([0, 1, 0]);
    data.extend([0; SIGNATURE_BYTES]);
    let signature = RData::Unknown {
        code: RecordType::RRSIG,
        rdata: NULL::with(data),
    };
    Record::from_rdata(of.name.clone(), TTL_S, signature)
}
