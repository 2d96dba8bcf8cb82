//! Where a helper stands that is no target: a resolver over HTTPS, a control. What leads there is the
//! device's own affair and is not recorded.
use crate::experiments::Run;
use crate::steps::left_device;
use std::net::IpAddr;
use tonle_evidence::failure::Failure;
use tonle_net::dns::{Asked, Patience, resolve_host, system};
use tonle_net::tcp::has_route;
use url::{Host, Url};

/// Where a helper is.
#[derive(Debug)]
pub struct Whereabouts {
    /// Its addresses, or why there are none.
    pub addresses: Result<Vec<IpAddr>, Failure>,
    /// Whether the device has no way to it, so that nothing leaves the device.
    pub is_out_of_reach: bool,
}

impl Whereabouts {
    /// Of a URL that gives an address there is nothing to ask.
    #[must_use]
    pub fn of_literal(url: &Url) -> Option<Self> {
        let literal: IpAddr = match url.host()? {
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
            Host::Domain(_) => return None,
        };
        Some(Self {
            is_out_of_reach: !has_route(literal),
            addresses: Ok(vec![literal]),
        })
    }
}

/// Where the helper at this URL is, by what programs of the device are told.
pub async fn of(run: &Run, url: &Url, patience: Patience) -> Whereabouts {
    if let Some(literal) = Whereabouts::of_literal(url) {
        return literal;
    }
    let host = url.host_str().unwrap_or_default();
    let asked = system_says(run, host, patience).await;
    let left = asked.iter().any(|one| left_device(&one.observation));
    let failure = asked.iter().find_map(|one| one.observation.failure.clone());
    let addresses: Vec<IpAddr> = asked.into_iter().flat_map(|one| one.addresses).collect();
    let leads_nowhere = || failure.unwrap_or(Failure::DnsNoAnswer);
    Whereabouts {
        is_out_of_reach: !left,
        addresses: Some(addresses)
            .filter(|addresses| !addresses.is_empty())
            .ok_or_else(leads_nowhere),
    }
}

/// The system's lookup, not recorded.
pub async fn system_says(run: &Run, host: &str, patience: Patience) -> Vec<Asked> {
    if run.openness.uses_getaddrinfo {
        let timeout = system::TIMEOUT;
        return vec![system::lookup(&run.net, &run.clock, &run.meter, host, timeout).await];
    }
    let resolved = resolve_host(&run.net, &run.clock, &run.meter, host, patience).await;
    let mut addresses = resolved.addresses;
    let mut asked: Vec<Asked> = resolved
        .observations
        .into_iter()
        .map(|observation| Asked {
            observation,
            addresses: Vec::new(),
        })
        .collect();
    for one in &mut asked {
        let detail = &mut one.observation.detail;
        detail.insert("engine".to_owned(), "system".into());
        // Which question gave which address does not matter here.
        one.addresses.append(&mut addresses);
    }
    asked
}
