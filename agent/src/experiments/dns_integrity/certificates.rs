//! The addresses that were answered for the target, asked for its certificate: who holds a valid one is
//! the site or its content network (Tsai and others, `CERTainty`, PETS 2023). What fails otherwise than
//! by its certificate is tried once more after a pause.
use super::{Label, PAUSE, Trial};
use crate::contrast::{HANDSHAKE_BYTES, pause};
use crate::steps::left_device;
use futures_util::future::join_all;
use std::net::{IpAddr, SocketAddr};
use tonle_evidence::failure::Failure;
use tonle_net::meter::{Metered, TCP_OPEN_CLOSE_BYTES};
use tonle_net::tcp::{self, has_route};
use tonle_net::tls::{self, ALPN_HTTP1, Handshake};

/// Attempts at an address.
const ATTEMPTS: u32 = 2;
/// Most addresses that are asked, of those that came over an encrypted way.
const IN_PRIVATE_MAX: usize = 4;
/// Most of those that came in clear.
const IN_CLEAR_MAX: usize = 8;

/// Asks all of them side by side.
pub(super) async fn check(trial: &Trial<'_>, in_private: &[IpAddr], in_clear: &[IpAddr]) {
    let mut peers: Vec<IpAddr> = Vec::new();
    let ways = [(in_private, IN_PRIVATE_MAX), (in_clear, IN_CLEAR_MAX)];
    for (addresses, most) in ways {
        let until = peers.len() + most;
        for address in addresses {
            let is_fit = trial.run.net.may_contact(*address) && has_route(*address);
            if is_fit && peers.len() < until && !peers.contains(address) {
                peers.push(*address);
            }
        }
    }
    let checks = peers.iter().enumerate();
    join_all(checks.map(|(which, address)| ask(trial, which, *address))).await;
}

async fn ask(trial: &Trial<'_>, which: usize, address: IpAddr) {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            pause(trial.run, PAUSE).await;
        }
        if !trial.may_spend(HANDSHAKE_BYTES) {
            return;
        }
        let label = Label {
            asked: "answered",
            which,
            question: "target",
            round: attempt,
        };
        if shake(trial, label, address).await {
            return;
        }
    }
}

/// Whether a certificate came, be it another's.
async fn shake(trial: &Trial<'_>, label: Label, address: IpAddr) -> bool {
    let run = trial.run;
    let peer = SocketAddr::new(address, trial.names.port);
    let (mut seen, stream) = tcp::connect(&run.net, &run.clock, peer, tcp::CONNECT_TIMEOUT).await;
    if left_device(&seen) {
        run.count_bytes(TCP_OPEN_CLOSE_BYTES);
    }
    label.put_on(&mut seen);
    run.observe(seen);
    let Some(stream) = stream else {
        return false;
    };
    let stream = Metered::new(stream, run.meter.clone());
    let wanted = Handshake {
        peer,
        server_name: &trial.names.target,
        alpn: ALPN_HTTP1,
        timeout: tls::HANDSHAKE_TIMEOUT,
    };
    let (mut seen, _) = tls::handshake(&run.net, &run.clock, stream, wanted).await;
    let has_come = matches!(
        seen.failure,
        None | Some(
            Failure::SslInvalidHostname
                | Failure::SslUnknownAuthority
                | Failure::SslInvalidCertificate
        )
    );
    label.put_on(&mut seen);
    run.observe(seen);
    has_come
}
