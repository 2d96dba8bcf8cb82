//! No address came back.
use super::{Judge, Rule, together};
use crate::analysis::web::facts::Via;
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use std::net::SocketAddr;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// What counts is that no address came, not the words for it: resolvers in Cambodia say NXDOMAIN in
/// one run and give an empty answer in the next. Silence and SERVFAIL are no denial and never count
/// (Censored Planet Satellite's rule). A public resolver that filters by a policy of its own says
/// nothing of the network.
pub(super) const RULE: Rule = Rule {
    id: "dns.failed",
    version: 1,
    about: "a resolver denies a name that has an address for the controls",
    judge: Judge::Answer(judge),
};

/// Public resolvers that refuse names by their own policy: Quad9 (<https://quad9.net/service/threat-blocking/>)
/// and Cisco OpenDNS (<https://www.opendns.com/setupguide/>).
const FILTERING: [&str; 4] = [
    "9.9.9.9",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
];

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let failure = asked.failure().filter(|_| !asked.has_address())?;
    let only_v6 = asked
        .lookups
        .iter()
        .all(|lookup| lookup.query_type == "AAAA");
    if only_v6 {
        return None;
    }
    let control = case.control_lookup(asked);
    let at = together([asked.witnesses(), control.witnesses()]);
    Some(match control {
        Sees::Silent => Finding::no_control(at),
        Sees::Fails(_) => Finding::down(at),
        Sees::Works(_) => match mechanism(case, asked, failure) {
            Some(mechanism) => Finding::likely(
                mechanism,
                at,
                "an address from the same resolver when asked again",
            ),
            None => Finding::below_floor(at, "a resolver that denies the name, or answers"),
        },
    })
}

fn mechanism(case: &Case<'_>, asked: &Asked<'_>, failure: &Failure) -> Option<Mechanism> {
    if asked.via != Via::System && filters(asked.resolver) {
        return None;
    }
    match failure {
        Failure::DnsNxdomain => Some(Mechanism::DnsNxdomain),
        Failure::DnsNoAnswer => Some(Mechanism::DnsNoAnswer),
        // A public resolver may refuse this client for reasons of its own.
        Failure::DnsRefused if asked.via == Via::System => Some(Mechanism::DnsRefused),
        // Android says the same of every failure: it counts only while other lookups are answered.
        Failure::AndroidDnsCacheNoData if others_answer(case, asked) => {
            Some(Mechanism::DnsNoAnswer)
        }
        _ => None,
    }
}

fn filters(resolver: &str) -> bool {
    let address = resolver
        .parse::<SocketAddr>()
        .map(|address| address.ip().to_string());
    FILTERING.contains(&address.as_deref().unwrap_or(resolver))
}

fn others_answer(case: &Case<'_>, asked: &Asked<'_>) -> bool {
    let mut lookups = case.facts.lookups.iter();
    lookups.any(|lookup| {
        lookup.via != asked.via && lookup.name == asked.name && !lookup.addresses.is_empty()
    })
}
