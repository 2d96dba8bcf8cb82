//! DNS over TLS (RFC 7858) under the strict profile of RFC 8310: the certificate must be for the
//! resolver's name, so that nobody on the way can answer in its place.
//!
//! Operation `resolve` as in [`super`], with `engine: "dot"`, `transport: "tls"`, `resolver` the
//! address, `port`, and `resolver_name`. A question that never reached the resolver has `failed_at`: the
//! operation that broke off (`connect`, `tls_handshake`, `exchange`), and `sent: false` where the device has no
//! way to that address.
use super::judge;
use super::message::{QueryType, Question, Reply};
use super::query::Asked;
use crate::classify;
use crate::clock::Stopwatch;
use crate::http::reach::Broken;
use crate::meter::{Meter, Metered, TCP_OPEN_CLOSE_BYTES};
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp;
use crate::tls::{self, Handshake};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tonle_evidence::failure::Failure;

/// Port of DNS over TLS (RFC 7858, section 3.1).
pub const PORT: u16 = 853;
/// Longest wait for the connection, the handshake and both answers together.
pub const TIMEOUT: Duration = Duration::from_secs(8);
/// The application protocol's registered name.
const ALPN: &[&[u8]] = &[b"dot"];

/// A resolver, and the name that its certificate must be for.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    /// Where it is asked.
    pub address: SocketAddr,
    /// Whose certificate it must hold.
    pub name: &'a str,
}

/// Asks for both families of `host`, one after the other over one connection.
pub async fn lookup(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    resolver: Resolver<'_>,
    host: &str,
    timeout: Duration,
) -> [Asked; 2] {
    let deadline = Instant::now() + timeout;
    let [a, aaaa] = QueryType::BOTH.map(|query_type| begin(clock, resolver, host, query_type));
    let opening = open(settings, clock, meter, resolver);
    let late = Err(Unopened::from(("connect", Failure::GenericTimeout)));
    let mut stream = match timeout_at(deadline, opening).await.unwrap_or(late) {
        Ok(stream) => stream,
        Err(unopened) => return [a, aaaa].map(|step| unopened.ends(step)),
    };
    let a = asked(a, settings, &mut stream, (host, QueryType::A), deadline).await;
    let aaaa = asked(
        aaaa,
        settings,
        &mut stream,
        (host, QueryType::Aaaa),
        deadline,
    )
    .await;
    [a, aaaa]
}

/// Why there is no connection to ask over.
struct Unopened {
    broken: Broken,
    /// Whether the device has no way to the resolver: then nothing was sent.
    never_left: bool,
}

impl From<Broken> for Unopened {
    fn from(broken: Broken) -> Self {
        Self {
            broken,
            never_left: false,
        }
    }
}

impl Unopened {
    fn ends(&self, mut step: Step) -> Asked {
        if self.never_left {
            step.fact("sent", false);
        }
        broke_off(step, self.broken.clone())
    }
}

fn begin(clock: &Stopwatch, resolver: Resolver<'_>, host: &str, query_type: QueryType) -> Step {
    let mut step = Step::start(clock, "resolve", &*scrub::host(host));
    step.fact("engine", "dot");
    step.fact("transport", "tls");
    step.fact("query_type", query_type.as_str());
    step.fact("resolver", scrub::address(resolver.address.ip()));
    step.fact("port", resolver.address.port());
    step.fact("resolver_name", &*scrub::host(resolver.name));
    step
}

async fn open(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    resolver: Resolver<'_>,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + use<>, Unopened> {
    let peer = resolver.address;
    let (seen, stream) = tcp::connect(settings, clock, peer, tcp::CONNECT_TIMEOUT).await;
    let Some(stream) = stream else {
        let failure = seen.failure.unwrap_or(Failure::HostUnreachable);
        let never_left = seen.detail.get("sent").is_some_and(|sent| *sent == false);
        return Err(Unopened {
            broken: ("connect", failure),
            never_left,
        });
    };
    meter.add(TCP_OPEN_CLOSE_BYTES);
    let stream = Metered::new(stream, meter.clone());
    let wanted = Handshake {
        peer,
        server_name: resolver.name,
        alpn: ALPN,
        timeout: tls::HANDSHAKE_TIMEOUT,
    };
    let (seen, stream) = tls::handshake(settings, clock, stream, wanted).await;
    let failure = seen.failure.unwrap_or(Failure::SslFailedHandshake);
    stream.ok_or(Unopened::from(("tls_handshake", failure)))
}

async fn asked(
    mut step: Step,
    settings: &NetSettings,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    (host, query_type): (&str, QueryType),
    deadline: Instant,
) -> Asked {
    let Some(question) = Question::new(host, query_type, rand::random()) else {
        return judge::failed(step, Failure::DnsNonRecoverableFailure);
    };
    let exchanged = timeout_at(deadline, exchange(stream, &question.to_bytes())).await;
    step.result_known();
    let reply = match exchanged {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => return broke_off(step, ("exchange", classify::io_error(&error))),
        Err(_) => return broke_off(step, ("exchange", Failure::GenericTimeout)),
    };
    match question.read(&reply) {
        Reply::Answer(answer) => judge::answered(step, settings, answer),
        _ => judge::failed(step, Failure::DnsServerMisbehaving),
    }
}

/// A message behind its length, both ways (RFC 7766, section 8).
async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    message: &[u8],
) -> io::Result<Vec<u8>> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let framed = [&length.to_be_bytes()[..], message].concat();
    stream.write_all(&framed).await?;
    stream.flush().await?;
    let mut reply = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
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
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::{RootCertStore, ServerConfig};
    use serde_json::json;
    use std::sync::Arc;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// A resolver that holds a certificate for `dns.example`, and what trusts it.
    async fn resolver() -> (SocketAddr, NetSettings) {
        let names = vec!["dns.example".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                while let Ok(length) = stream.read_u16().await {
                    let mut bytes = vec![0; usize::from(length)];
                    stream.read_exact(&mut bytes).await.unwrap();
                    let question = Message::from_vec(&bytes).unwrap();
                    let reply = fake::bytes(&question, ResponseCode::NoError, &["203.0.113.1"]);
                    let length = u16::try_from(reply.len()).unwrap();
                    stream.write_u16(length).await.unwrap();
                    stream.write_all(&reply).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        });
        let settings = NetSettings {
            roots: Arc::new(roots),
            ..testing::settings()
        };
        (address, settings)
    }

    async fn asked(settings: &NetSettings, address: SocketAddr, name: &str) -> [Asked; 2] {
        lookup(
            settings,
            &Stopwatch::start(),
            &Meter::default(),
            Resolver { address, name },
            "site.example",
            TIMEOUT,
        )
        .await
    }

    #[tokio::test]
    async fn both_families_are_asked_for_over_one_connection() {
        let (address, settings) = resolver().await;
        let [a, aaaa] = asked(&settings, address, "dns.example").await;
        assert_eq!(a.observation.failure, None);
        assert_eq!(a.observation.detail["engine"], "dot");
        assert_eq!(a.observation.detail["resolver_name"], "dns.example");
        assert_eq!(a.observation.detail["addresses"], json!(["203.0.113.1"]));
        assert_eq!(aaaa.observation.failure, Some(Failure::DnsNoAnswer));
    }

    #[tokio::test]
    async fn a_resolver_under_another_name_is_not_believed() {
        let (address, settings) = resolver().await;
        let [a, _] = asked(&settings, address, "other.example").await;
        assert_eq!(a.observation.failure, Some(Failure::SslInvalidHostname));
        assert_eq!(a.observation.detail["failed_at"], "tls_handshake");
        assert!(a.addresses.is_empty());
    }

    #[tokio::test]
    async fn a_closed_port_is_where_it_broke_off() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        let [a, aaaa] = asked(&testing::settings(), address, "dns.example").await;
        assert_eq!(a.observation.failure, Some(Failure::ConnectionRefused));
        assert_eq!(aaaa.observation.detail["failed_at"], "connect");
    }
}
