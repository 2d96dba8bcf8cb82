//! The handshake step: one TLS handshake on a stream that the caller opened.
//!
//! Operation `tls_handshake`, subject `address:port`. Detail on success and failure alike, as far
//! as the handshake came: `server_name`, `version`, `cipher_suite`, `alpn`; `ech` (`absent`, `grease`)
//! where the handshake is about that extension, see [`Ech`]; and of the chain as received, verified or not: `chain_sha256` (leaf first), `leaf_names`, `leaf_issuer`,
//! `not_before_s`, `not_after_s` (seconds since the epoch).
mod certificate;
mod ech;
mod verifier;

use crate::classify;
use crate::clock::Stopwatch;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::{Seen, Step};
pub use ech::Ech;
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
pub use tokio_rustls::client::TlsStream;
use tonle_evidence::failure::Failure;
use verifier::RecordingVerifier;

/// Longest wait for a handshake (OONI Web Connectivity 0.5 waits as long).
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The application protocol of every step that does not ask for more.
pub const ALPN_HTTP1: &[&[u8]] = &[b"http/1.1"];
/// Both versions of HTTP over TCP, the newer one first.
pub const ALPN_HTTP2: &[&[u8]] = &[b"h2", b"http/1.1"];

/// What the caller wants of a handshake.
#[derive(Debug, Clone, Copy)]
pub struct Handshake<'a> {
    /// The far end of the stream, for the record.
    pub peer: SocketAddr,
    /// The name sent (SNI) and verified; an IP literal is verified and not sent.
    pub server_name: &'a str,
    /// Application protocols offered, in order.
    pub alpn: &'a [&'a [u8]],
    /// Longest wait.
    pub timeout: Duration,
}

/// Whether the handshake chose HTTP/2.
#[must_use]
pub fn speaks_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2[0])
}

/// Round trips that a full handshake of this version takes.
#[must_use]
pub fn round_trips<S>(stream: &TlsStream<S>) -> i64 {
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => 1,
        _ => 2,
    }
}

/// Shakes hands over `stream`. Never resumes a session: a measured handshake is a full one.
pub async fn handshake<S>(
    settings: &NetSettings,
    clock: &Stopwatch,
    stream: S,
    wanted: Handshake<'_>,
) -> Seen<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    shake(settings, clock, stream, wanted, Manner::default()).await
}

/// The same under a name that is not the server's own: the certificate must be for `owner`, whatever
/// name is sent. Tells what a network makes of a name from what the server makes of it.
pub async fn handshake_as<S>(
    settings: &NetSettings,
    clock: &Stopwatch,
    stream: S,
    wanted: Handshake<'_>,
    owner: &ServerName<'static>,
) -> Seen<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let manner = Manner {
        owner: Some(owner.clone()),
        ech: None,
    };
    shake(settings, clock, stream, wanted, manner).await
}

/// The same by TLS 1.3 alone, with the extension of Encrypted Client Hello or without: tells what a
/// network makes of the extension.
pub async fn handshake_with_ech<S>(
    settings: &NetSettings,
    clock: &Stopwatch,
    stream: S,
    wanted: Handshake<'_>,
    owner: &ServerName<'static>,
    ech: Ech,
) -> Seen<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let manner = Manner {
        owner: Some(owner.clone()),
        ech: Some(ech),
    };
    shake(settings, clock, stream, wanted, manner).await
}

/// How a handshake differs from an ordinary one.
#[derive(Debug, Default)]
struct Manner {
    /// Whose certificate it must be, where that is not the name that is sent.
    owner: Option<ServerName<'static>>,
    /// Set where it is about the extension.
    ech: Option<Ech>,
}

async fn shake<S>(
    settings: &NetSettings,
    clock: &Stopwatch,
    stream: S,
    wanted: Handshake<'_>,
    manner: Manner,
) -> Seen<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut step = Step::start(clock, "tls_handshake", scrub::endpoint(wanted.peer));
    step.fact("server_name", &*scrub::host(wanted.server_name));
    if let Some(ech) = manner.ech {
        step.fact("ech", ech.as_str());
    }
    let bare = wanted
        .server_name
        .trim_start_matches('[')
        .trim_end_matches(']');
    let Ok(name) = ServerName::try_from(bare.to_owned()) else {
        return (step.fail(Failure::SslInvalidHostname), None);
    };
    let (config, verifier) = match config(settings, wanted.alpn, manner) {
        Ok(made) => made,
        Err(text) => return (step.fail(classify::unknown(&text)), None),
    };
    let shaking = TlsConnector::from(config).connect(name, stream);
    let shaken = tokio::time::timeout(wanted.timeout, shaking).await;
    step.result_known();
    for (key, value) in certificate::facts(&verifier.chain()) {
        step.fact(&key, value);
    }
    match shaken {
        Ok(Ok(stream)) => {
            note_negotiated(&mut step, stream.get_ref().1);
            (step.succeed(), Some(stream))
        }
        Ok(Err(error)) => (step.fail(classify::io_error(&error)), None),
        Err(_) => (step.fail(Failure::GenericTimeout), None),
    }
}

/// The bytes of a `ClientHello` that shows `name`, as a handshake sends it first.
pub fn client_hello(
    settings: &NetSettings,
    name: &ServerName<'static>,
    alpn: &[&[u8]],
) -> Result<Vec<u8>, String> {
    let (config, _) = config(settings, alpn, Manner::default())?;
    let mut connection =
        ClientConnection::new(config, name.clone()).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    connection
        .write_tls(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn config(
    settings: &NetSettings,
    alpn: &[&[u8]],
    manner: Manner,
) -> Result<(Arc<ClientConfig>, Arc<RecordingVerifier>), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = RecordingVerifier::new(settings.roots.clone(), provider.clone(), manner.owner)
        .map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = match manner.ech {
        None => builder.with_safe_default_protocol_versions(),
        Some(ech) => ech.offer(builder),
    };
    let mut config = builder
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok((Arc::new(config), verifier))
}

fn note_negotiated(step: &mut Step, connection: &ClientConnection) {
    if let Some(version) = connection
        .protocol_version()
        .and_then(|version| version.as_str())
    {
        step.fact("version", version);
    }
    if let Some(suite) = connection
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str())
    {
        step.fact("cipher_suite", suite);
    }
    if let Some(alpn) = connection.alpn_protocol() {
        step.fact("alpn", Value::from(String::from_utf8_lossy(alpn)));
    }
}

#[cfg(test)]
mod tests;
