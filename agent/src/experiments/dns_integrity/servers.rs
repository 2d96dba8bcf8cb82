//! Who is asked: the resolvers of the device, and a few public ones.
use super::Run;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::net::{IpAddr, SocketAddr};

/// Most public resolvers of a run.
const PUBLIC_MAX: usize = 3;
/// Port of resolvers.
pub(super) const DNS_PORT: u16 = 53;

/// Somebody who is asked in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server {
    /// Where.
    pub(super) address: SocketAddr,
    /// `configured`, `public` or `silent`.
    pub(super) asked: &'static str,
    /// Which of these.
    pub(super) which: usize,
    /// Whether it is a public resolver, whoever chose it: it may filter by a policy of its own.
    pub(super) is_public: bool,
}

/// The resolvers of a run, the device's own first. Of public ones those that can also be asked over
/// TLS come first, so that a resolver can be held against itself; else the run's seed draws.
pub(super) fn of(run: &Run) -> Vec<Server> {
    let known = known_public(run);
    let configured = run.net.resolvers.iter().enumerate();
    let mut servers: Vec<Server> = configured
        .map(|(which, address)| Server {
            address: *address,
            asked: "configured",
            which,
            is_public: known.contains(&address.ip()),
        })
        .collect();
    let is_configured = |address: &IpAddr| run.net.resolvers.iter().any(|own| own.ip() == *address);
    let mut others: Vec<IpAddr> = known
        .iter()
        .copied()
        .filter(|address| !is_configured(address) && run.net.may_contact(*address))
        .collect();
    others.shuffle(&mut StdRng::seed_from_u64(run.seed));
    let speaks_tls = |address: &IpAddr| {
        run.openness
            .trials
            .dot
            .iter()
            .any(|(dot, _)| dot == address)
    };
    others.sort_by_key(|address| !speaks_tls(address));
    let public = others.into_iter().take(PUBLIC_MAX).enumerate();
    servers.extend(public.map(|(which, address)| Server {
        address: SocketAddr::new(address, DNS_PORT),
        asked: "public",
        which,
        is_public: true,
    }));
    servers
}

/// Every public resolver that the lists or the configuration name, each once.
fn known_public(run: &Run) -> Vec<IpAddr> {
    let listed = run.net.public_resolvers.iter().copied();
    let in_clear = run.openness.resolvers.iter().map(SocketAddr::ip);
    let over_tls = run.openness.trials.dot.iter().map(|(address, _)| *address);
    let mut known: Vec<IpAddr> = Vec::new();
    for address in listed.chain(in_clear).chain(over_tls) {
        if !known.contains(&address) {
            known.push(address);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::{net, run_with};
    use crate::openness::{Openness, Trials};
    use tonle_net::settings::NetSettings;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn those_that_speak_tls_come_first_and_a_public_one_of_the_device_is_known_as_such() {
        let net = NetSettings {
            resolvers: vec![
                "192.168.1.1:53".parse().unwrap(),
                "8.8.8.8:53".parse().unwrap(),
            ],
            public_resolvers: vec![ip("8.8.4.4"), ip("1.0.0.1"), ip("208.67.222.222")],
            ..net()
        };
        let run = run_with(net).compared_with(Openness {
            trials: Trials {
                dot: vec![
                    (ip("8.8.8.8"), "dns.google".into()),
                    (ip("1.1.1.1"), "one.one.one.one".into()),
                ],
                ..Trials::default()
            },
            ..Openness::default()
        });
        let servers = of(&run);
        let public: Vec<bool> = servers.iter().map(|one| one.is_public).collect();
        assert_eq!(public, [false, true, true, true, true]);
        assert_eq!(servers[2].address.ip(), ip("1.1.1.1"));
        assert_eq!(servers[2].which, 0);
    }
}
