//! The echo step: one ICMP echo request and its reply, by an unprivileged datagram socket where the
//! system permits it, else by a raw one.
//!
//! Operation `icmp_echo`, subject the address. Detail: `probe` (`icmp_datagram` | `icmp_raw`),
//! `sequence`, and `sent: false` when the device has no way to the address. The round-trip time is
//! the duration of the observation: from before the send to the moment the reply was seen, both in
//! user space. surge-ping stands behind it; its own time starts after the send and is not used.
use crate::classify;
use crate::clock::Stopwatch;
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp::has_route;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// Bytes of payload, as `ping` sends.
const PAYLOAD_BYTES: usize = 56;
/// Bytes on the line of one echo, either way (IPv4 and ICMP headers with the payload).
pub const ECHO_BYTES: u64 = 20 + 8 + PAYLOAD_BYTES as u64;

/// Why no echo can be sent to an address.
#[derive(Debug, thiserror::Error)]
pub enum CannotPing {
    /// Neither socket is permitted to this user.
    #[error("the system permits no ICMP socket to this user")]
    NotPermitted,
    /// The address is not on the Internet (see [`NetSettings::may_contact`]).
    #[error("the address is not on the Internet")]
    SpecialAddress,
    /// The system cannot make the socket.
    #[error("cannot open an ICMP socket: {0}")]
    Socket(io::Error),
}

/// Echoes to one address. Each has a socket of its own, because with datagram sockets the kernel
/// gives the identifier and two probers of one address would take each other's replies.
pub struct Pinger {
    client: Client,
    target: IpAddr,
    identifier: PingIdentifier,
}

impl Pinger {
    /// Opens a datagram socket, else a raw one.
    pub fn open(settings: &NetSettings, target: IpAddr) -> Result<Self, CannotPing> {
        if !settings.may_contact(target) {
            return Err(CannotPing::SpecialAddress);
        }
        let kind = match target {
            IpAddr::V4(_) => ICMP::V4,
            IpAddr::V6(_) => ICMP::V6,
        };
        let config = Config::builder()
            .kind(kind)
            .sock_type_hint(socket2::Type::DGRAM)
            .build();
        let client = Client::new(&config).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => CannotPing::NotPermitted,
            _ => CannotPing::Socket(error),
        })?;
        Ok(Self {
            client,
            target,
            identifier: PingIdentifier(rand::random()),
        })
    }

    /// Which socket it was: `icmp_datagram` or `icmp_raw`.
    #[must_use]
    pub fn probe(&self) -> &'static str {
        if self.client.get_socket().get_type() == socket2::Type::RAW {
            "icmp_raw"
        } else {
            "icmp_datagram"
        }
    }

    /// Sends one echo and waits for its reply. Echoes may overlap; each needs its own sequence
    /// number.
    pub async fn echo(&self, clock: &Stopwatch, sequence: u16, timeout: Duration) -> Observation {
        let mut pinger = self.client.pinger(self.target, self.identifier).await;
        pinger.timeout(timeout);
        let mut step = Step::start(clock, "icmp_echo", scrub::address(self.target));
        let answered = pinger
            .ping(PingSequence(sequence), &[0; PAYLOAD_BYTES])
            .await;
        step.result_known();
        step.fact("probe", self.probe());
        step.fact("sequence", sequence);
        let failure = match answered {
            Ok((packet, _)) => failure_of_reply(&packet),
            Err(SurgeError::Timeout { .. }) => Some(Failure::GenericTimeout),
            Err(SurgeError::IOError(error)) => {
                if !has_route(self.target) {
                    step.fact("sent", false);
                }
                Some(classify::io_error(&error))
            }
            Err(other) => Some(classify::unknown(&other.to_string())),
        };
        match failure {
            None => step.succeed(),
            Some(failure) => step.fail(failure),
        }
    }
}

/// What an ICMP message that answers our echo says: `None` for an echo reply; routers on the way
/// answer with errors (RFC 792, RFC 4443), which only a raw socket hears.
fn failure_of_reply(packet: &IcmpPacket) -> Option<Failure> {
    let (kind, code) = match packet {
        IcmpPacket::V4(v4) => (v4.get_icmp_type().0, v4.get_icmp_code().0),
        IcmpPacket::V6(v6) => (v6.get_icmpv6_type().0, v6.get_icmpv6_code().0),
    };
    match (packet, kind, code) {
        (IcmpPacket::V4(_), 0, _) | (IcmpPacket::V6(_), 129, _) => None,
        (IcmpPacket::V4(_), 3, 0) | (IcmpPacket::V6(_), 1, 0) => Some(Failure::NetworkUnreachable),
        (IcmpPacket::V4(_), 3, _) | (IcmpPacket::V6(_), 1, _) => Some(Failure::HostUnreachable),
        _ => Some(classify::unknown(&format!("icmp type {kind} code {code}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;
    use std::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Whether the system permits an ICMP socket to this process: by asking the kernel for one.
    fn permitted() -> bool {
        [socket2::Type::DGRAM, socket2::Type::RAW]
            .into_iter()
            .any(|kind| {
                socket2::Socket::new(socket2::Domain::IPV4, kind, Some(socket2::Protocol::ICMPV4))
                    .is_ok()
            })
    }

    #[tokio::test]
    async fn an_echo_is_answered_or_the_system_does_not_permit_it() {
        match Pinger::open(&settings(), LOOPBACK) {
            Ok(pinger) => {
                assert!(permitted());
                let seen = pinger
                    .echo(&Stopwatch::start(), 65_535, Duration::from_secs(3))
                    .await;
                assert_eq!(seen.failure, None);
                assert_eq!(seen.operation, "icmp_echo");
                assert_eq!(seen.subject.as_deref(), Some("loopback"));
                assert_eq!(seen.detail["probe"], pinger.probe());
                assert_eq!(seen.detail["sequence"], 65_535);
            }
            Err(error) => {
                assert!(!permitted());
                assert!(matches!(error, CannotPing::NotPermitted), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn a_special_address_is_not_pinged() {
        let mut strict = settings();
        strict.allow_loopback = false;
        assert!(matches!(
            Pinger::open(&strict, LOOPBACK),
            Err(CannotPing::SpecialAddress)
        ));
    }
}
