//! From where resolvers ask on our behalf: a name whose answer is the address that asked.
//!
//! Operation `resolver_identity`, subject the name. Detail: `resolver` (`system`, or the public
//! resolver that was asked), `addresses` (their networks only, [`network_of`]), `remembered: true`
//! when it was asked less than 45 seconds before.
use super::Every;
use crate::steps::left_device;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::time::Instant;
use tonle_evidence::observation::{Detail, Observation};
use tonle_net::dns::{Asked, Patience, QueryType, query};
use tonle_net::scrub;

/// The name under which the system's lookup is remembered and recorded.
const SYSTEM: &str = "system";

impl Every<'_> {
    /// Asks through the system and through the public resolver of this page, side by side.
    pub(super) async fn identities(&self, resolver: Option<SocketAddr>) {
        let Some(name) = self.visitor.run.openness.whoami.clone() else {
            return;
        };
        let by_system = self.identity(&name, SYSTEM, self.system_says(&name));
        let by_udp = async {
            let Some(resolver) = resolver else { return };
            let written = scrub::endpoint(resolver);
            let run = self.visitor.run;
            let asked = async {
                let question = (name.as_str(), QueryType::A);
                let patience = Patience::FIRST_ANSWER;
                let asked = query(
                    &run.net, &run.clock, &run.meter, resolver, question, patience,
                );
                vec![asked.await]
            };
            self.identity(&name, &written, asked).await;
        };
        tokio::join!(by_system, by_udp);
    }

    /// What one resolver says, asked only where it was not asked a moment ago.
    async fn identity(&self, name: &str, resolver: &str, ask: impl Future<Output = Vec<Asked>>) {
        let run = self.visitor.run;
        if let Some(mut said) = run.openness.remembered(resolver, Instant::now()) {
            let now_us = run.clock.elapsed_us();
            (said.t_start_us, said.t_end_us) = (now_us, now_us);
            said.detail.insert("remembered".to_owned(), true.into());
            run.observe(said);
            return;
        }
        let said = identity_of(name, resolver, &ask.await);
        run.openness
            .remember(resolver, said.clone(), Instant::now());
        run.observe(said);
    }
}

fn identity_of(name: &str, resolver: &str, asked: &[Asked]) -> Observation {
    let seen = || asked.iter().map(|one| &one.observation);
    let addresses: Vec<IpAddr> = asked.iter().flat_map(|one| one.addresses.clone()).collect();
    let failure = seen().find_map(|one| one.failure.clone());
    let mut written: Vec<String> = addresses.into_iter().map(network_of).collect();
    written.dedup();
    let mut detail = Detail::new();
    detail.insert("resolver".to_owned(), resolver.into());
    let failure = failure.filter(|_| written.is_empty());
    if !written.is_empty() {
        detail.insert("addresses".to_owned(), written.into());
    }
    if !seen().any(left_device) {
        detail.insert("sent".to_owned(), false.into());
    }
    Observation {
        t_start_us: seen().map(|one| one.t_start_us).min().unwrap_or(0),
        t_end_us: seen().map(|one| one.t_end_us).max().unwrap_or(0),
        operation: "resolver_identity".to_owned(),
        subject: Some(name.to_owned()),
        failure,
        detail,
    }
}

/// The first address of the /24 or /48 that an address lies in. It tells the operator of a resolver
/// as well as the address does, and is nobody's own where a resolver of the household asks for
/// itself.
fn network_of(address: IpAddr) -> String {
    let network: IpAddr = match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    };
    scrub::address(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_its_network_is_written() {
        for (address, written) in [
            ("203.0.113.77", "203.0.113.0"),
            ("2a01:4f8:1:2::9", "2a01:4f8:1::"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("192.168.1.7", "lan"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()), written);
        }
    }
}
