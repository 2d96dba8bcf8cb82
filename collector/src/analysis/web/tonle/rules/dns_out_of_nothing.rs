//! An answer for a name that does not exist.
use super::{Judge, Rule, together};
use crate::analysis::web::tonle::case::{Asked, Case, Sees};
use crate::analysis::web::tonle::finding::Finding;
use tonle_evidence::failure::Failure;
use tonle_evidence::verdict::Mechanism;

/// Resolvers that answer for names without address: a block list that outlived its site, or NXDOMAIN
/// turned into a page of the operator's (ooni/probe#2292). That the name has no address must be
/// confirmed from inside: over HTTPS, or by a late answer.
pub(super) const RULE: Rule = Rule {
    id: "dns.out_of_nothing",
    version: 1,
    about: "an address is given for a name that has none, for the controls and over HTTPS alike",
    judge: Judge::Answer(judge),
};

fn judge(case: &Case<'_>, asked: &Asked<'_>) -> Option<Finding> {
    let control = case.control_lookup(asked);
    let is_own = asked.name == case.facts.host();
    if !is_own || !asked.has_address() || !matches!(control, Sees::Fails(_)) {
        return None;
    }
    let connections = case.connections_of(asked);
    if connections.iter().any(|endpoint| endpoint.is_authentic()) {
        return None;
    }
    let private = case.private_lookups(asked.name).filter(|lookup| {
        matches!(
            lookup.failure,
            Some(Failure::DnsNxdomain | Failure::DnsNoAnswer)
        )
    });
    let late = asked.late.iter().filter(|late| late.addresses.is_empty());
    let inside: Vec<String> = private
        .map(|lookup| lookup.at.clone())
        .chain(late.map(|late| late.at.clone()))
        .collect();
    let unconfirmed = inside.is_empty();
    let at = together([asked.witnesses(), inside, control.witnesses()]);
    if unconfirmed {
        return Some(Finding::below_floor(
            at,
            "a lookup over an encrypted channel from the same place",
        ));
    }
    Some(Finding::likely(
        Mechanism::DnsInjectionOther,
        at,
        "a control or an encrypted lookup that is given an address",
    ))
}
