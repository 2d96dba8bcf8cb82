//! One connection to the echo: what is sent, and all that comes back.
use super::compare;
use crate::experiments::Run;
use crate::steps;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::{Detail, Observation};
use tonle_evidence::record::Outcome;
use tonle_net::classify;
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::settings::NetSettings;
use tonle_net::step::Step;
use tonle_net::{scrub, tcp};
use tonle_wire::echo::{self, ANSWER_MAX_BYTES, REQUEST_MAX_BYTES};

/// Longest wait for a connection: the collector is never that far away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes that one exchange moves.
pub(super) const EXCHANGE_BYTES: u64 =
    TCP_OPEN_CLOSE_BYTES + (REQUEST_MAX_BYTES + ANSWER_MAX_BYTES) as u64;

/// Where the echo is.
pub(super) struct Place<'a> {
    pub(super) run: &'a Run,
    pub(super) net: &'a NetSettings,
    pub(super) peer: SocketAddr,
}

/// What is sent, and how it should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comes {
    /// As the content of a response.
    AsContent,
    /// As it is.
    AsItIs,
}

impl Place<'_> {
    /// Sends and hears once; both steps are recorded with this label. False when the run has no bytes
    /// left for it.
    pub(super) async fn exchange(&self, sent: &[u8], comes: Comes, label: &Detail) -> bool {
        let run = self.run;
        if run.bytes_used() + EXCHANGE_BYTES > run.max_bytes {
            run.ended(Outcome::Capped);
            return false;
        }
        let put_on = |mut seen: Observation| {
            seen.detail.extend(label.clone());
            run.observe(seen);
        };
        let (seen, stream) = tcp::connect(self.net, &run.clock, self.peer, CONNECT_TIMEOUT).await;
        if steps::left_device(&seen) {
            run.count_bytes(TCP_OPEN_CLOSE_BYTES);
        }
        put_on(seen);
        let Some(stream) = stream else {
            return true;
        };
        let mut step = Step::start(&run.clock, "echo", scrub::endpoint(self.peer));
        let mut answer = Vec::new();
        let talking = talk(
            Metered::new(stream, run.meter.clone()),
            sent,
            comes,
            &mut answer,
        );
        let ended = match timeout(ANSWER_TIMEOUT, talking).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(classify::io_error(&error)),
            Err(_) => Some(Failure::GenericTimeout),
        };
        step.result_known();
        for (key, value) in facts(sent, comes, &answer) {
            step.fact(&key, value);
        }
        put_on(match ended {
            None if answer.is_empty() => step.fail(Failure::Eof),
            None => step.succeed(),
            Some(failure) => step.fail(failure),
        });
        true
    }
}

/// Sends, and reads until the answer is whole, the other end closes, or it is longer than any echo.
async fn talk<S>(
    mut stream: S,
    sent: &[u8],
    comes: Comes,
    answer: &mut Vec<u8>,
) -> std::io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.write_all(sent).await?;
    let mut limited = stream.take(ANSWER_MAX_BYTES as u64);
    loop {
        let is_all = comes == Comes::AsItIs && answer.len() >= sent.len();
        if is_all || echo::is_whole(answer) || limited.read_buf(answer).await? == 0 {
            return Ok(());
        }
    }
}

/// What an answer says; nothing of its text is kept.
fn facts(sent: &[u8], comes: Comes, answer: &[u8]) -> Detail {
    let mut facts = Detail::new();
    if answer.is_empty() {
        return facts;
    }
    facts.insert("answer_bytes".to_owned(), answer.len().into());
    if echo::is_busy(answer) {
        facts.insert("busy".to_owned(), true.into());
        return facts;
    }
    match (comes, echo::echoed(answer)) {
        (Comes::AsContent, Some(reached)) => {
            facts.insert("echoed".to_owned(), true.into());
            facts.extend(compare::heads(sent, reached));
        }
        (Comes::AsItIs, _) if answer == sent => {
            facts.insert("echoed".to_owned(), true.into());
            facts.insert("altered".to_owned(), false.into());
        }
        _ => {
            facts.insert("echoed".to_owned(), false.into());
            if let Some(status) = echo::status(answer) {
                facts.insert("status".to_owned(), status.into());
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const HEAD: &[u8] = b"GET /tonle-echo/1 HTTP/1.1\r\nHost: a.test\r\n\r\n";

    #[test]
    fn an_echo_is_told_from_other_answers() {
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
        for (comes, answer, expected) in [
            (
                Comes::AsContent,
                &echo::answer(HEAD)[..],
                json!({"echoed": true, "altered": false}),
            ),
            (
                Comes::AsContent,
                page,
                json!({"echoed": false, "status": 200}),
            ),
            (Comes::AsContent, echo::BUSY, json!({"busy": true})),
            (
                Comes::AsItIs,
                HEAD,
                json!({"echoed": true, "altered": false}),
            ),
            (Comes::AsItIs, page, json!({"echoed": false, "status": 200})),
            (Comes::AsItIs, b"no HTTP", json!({"echoed": false})),
        ] {
            let mut seen = facts(HEAD, comes, answer);
            assert_eq!(seen.remove("answer_bytes"), Some(answer.len().into()));
            assert_eq!(json!(seen), expected);
        }
        assert!(facts(HEAD, Comes::AsContent, b"").is_empty());
    }

    proptest! {
        #[test]
        fn any_answer_gives_facts(answer in prop::collection::vec(any::<u8>(), 0..300)) {
            for comes in [Comes::AsContent, Comes::AsItIs] {
                let _ = facts(HEAD, comes, &answer);
            }
        }
    }
}
