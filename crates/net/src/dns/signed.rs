//! What a resolver makes of signatures (DNSSEC): one question that asks for them and for their check.
//!
//! Operation `resolve` as in [`super`], with `dnssec: true`, and of an answer `edns` (whether it carries
//! EDNS), `authentic` (AD: the resolver says that it checked) and `signatures` (how many came). They are
//! not checked here: what is of interest is what the resolver does and what reaches the device.
use super::judge;
use super::message::{QueryType, Question};
use super::query::{Asked, Patience, ask};
use crate::clock::Stopwatch;
use crate::meter::Meter;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use std::net::SocketAddr;

/// Asks `resolver` for the IPv4 addresses of `name` with their signatures.
pub async fn query(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    resolver: SocketAddr,
    name: &str,
    patience: Patience,
) -> Asked {
    let mut step = Step::start(clock, "resolve", &*scrub::host(name));
    step.fact("query_type", QueryType::A.as_str());
    step.fact("dnssec", true);
    let question = Question::new(name, QueryType::A, rand::random());
    let question = question.map(Question::with_signatures);
    match ask(&mut step, settings, meter, resolver, question, patience).await {
        Err(failure) => judge::failed(step, failure),
        Ok(answer) => {
            step.fact("edns", answer.has_edns);
            step.fact("authentic", answer.is_authentic);
            step.fact("signatures", answer.signatures);
            judge::answered(step, settings, answer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::fake::{reply, resolver};
    use crate::testing;
    use hickory_proto::op::ResponseCode;
    use tonle_evidence::failure::Failure;

    async fn asked(resolver: SocketAddr) -> Asked {
        query(
            &testing::settings(),
            &Stopwatch::start(),
            &Meter::default(),
            resolver,
            "signed.example",
            Patience::FIRST_ANSWER,
        )
        .await
    }

    #[tokio::test]
    async fn a_resolver_that_checks_is_told_from_one_that_knows_nothing_of_it() {
        let checks = resolver(|_, question| {
            let mut message = reply(question, ResponseCode::NoError, &["203.0.113.1"]);
            message.metadata.authentic_data = true;
            vec![message.to_vec().unwrap()]
        });
        let seen = asked(checks.await).await.observation;
        assert_eq!(seen.detail["authentic"], true);
        assert_eq!(seen.detail["edns"], true);
        let ignorant = resolver(|_, question| {
            let mut message = reply(question, ResponseCode::NoError, &["203.0.113.1"]);
            message.metadata.authentic_data = false;
            message.edns = None;
            vec![message.to_vec().unwrap()]
        });
        let seen = asked(ignorant.await).await.observation;
        assert_eq!(seen.detail["authentic"], false);
        assert_eq!(seen.detail["edns"], false);
        assert_eq!(seen.detail["signatures"], 0);
    }

    #[tokio::test]
    async fn a_refusal_is_a_failure_with_the_same_facts() {
        let refuses = resolver(|_, question| {
            vec![
                reply(question, ResponseCode::ServFail, &[])
                    .to_vec()
                    .unwrap(),
            ]
        });
        let seen = asked(refuses.await).await.observation;
        assert_eq!(seen.failure, Some(Failure::DnsServfail));
        assert_eq!(seen.detail["dnssec"], true);
    }
}
