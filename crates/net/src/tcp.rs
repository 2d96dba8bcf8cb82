//! The connect step: one TCP connection to one address, nothing raced or retried.
//!
//! Operation `connect`, subject `address:port`. Detail: `contacted: false` when the address was
//! refused by our own rule, `sent: false` when the device has no way to that address, so that
//! nothing left it.
use crate::classify;
use crate::clock::Stopwatch;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::{Seen, Step};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tonle_evidence::failure::Failure;

/// Longest wait for a connection (OONI Web Connectivity 0.5 waits as long).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to `peer`. The stream has Nagle's algorithm off: a measured request must leave at once.
pub async fn connect(
    settings: &NetSettings,
    clock: &Stopwatch,
    peer: SocketAddr,
    timeout: Duration,
) -> Seen<TcpStream> {
    let mut step = Step::start(clock, "connect", scrub::endpoint(peer));
    if !settings.may_contact(peer.ip()) {
        step.fact("contacted", false);
        return (step.fail(Failure::DnsBogon), None);
    }
    let connected = tokio::time::timeout(timeout, TcpStream::connect(peer)).await;
    step.result_known();
    let error = match connected {
        Ok(Ok(stream)) => match stream.set_nodelay(true) {
            Ok(()) => return (step.succeed(), Some(stream)),
            Err(error) => error,
        },
        Ok(Err(error)) => error,
        Err(_) => return (step.fail(Failure::GenericTimeout), None),
    };
    if !has_route(peer.ip()) {
        step.fact("sent", false);
    }
    (step.fail(classify::io_error(&error)), None)
}

/// Whether the device itself has a way towards `address`: an interface that is up, an address of
/// the family and a route. Sends nothing. Tells "this device is offline" from "the network says
/// that it cannot get there", which the socket reports by the same error.
#[must_use]
pub fn has_route(address: IpAddr) -> bool {
    let unspecified: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    std::net::UdpSocket::bind((unspecified, 0))
        .and_then(|socket| socket.connect((address, 9)))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_listening_peer_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        let (observation, stream) =
            connect(&settings(), &Stopwatch::start(), peer, CONNECT_TIMEOUT).await;
        assert_eq!(observation.failure, None);
        assert_eq!(observation.operation, "connect");
        assert_eq!(
            observation.subject,
            Some(format!("loopback:{}", peer.port()))
        );
        assert!(stream.unwrap().nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_closed_port_is_connection_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        drop(listener);
        let (observation, stream) =
            connect(&settings(), &Stopwatch::start(), peer, CONNECT_TIMEOUT).await;
        assert_eq!(observation.failure, Some(Failure::ConnectionRefused));
        assert!(!observation.detail.contains_key("sent"));
        assert!(stream.is_none());
    }

    #[tokio::test]
    async fn a_special_address_is_not_contacted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut strict = settings();
        strict.allow_loopback = false;
        for peer in [
            listener.local_addr().unwrap(),
            "192.168.1.1:80".parse().unwrap(),
        ] {
            let (observation, stream) =
                connect(&strict, &Stopwatch::start(), peer, CONNECT_TIMEOUT).await;
            assert_eq!(observation.failure, Some(Failure::DnsBogon));
            assert_eq!(observation.detail["contacted"], false);
            assert!(stream.is_none());
        }
        let untouched = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(untouched.is_err(), "something connected");
    }

    #[test]
    fn loopback_has_a_route() {
        assert!(has_route(Ipv4Addr::LOCALHOST.into()));
    }
}
