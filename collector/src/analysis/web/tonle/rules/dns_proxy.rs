//! A public resolver that was not the one to answer.
use super::{Judge, Rule};
use crate::analysis::web::facts::Witness;
use crate::analysis::web::tonle::case::Case;

/// A name that answers with the asking resolver's address tells who asked. When a public resolver
/// and the device's own ask from the same address, somebody on the way answered for it. Decides
/// nothing of the page: it says that the two resolvers are not independent.
pub(super) const RULE: Rule = Rule {
    id: "dns.proxy",
    version: 1,
    about: "a question to a public resolver was answered by the device's own resolver",
    judge: Judge::Note(judge),
};

fn judge(case: &Case<'_>) -> Option<Vec<Witness>> {
    let whoami = case.facts.whoami.as_ref()?;
    let mut public = whoami.public.iter().flat_map(|(_, addresses)| addresses);
    let same = public.any(|address| whoami.system.contains(address));
    same.then(|| vec![whoami.at.clone()])
}
