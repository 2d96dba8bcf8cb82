//! TLS of the built-in services.
use crate::trust::Leaf;
use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Protocols (ALPN, RFC 7301) of an HTTP server, the preferred one first.
pub(super) const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];

/// Time for a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn acceptor(leaf: &Leaf, protocols: &[&[u8]]) -> Result<TlsAcceptor, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate()], leaf.key())?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
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
