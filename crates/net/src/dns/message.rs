//! DNS messages on the wire: the question that is asked, and what a reply says to it. No IO.
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use std::net::IpAddr;
use std::str::FromStr;

/// Size of answers over UDP that a question with EDNS says we take, bytes: none of it is cut up on
/// the way (DNS flag day 2020).
const EDNS_MAX_BYTES: u16 = 1232;
/// Most texts of an answer that are kept.
const TEXTS_MAX: usize = 4;

/// The record types that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Texts.
    Txt,
}

impl QueryType {
    /// Both families of addresses, in the order in which their answers are tried.
    pub const BOTH: [Self; 2] = [Self::A, Self::Aaaa];

    /// As it stands in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Txt => "TXT",
        }
    }

    fn wire(self) -> RecordType {
        match self {
            Self::A => RecordType::A,
            Self::Aaaa => RecordType::AAAA,
            Self::Txt => RecordType::TXT,
        }
    }
}

/// A question as it went out.
#[derive(Debug, Clone)]
pub struct Question {
    id: u16,
    query: Query,
    query_type: QueryType,
    wants_signatures: bool,
}

/// What one datagram (or TCP message) said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It answers the question.
    Answer(Answer),
    /// It carries another id: meant for nobody here, or forged by someone who had to guess.
    WrongId,
    /// It answers another question, or is no reply at all.
    WrongQuestion,
    /// It cannot be read.
    Malformed,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Response code, with the high bits of EDNS where present.
    pub rcode: u16,
    /// Whether it was cut (TC) and must be asked for over TCP.
    pub truncated: bool,
    /// Addresses of the asked type, in the order received.
    pub addresses: Vec<IpAddr>,
    /// Smallest time to live of these, seconds.
    pub ttl_s: Option<u32>,
    /// Names that the question's name leads to by CNAME, in order.
    pub cnames: Vec<String>,
    /// Texts, where these were asked for: the strings of each record joined.
    pub texts: Vec<Vec<u8>>,
    /// Whether it carries EDNS.
    pub has_edns: bool,
    /// Whether the resolver says that it checked the signatures (AD; RFC 4035, section 3.2.3).
    pub is_authentic: bool,
    /// Signatures among the answers (RRSIG).
    pub signatures: usize,
}

impl Question {
    /// Asks for `query_type` of `name`, under an id that nobody can guess. `None` when the name
    /// cannot be a DNS name.
    #[must_use]
    pub fn new(name: &str, query_type: QueryType, id: u16) -> Option<Self> {
        let mut name = Name::from_str(name).ok()?;
        name.set_fqdn(true);
        Some(Self {
            id,
            query: Query::query(name, query_type.wire()),
            query_type,
            wants_signatures: false,
        })
    }

    /// Asks the server itself for a text about itself (class CHAOS; RFC 4892).
    #[must_use]
    pub fn of_the_server(name: &str, id: u16) -> Option<Self> {
        let mut question = Self::new(name, QueryType::Txt, id)?;
        question.query.set_query_class(DNSClass::CH);
        Some(question)
    }

    /// The same, and for the signatures as well, checked by the resolver (DO, RFC 3225; AD, RFC
    /// 6840, section 5.7).
    #[must_use]
    pub fn with_signatures(self) -> Self {
        Self {
            wants_signatures: true,
            ..self
        }
    }

    /// The bytes to send, the same for UDP and (behind two bytes of length) TCP. No EDNS unless
    /// signatures are asked for: the question looks as that of the C library, and so does whatever a
    /// middlebox makes of it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        if self.wants_signatures {
            message.metadata.authentic_data = true;
            let mut edns = Edns::new();
            edns.set_max_payload(EDNS_MAX_BYTES).set_dnssec_ok(true);
            message.set_edns(edns);
        }
        message
            .to_vec()
            .expect("one question with a valid name always fits a message")
    }

    /// What `bytes` say to this question.
    #[must_use]
    pub fn read(&self, bytes: &[u8]) -> Reply {
        match bytes.first_chunk::<2>() {
            None => return Reply::Malformed,
            Some(id) if u16::from_be_bytes(*id) != self.id => return Reply::WrongId,
            Some(_) => {}
        }
        let Ok(message) = Message::from_vec(bytes) else {
            return Reply::Malformed;
        };
        let is_ours = message.metadata.message_type == MessageType::Response
            && matches!(&message.queries[..], [query] if self.is_same(query));
        if !is_ours {
            return Reply::WrongQuestion;
        }
        Reply::Answer(self.answer(&message))
    }

    fn is_same(&self, query: &Query) -> bool {
        query.query_type() == self.query.query_type()
            && query.query_class() == self.query.query_class()
            && query.name() == self.query.name()
    }

    fn answer(&self, message: &Message) -> Answer {
        let mut answer = Answer {
            rcode: message.metadata.response_code.into(),
            truncated: message.metadata.truncation,
            has_edns: message.edns.is_some(),
            is_authentic: message.metadata.authentic_data,
            ..Answer::default()
        };
        for record in &message.answers {
            if record.record_type() == RecordType::RRSIG {
                answer.signatures += 1;
            }
            let address = match (&record.data, self.query_type) {
                (RData::A(a), QueryType::A) => IpAddr::from(a.0),
                (RData::AAAA(aaaa), QueryType::Aaaa) => IpAddr::from(aaaa.0),
                (RData::CNAME(name), _) => {
                    answer.cnames.push(name.to_utf8());
                    continue;
                }
                (RData::TXT(text), QueryType::Txt) if answer.texts.len() < TEXTS_MAX => {
                    answer.texts.push(text.txt_data.concat());
                    continue;
                }
                _ => continue,
            };
            answer.addresses.push(address);
            answer.ttl_s = Some(
                answer
                    .ttl_s
                    .map_or(record.ttl, |ttl_s| ttl_s.min(record.ttl)),
            );
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, CNAME, NULL, TXT};
    use proptest::prelude::*;

    fn question() -> Question {
        Question::new("site.example", QueryType::A, 0x1234).unwrap()
    }

    fn reply(change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::from_vec(&question().to_bytes()).unwrap();
        message.metadata.message_type = MessageType::Response;
        change(&mut message);
        message.to_vec().unwrap()
    }

    fn record(ttl_s: u32, data: RData) -> Record {
        Record::from_rdata(Name::from_str("site.example.").unwrap(), ttl_s, data)
    }

    #[test]
    fn an_answer_holds_addresses_aliases_and_the_smallest_ttl() {
        let bytes = reply(|message| {
            let alias = CNAME(Name::from_str("cdn.example.").unwrap());
            message.add_answer(record(600, RData::CNAME(alias)));
            message.add_answer(record(300, RData::A(A::new(203, 0, 113, 1))));
            message.add_answer(record(60, RData::A(A::new(203, 0, 113, 2))));
        });
        let Reply::Answer(answer) = question().read(&bytes) else {
            panic!("no answer");
        };
        assert_eq!(answer.rcode, 0);
        assert_eq!(answer.ttl_s, Some(60));
        assert_eq!(answer.cnames, ["cdn.example."]);
        let expected: Vec<IpAddr> = ["203.0.113.1", "203.0.113.2"]
            .map(|a| a.parse().unwrap())
            .into();
        assert_eq!(answer.addresses, expected);
    }

    #[test]
    fn a_reply_to_somebody_else_is_told_from_ours() {
        let other_id = reply(|message| message.metadata.id = 7);
        assert_eq!(question().read(&other_id), Reply::WrongId);
        let other_name = reply(|message| {
            message.queries[0].name = Name::from_str("other.example.").unwrap();
        });
        assert_eq!(question().read(&other_name), Reply::WrongQuestion);
        assert_eq!(
            question().read(&question().to_bytes()),
            Reply::WrongQuestion
        );
        assert_eq!(question().read(&[0x12, 0x34, 1]), Reply::Malformed);
        assert_eq!(question().read(&[]), Reply::Malformed);
    }

    #[test]
    fn the_name_is_compared_without_regard_to_case() {
        let shouted = reply(|message| {
            message.queries[0].name = Name::from_str("SITE.Example.").unwrap();
        });
        assert!(matches!(question().read(&shouted), Reply::Answer(_)));
    }

    #[test]
    fn signatures_are_asked_for_and_counted() {
        let question = question().with_signatures();
        let mut message = Message::from_vec(&question.to_bytes()).unwrap();
        assert!(message.edns.as_ref().unwrap().flags().dnssec_ok);
        assert!(message.metadata.authentic_data);
        message.metadata.message_type = MessageType::Response;
        message.add_answer(record(60, RData::A(A::new(203, 0, 113, 1))));
        let signature = RData::Unknown {
            code: RecordType::RRSIG,
            rdata: NULL::with(vec![0; 40]),
        };
        message.add_answer(record(60, signature));
        let Reply::Answer(answer) = question.read(&message.to_vec().unwrap()) else {
            panic!("no answer");
        };
        assert_eq!((answer.signatures, answer.addresses.len()), (1, 1));
        assert!(answer.has_edns && answer.is_authentic);
    }

    #[test]
    fn a_plain_question_asks_for_no_signatures() {
        let message = Message::from_vec(&question().to_bytes()).unwrap();
        assert!(message.edns.is_none() && !message.metadata.authentic_data);
    }

    #[test]
    fn a_server_is_asked_for_its_texts_in_a_class_of_their_own() {
        let question = Question::of_the_server("id.server", 7).unwrap();
        let mut message = Message::from_vec(&question.to_bytes()).unwrap();
        assert_eq!(message.queries[0].query_class(), DNSClass::CH);
        message.metadata.message_type = MessageType::Response;
        for _ in 0..9 {
            let text = TXT::new(vec!["res1.".to_owned(), "sin".to_owned()]);
            message.add_answer(record(0, RData::TXT(text)));
        }
        let Reply::Answer(answer) = question.read(&message.to_vec().unwrap()) else {
            panic!("no answer");
        };
        assert_eq!(answer.texts, vec![b"res1.sin".to_vec(); TEXTS_MAX]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(tail in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut bytes = vec![0x12, 0x34];
            bytes.extend(tail);
            let _ = question().read(&bytes);
            let _ = Question::of_the_server("id.server", 0x1234).unwrap().read(&bytes);
        }

        #[test]
        fn a_damaged_answer_is_read_without_panic(at in 0_usize..60, to in any::<u8>()) {
            let mut bytes = reply(|message| {
                message.add_answer(record(300, RData::A(A::new(203, 0, 113, 1))));
            });
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = question().read(&bytes);
        }

        #[test]
        fn any_name_is_accepted_or_refused_without_panic(name in "\\PC{0,300}") {
            if let Some(question) = Question::new(&name, QueryType::Aaaa, 1) {
                prop_assert!(question.to_bytes().len() > 12);
            }
        }
    }
}
