//! The QUIC step: one Initial with a ClientHello that shows a server name, and whether a server answers.
//!
//! Operation `quic_initial`, subject `address:port`. Detail: `server_name`, `sent` (false where nothing
//! left), `packets` (how often it was sent), `answer` (`initial`, `handshake`, `retry`,
//! `version_negotiation`). The connection is not completed: that a server answers at all is what is
//! asked, and it is told at once that nothing more comes.
mod packet;

use crate::classify;
use crate::clock::Stopwatch;
use crate::meter::{Meter, UDP_OVERHEAD_BYTES};
use crate::scrub;
use crate::settings::NetSettings;
use crate::step::Step;
use crate::tcp::has_route;
use packet::{Answer, CLOSE_FRAME, Ids};
use rustls::ClientConfig;
use rustls::quic::{ClientConnection, Version};
use rustls_pki_types::ServerName;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tonle_evidence::failure::Failure;
use tonle_evidence::observation::Observation;

/// How long an answer is waited for after each sending (RFC 9002, section 6.2.4: repeated, each time
/// twice as long).
const WAITS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Most bytes of a probe on the line: what is sent, and three times as much that a server may answer
/// to an address that it does not know yet (RFC 9000, section 8.1).
pub const PROBE_BYTES: u64 = 4 * 4 * (1_200 + UDP_OVERHEAD_BYTES);
/// Application protocol of HTTP/3.
const ALPN_HTTP3: &[u8] = b"h3";

/// Sends an Initial for `server_name` and waits for an answer.
pub async fn probe(
    settings: &NetSettings,
    clock: &Stopwatch,
    meter: &Meter,
    peer: SocketAddr,
    server_name: &ServerName<'static>,
) -> Observation {
    let mut step = Step::start(clock, "quic_initial", scrub::endpoint(peer));
    step.fact("server_name", &*scrub::host(&server_name.to_str()));
    if !settings.may_contact(peer.ip()) {
        step.fact("contacted", false);
        return step.fail(Failure::DnsBogon);
    }
    let ids = Ids {
        server: rand::random(),
        client: rand::random(),
    };
    let made = datagrams(settings, &ids, server_name);
    let (hello, close) = match made {
        Ok(made) => made,
        Err(error) => return step.fail(classify::unknown(&error.to_string())),
    };
    let socket = match open(peer).await {
        Ok(socket) => socket,
        Err(error) => return not_sent(step, peer, &error),
    };
    for (times, wait) in (1..).zip(WAITS) {
        if let Err(error) = socket.send(&hello).await {
            return not_sent(step, peer, &error);
        }
        count(meter, hello.len());
        step.fact("packets", times);
        match timeout(wait, answer(&socket, &ids, meter)).await {
            Ok(Ok(answer)) => {
                step.result_known();
                step.fact("answer", answer.as_str());
                // Only spares the server its repetitions: whether it arrives changes nothing.
                if socket.send(&close).await.is_ok() {
                    count(meter, close.len());
                }
                return step.succeed();
            }
            Ok(Err(error)) => return step.fail(classify::io_error(&error)),
            Err(_) => {}
        }
    }
    step.fail(Failure::GenericTimeout)
}

fn count(meter: &Meter, bytes: usize) {
    meter.add(bytes as u64 + UDP_OVERHEAD_BYTES);
}

fn not_sent(mut step: Step, peer: SocketAddr, error: &io::Error) -> Observation {
    if !has_route(peer.ip()) {
        step.fact("sent", false);
    }
    step.fail(classify::io_error(error))
}

/// The Initial with the ClientHello, and the one that closes.
fn datagrams(
    settings: &NetSettings,
    ids: &Ids,
    server_name: &ServerName<'static>,
) -> Result<(Vec<u8>, Vec<u8>), rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(settings.roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_HTTP3.to_vec()];
    let parameters = packet::transport_parameters(ids);
    let mut connection = ClientConnection::new(
        Arc::new(config),
        Version::V1,
        server_name.clone(),
        parameters,
    )?;
    let mut hello = Vec::new();
    // No key changes before the server has spoken.
    let _ = connection.write_hs(&mut hello);
    let frame = packet::crypto_frame(&hello)
        .ok_or_else(|| rustls::Error::General("the ClientHello is too long".to_owned()))?;
    Ok((
        packet::initial(ids, 0, &frame)?,
        packet::initial(ids, 1, &CLOSE_FRAME)?,
    ))
}

async fn open(peer: SocketAddr) -> io::Result<UdpSocket> {
    let own: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((own, 0)).await?;
    socket.connect(peer).await?;
    Ok(socket)
}

/// The first datagram that answers us.
async fn answer(socket: &UdpSocket, ids: &Ids, meter: &Meter) -> io::Result<Answer> {
    let mut buffer = [0; 2_048];
    loop {
        let length = socket.recv(&mut buffer).await?;
        count(meter, length);
        if let Some(answer) = packet::read_answer(&buffer[..length], ids) {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    /// A server that answers every datagram with what `answer` makes of it.
    async fn probed(answer: fn(&[u8]) -> Vec<u8>) -> Observation {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let peer = server.local_addr().unwrap();
        let answering = async {
            let mut buffer = [0; 2_048];
            loop {
                let (length, from) = server.recv_from(&mut buffer).await.unwrap();
                server
                    .send_to(&answer(&buffer[..length]), from)
                    .await
                    .unwrap();
            }
        };
        let name = ServerName::try_from("site.example").unwrap();
        let (settings, clock, meter) = (settings(), Stopwatch::start(), Meter::default());
        let probing = probe(&settings, &clock, &meter, peer, &name);
        let seen = tokio::select! {
            seen = probing => seen,
            () = answering => unreachable!("it answers for ever"),
        };
        assert!(meter.bytes() <= PROBE_BYTES);
        seen
    }

    /// Version Negotiation (RFC 9000, section 17.2.1): ids the other way round, and a version.
    fn negotiation(initial: &[u8]) -> Vec<u8> {
        let mut answer = vec![0x80, 0, 0, 0, 0, 8];
        answer.extend(&initial[15..23]);
        answer.push(8);
        answer.extend(&initial[6..14]);
        answer.extend([0x0a, 0x0a, 0x0a, 0x0a]);
        answer
    }

    #[tokio::test]
    async fn a_server_that_answers_is_reached() {
        let seen = probed(negotiation).await;
        assert_eq!(seen.failure, None);
        assert_eq!(seen.detail["answer"], "version_negotiation");
        assert_eq!(seen.detail["packets"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_unchanged_is_no_answer() {
        let seen = probed(<[u8]>::to_vec).await;
        assert_eq!(seen.failure, Some(Failure::GenericTimeout));
        assert_eq!(seen.detail["packets"], 3);
    }

    #[tokio::test]
    async fn a_closed_port_is_refused() {
        let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let peer = gone.local_addr().unwrap();
        drop(gone);
        let name = ServerName::try_from("site.example").unwrap();
        let seen = probe(
            &settings(),
            &Stopwatch::start(),
            &Meter::default(),
            peer,
            &name,
        )
        .await;
        assert_eq!(seen.failure, Some(Failure::ConnectionRefused));
    }
}
