//! Whether a host answers an echo at all: up or down, no time that anybody may cite.
use crate::settings::NetSettings;
use std::net::IpAddr;
use std::time::Duration;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence};

/// What a host does with an echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It answered.
    Answers,
    /// No reply came in time, or a router said that there is no way to it.
    Silent,
    /// This device may not ask: the system permits no ICMP socket, or the address is not one to
    /// contact (see [`NetSettings::may_contact`]).
    MayNotAsk,
}

/// Asks once.
pub async fn reachable(settings: &NetSettings, host: IpAddr, timeout: Duration) -> Reach {
    if !settings.may_contact(host) {
        return Reach::MayNotAsk;
    }
    let kind = match host {
        IpAddr::V4(_) => ICMP::V4,
        IpAddr::V6(_) => ICMP::V6,
    };
    let config = Config::builder()
        .kind(kind)
        .sock_type_hint(socket2::Type::DGRAM)
        .build();
    let Ok(client) = Client::new(&config) else {
        return Reach::MayNotAsk;
    };
    let mut pinger = client.pinger(host, PingIdentifier(rand::random())).await;
    pinger.timeout(timeout);
    match pinger.ping(PingSequence(0), &[]).await {
        Ok((packet, _)) if is_reply(&packet) => Reach::Answers,
        _ => Reach::Silent,
    }
}

/// Routers on the way answer with errors, which a raw socket hears as well.
fn is_reply(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(v4) => v4.get_icmp_type().0 == 0,
        IcmpPacket::V6(v6) => v6.get_icmpv6_type().0 == 129,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icmp::EchoSocket;
    use crate::testing::settings;

    #[tokio::test]
    async fn loopback_answers_where_asking_is_permitted() {
        for host in ["127.0.0.1", "::1"] {
            let host = host.parse().unwrap();
            let expected = match EchoSocket::open(&settings(), host) {
                Ok(_) => Reach::Answers,
                Err(_) => Reach::MayNotAsk,
            };
            let found = reachable(&settings(), host, Duration::from_secs(3)).await;
            assert_eq!(found, expected, "{host}");
        }
    }

    #[tokio::test]
    async fn a_special_address_is_not_asked() {
        let mut strict = settings();
        strict.allow_loopback = false;
        let asked = reachable(&strict, [192, 168, 1, 1].into(), Duration::from_secs(3));
        assert_eq!(asked.await, Reach::MayNotAsk);
    }
}
