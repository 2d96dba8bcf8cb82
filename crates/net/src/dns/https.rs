//! DNS over HTTPS (RFC 8484): nobody on the way can read or change what is asked and answered.
//!
//! Operation `resolve` as in [`super`], with `engine: "doh"`, `transport: "https"`, and `resolver`:
//! the URL. A question that never reached the resolver has `failed_at`: the operation that broke off
//! (`resolve` of the resolver's own name, `connect`, `tls_handshake`, `http_request`).
use super::judge;
use super::message::{QueryType, Question, Reply};
use super::query::Asked;
use crate::clock::Stopwatch;
use crate::http::channel::{self, Channel, HeaderMap, HeaderValue, header};
use crate::http::reach::{Broken, reach};
use crate::meter::Meter;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;
use url::Url;

/// Longest wait for both answers, the way to the resolver included.
pub const TIMEOUT: Duration = Duration::from_secs(4);
/// Media type of a DNS message (RFC 8484, section 6).
const MESSAGE: &str = "application/dns-message";
/// Longest DNS message, bytes.
const MESSAGE_MAX_BYTES: usize = u16::MAX as usize;
/// Who asks: no browser asks like this, so none is named.
const USER_AGENT: &str = "tonle-agent";

/// A resolver and where its name leads, or why nowhere.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    /// Where it is asked.
    pub url: &'a Url,
    /// Its addresses.
    pub addresses: &'a Result<Vec<IpAddr>, Failure>,
}

/// Asks for both families of `host` over one connection.
pub async fn lookup(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    resolver: Resolver<'_>,
    host: &str,
    timeout: Duration,
) -> [Asked; 2] {
    let deadline = Instant::now() + timeout;
    let [a, aaaa] = QueryType::BOTH.map(|query_type| {
        let mut step = Step::start(clock, "resolve", &*scrub::host(host));
        step.fact("engine", "doh");
        step.fact("transport", "https");
        step.fact("query_type", query_type.as_str());
        step.fact("resolver", scrub::url(resolver.url));
        step
    });
    let opened = match resolver.addresses {
        Ok(addresses) => {
            let to = (resolver.url, addresses.as_slice());
            let opening = reach(settings, clock, meter, to, USER_AGENT);
            let late = Err(("connect", Failure::GenericTimeout));
            timeout_at(deadline, opening).await.unwrap_or(late)
        }
        Err(failure) => Err(("resolve", failure.clone())),
    };
    let channel = match opened {
        Ok(channel) => channel,
        Err(broken) => return [broke_off(a, broken.clone()), broke_off(aaaa, broken)],
    };
    let ask = |step, query_type| {
        let question = (host, query_type);
        asked(step, settings, (&channel, resolver.url), question, deadline)
    };
    let (a, aaaa) = tokio::join!(ask(a, QueryType::A), ask(aaaa, QueryType::Aaaa));
    [a, aaaa]
}

async fn asked(
    mut step: Step,
    settings: &NetSettings,
    (channel, url): (&Channel, &Url),
    (host, query_type): (&str, QueryType),
    deadline: Instant,
) -> Asked {
    // The id is 0, so that caches on the way can serve it (RFC 8484, section 4.1).
    let Some(question) = Question::new(host, query_type, 0) else {
        return judge::failed(step, Failure::DnsNonRecoverableFailure);
    };
    let reply = timeout_at(deadline, exchange(channel, url, &question)).await;
    step.result_known();
    match reply.unwrap_or(Err(Failure::GenericTimeout)) {
        Err(failure) => broke_off(step, ("http_request", failure)),
        Ok(reply) => match question.read(&reply) {
            Reply::Answer(answer) => judge::answered(step, settings, answer),
            _ => judge::failed(step, Failure::DnsServerMisbehaving),
        },
    }
}

async fn exchange(channel: &Channel, url: &Url, question: &Question) -> Result<Vec<u8>, Failure> {
    let content = channel::whole(question.to_bytes());
    let media_type = (header::CONTENT_TYPE, HeaderValue::from_static(MESSAGE));
    let headers = HeaderMap::from_iter([media_type]);
    let received = channel.post_with(url, headers, content).await?;
    if received.status != 200 {
        return Err(Failure::HttpUnexpectedStatusCode);
    }
    received.whole(MESSAGE_MAX_BYTES).await
}

fn broke_off(mut step: Step, (at, failure): Broken) -> Asked {
    step.fact("failed_at", at);
    judge::failed(step, failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::fake;
    use crate::testing;
    use hickory_proto::op::{Message, ResponseCode};
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A resolver over HTTP/1.1 in clear that answers by `addresses`, or by `status` alone.
    async fn resolver(status: u16, addresses: &'static [&'static str]) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/dns-query", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut received = Vec::new();
            loop {
                let mut buffer = [0; 2048];
                let length = stream.read(&mut buffer).await.unwrap_or(0);
                if length == 0 {
                    return;
                }
                received.extend_from_slice(&buffer[..length]);
                let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8(received[..end].to_vec()).unwrap();
                assert!(
                    head.contains("content-type: application/dns-message"),
                    "{head}"
                );
                let Ok(question) = Message::from_vec(&received[end + 4..]) else {
                    continue;
                };
                received.clear();
                assert_eq!(question.metadata.id, 0);
                let reply = fake::bytes(&question, ResponseCode::NoError, addresses);
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n",
                    reply.len()
                );
                stream
                    .write_all(&[head.as_bytes(), &reply].concat())
                    .await
                    .unwrap();
            }
        });
        Url::parse(&url).unwrap()
    }

    async fn asked(url: &Url, addresses: Result<Vec<IpAddr>, Failure>) -> [Asked; 2] {
        let resolver = Resolver {
            url,
            addresses: &addresses,
        };
        lookup(
            &testing::settings(),
            &Stopwatch::start(),
            &Meter::default(),
            resolver,
            "site.example",
            TIMEOUT,
        )
        .await
    }

    fn loopback() -> Vec<IpAddr> {
        vec!["127.0.0.1".parse().unwrap()]
    }

    #[tokio::test]
    async fn both_families_are_asked_for_over_one_connection() {
        let url = resolver(200, &["203.0.113.1"]).await;
        let [a, aaaa] = asked(&url, Ok(loopback())).await;
        assert_eq!(a.observation.failure, None);
        assert_eq!(a.observation.detail["engine"], "doh");
        assert_eq!(a.observation.detail["addresses"], json!(["203.0.113.1"]));
        assert_eq!(aaaa.observation.detail["query_type"], "AAAA");
        assert_eq!(aaaa.observation.failure, Some(Failure::DnsNoAnswer));
    }

    #[tokio::test]
    async fn where_the_way_broke_off_is_said() {
        let url = resolver(200, &[]).await;
        let [a, _] = asked(&url, Err(Failure::DnsNxdomain)).await;
        assert_eq!(a.observation.failure, Some(Failure::DnsNxdomain));
        assert_eq!(a.observation.detail["failed_at"], "resolve");

        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nowhere = format!("http://{}/", closed.local_addr().unwrap());
        drop(closed);
        let [a, _] = asked(&Url::parse(&nowhere).unwrap(), Ok(loopback())).await;
        assert_eq!(a.observation.failure, Some(Failure::ConnectionRefused));
        assert_eq!(a.observation.detail["failed_at"], "connect");

        let [a, _] = asked(&resolver(503, &[]).await, Ok(loopback())).await;
        assert_eq!(
            a.observation.failure,
            Some(Failure::HttpUnexpectedStatusCode)
        );
        assert_eq!(a.observation.detail["failed_at"], "http_request");
    }
}
