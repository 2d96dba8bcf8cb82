//! A channel to a server that is no target of the measurement but helps it: a control, a resolver
//! over HTTPS. No step of its own: the caller times and records what it asks for.
use super::channel::Channel;
use crate::clock::Stopwatch;
use crate::meter::{Meter, Metered, TCP_OPEN_CLOSE_BYTES};
use crate::settings::NetSettings;
use crate::tcp;
use crate::tls::{self, ALPN_HTTP2, Handshake};
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use url::Url;

/// Most addresses that are tried.
const ADDRESSES_MAX: usize = 4;

/// Where it broke off, by the operation of the step, and why.
pub type Broken = (&'static str, Failure);

/// Opens a channel to the server of `url` at the first of its addresses that lets us; over TLS where
/// the URL says so, with HTTP/2 where the server speaks it.
pub async fn reach(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    (url, addresses): (&Url, &[IpAddr]),
    user_agent: &'static str,
) -> Result<Channel, Broken> {
    let port = url.port_or_known_default().unwrap_or(443);
    let mut failure = Failure::DnsNoAnswer;
    for address in addresses.iter().take(ADDRESSES_MAX) {
        let peer = SocketAddr::new(*address, port);
        meter.add(TCP_OPEN_CLOSE_BYTES);
        let (seen, stream) = tcp::connect(settings, clock, peer, tcp::CONNECT_TIMEOUT).await;
        let Some(stream) = stream else {
            failure = seen.failure.unwrap_or(Failure::HostUnreachable);
            continue;
        };
        let stream = Metered::new(stream, meter.clone());
        if url.scheme() != "https" {
            let opened = Channel::open(stream, false, user_agent).await;
            return opened.map_err(|failure| ("http_request", failure));
        }
        let wanted = Handshake {
            peer,
            server_name: url.host_str().unwrap_or_default(),
            alpn: ALPN_HTTP2,
            timeout: tls::HANDSHAKE_TIMEOUT,
        };
        let (seen, stream) = tls::handshake(settings, clock, stream, wanted).await;
        let Some(stream) = stream else {
            let failure = seen.failure.unwrap_or(Failure::SslFailedHandshake);
            return Err(("tls_handshake", failure));
        };
        let http2 = tls::speaks_http2(&stream);
        let opened = Channel::open(stream, http2, user_agent).await;
        return opened.map_err(|failure| ("http_request", failure));
    }
    Err(("connect", failure))
}
