//! TLS of the built-in services.
use crate::trust::Leaf;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Protocols (ALPN, RFC 7301) of an HTTP server, the preferred one first.
pub(super) const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];

/// Time for a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Shows `leaf`, or the one of `by_name` whose name, in lower case, a client asks for.
pub(super) fn acceptor(
    leaf: &Leaf,
    by_name: &[(String, Leaf)],
    protocols: &[&[u8]],
) -> Result<TlsAcceptor, rustls::Error> {
    let config = server_config(leaf, by_name, protocols)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The same as a configuration.
pub(super) fn server_config(
    leaf: &Leaf,
    by_name: &[(String, Leaf)],
    protocols: &[&[u8]],
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = |leaf: &Leaf| {
        CertifiedKey::from_der(vec![leaf.certificate()], leaf.key(), &provider).map(Arc::new)
    };
    let named = by_name
        .iter()
        .map(|(name, leaf)| Ok((name.clone(), key(leaf)?)));
    let shown = Shown {
        by_name: named.collect::<Result<_, rustls::Error>>()?,
        otherwise: key(leaf)?,
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// The certificates of a service. That of rustls refuses certificates for other names than asked for.
#[derive(Debug)]
struct Shown {
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
    otherwise: Arc<CertifiedKey>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let named = name.and_then(|name| self.by_name.get(&name));
        Some(Arc::clone(named.unwrap_or(&self.otherwise)))
    }
}

/// The handshake; none: it failed or took too long.
pub(super) async fn handshake(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> Option<TlsStream<TcpStream>> {
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
    handshake.await.ok()?.ok()
}

/// Whether HTTP/2 was chosen.
pub(super) fn chose_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}
