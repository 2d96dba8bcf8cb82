//! Who a server says it is: texts that servers have about themselves (class CHAOS: `id.server`,
//! `version.server`, RFC 4892; `hostname.bind`, `version.bind` of old).
//!
//! Operation `server_identity`, subject the name that was asked. Detail as in [`super`], and `texts`: how
//! many came. The texts themselves are the caller's and are not written: where somebody on the way
//! answers in place of the server, they may be the name of the volunteer's own router.
use super::message::Question;
use super::query::{Patience, ask};
use crate::classify;
use crate::clock::Stopwatch;
use crate::meter::Meter;
use crate::settings::NetSettings;
use crate::step::{Seen, Step};
use std::net::SocketAddr;
use tonle_evidence::failure::Failure;

/// Asks `server` for its text `name`.
pub async fn query(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    server: SocketAddr,
    name: &'static str,
    patience: Patience,
) -> Seen<Vec<Vec<u8>>> {
    let mut step = Step::start(clock, "server_identity", name);
    let question = Question::of_the_server(name, rand::random());
    let answer = match ask(&mut step, settings, meter, server, question, patience).await {
        Ok(answer) => answer,
        Err(failure) => return (step.fail(failure), None),
    };
    step.fact("rcode", answer.rcode);
    step.fact("texts", answer.texts.len());
    let failure = classify::rcode(answer.rcode);
    match failure.or_else(|| answer.texts.is_empty().then_some(Failure::DnsNoAnswer)) {
        Some(failure) => (step.fail(failure), None),
        None => (step.succeed(), Some(answer.texts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::fake::{reply, resolver};
    use crate::testing;
    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::rdata::TXT;
    use hickory_proto::rr::{DNSClass, RData, Record};

    fn says(question: &Message, text: &str) -> Vec<u8> {
        let mut message = reply(question, ResponseCode::NoError, &[]);
        let data = RData::TXT(TXT::new(vec![text.to_owned()]));
        let name = question.queries[0].name().clone();
        let mut record = Record::from_rdata(name, 0, data);
        record.dns_class = DNSClass::CH;
        message.add_answer(record);
        message.to_vec().unwrap()
    }

    async fn asked(server: SocketAddr) -> Seen<Vec<Vec<u8>>> {
        query(
            &testing::settings(),
            &Stopwatch::start(),
            &Meter::default(),
            server,
            "hostname.bind",
            Patience::FIRST_ANSWER,
        )
        .await
    }

    #[tokio::test]
    async fn what_a_server_calls_itself_is_told_and_not_written() {
        let server = resolver(|_, question| vec![says(question, "router-of-sok")]);
        let (seen, texts) = asked(server.await).await;
        assert_eq!(texts, Some(vec![b"router-of-sok".to_vec()]));
        assert_eq!(seen.detail["texts"], 1);
        let written = serde_json::to_string(&seen).unwrap();
        assert!(!written.contains("sok"), "{written}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_of_itself_fails() {
        let refuses = resolver(|_, question| {
            vec![
                reply(question, ResponseCode::Refused, &[])
                    .to_vec()
                    .unwrap(),
            ]
        });
        let (seen, texts) = asked(refuses.await).await;
        assert_eq!((seen.failure, texts), (Some(Failure::DnsRefused), None));
    }
}
