//! Facts of a certificate chain, verified or not.
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tonle_evidence::observation::Detail;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// Most certificates of a chain that are noted; a longer chain is no chain.
const CHAIN_MAX: usize = 10;
/// Most names of a leaf that are noted; shared certificates carry hundreds.
const NAMES_MAX: usize = 20;
/// Longest name noted, characters (the limit of a DNS name).
const NAME_MAX_CHARS: usize = 253;

/// The facts as they stand in an observation's detail; none for an empty chain. Never fails: a
/// leaf that cannot be read leaves the hashes.
pub(super) fn facts(chain: &[CertificateDer<'_>]) -> Detail {
    let mut facts = Detail::new();
    let Some(leaf) = chain.first() else {
        return facts;
    };
    let hashes = chain.iter().take(CHAIN_MAX);
    let hashes: Vec<Value> = hashes
        .map(|one| hex::encode(Sha256::digest(one)).into())
        .collect();
    facts.insert("chain_sha256".to_owned(), hashes.into());
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        return facts;
    };
    let validity = leaf.validity();
    facts.insert(
        "not_before_s".to_owned(),
        validity.not_before.timestamp().into(),
    );
    facts.insert(
        "not_after_s".to_owned(),
        validity.not_after.timestamp().into(),
    );
    facts.insert("leaf_names".to_owned(), names(&leaf).into());
    if let Some(issuer) = common_name(leaf.issuer()) {
        facts.insert("leaf_issuer".to_owned(), issuer.into());
    }
    facts
}

/// True when issuer and subject are the same.
pub(super) fn is_self_issued(leaf: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(leaf)
        .is_ok_and(|(_, leaf)| leaf.issuer().as_raw() == leaf.subject().as_raw())
}

/// DNS names of the leaf, or its common name when it has none. Addresses among its names are left
/// out: a box inside the home may carry its own.
fn names(leaf: &X509Certificate<'_>) -> Vec<Value> {
    let alternative = leaf.subject_alternative_name().ok().flatten();
    let dns: Vec<Value> = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some(short(dns).into()),
            _ => None,
        })
        .take(NAMES_MAX)
        .collect();
    if !dns.is_empty() {
        return dns;
    }
    common_name(leaf.subject())
        .into_iter()
        .map(Value::from)
        .collect()
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    let attribute = name.iter_common_name().next()?;
    attribute.as_str().ok().map(short)
}

fn short(name: &str) -> String {
    crate::scrub::text(name, &[])
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_MAX_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_that_are_no_certificate_leave_their_hash(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            let facts = facts(&[CertificateDer::from(raw.clone())]);
            prop_assert_eq!(&facts["chain_sha256"][0], &Value::from(hex::encode(Sha256::digest(&raw))));
            let _ = is_self_issued(&CertificateDer::from(raw));
        }
    }
}
