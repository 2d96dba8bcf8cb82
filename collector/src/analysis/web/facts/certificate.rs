//! What a leaf certificate says of itself, whether or not it was believed.
use serde_json::Value;
use tonle_evidence::observation::Detail;
use tonle_wire::ooni::Leaf;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// A leaf certificate as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names that it is for.
    pub names: Vec<String>,
    /// Whether it is signed by itself.
    pub self_issued: bool,
    /// First second of its validity, since the Unix epoch.
    pub not_before_s: i64,
    /// Last second of its validity.
    pub not_after_s: i64,
}

impl Certificate {
    /// Reads DER; `None` for bytes that are no certificate.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, leaf) = X509Certificate::from_der(der).ok()?;
        let validity = leaf.validity();
        Some(Self {
            names: names(&leaf),
            self_issued: leaf.issuer().as_raw() == leaf.subject().as_raw(),
            not_before_s: validity.not_before.timestamp(),
            not_after_s: validity.not_after.timestamp(),
        })
    }

    /// Reads the facts that our TLS step notes of a chain; `None` when it noted none.
    #[must_use]
    pub fn from_detail(detail: &Detail) -> Option<Self> {
        let number = |key: &str| detail.get(key).and_then(Value::as_i64);
        let listed = detail.get("leaf_names")?.as_array()?;
        let names: Vec<String> = listed
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let issuer = detail.get("leaf_issuer").and_then(Value::as_str);
        let chain = detail.get("chain_sha256").and_then(Value::as_array);
        let is_alone = chain.is_some_and(|chain| chain.len() == 1);
        Some(Self {
            // The step keeps the issuer's common name only: one certificate that names its own
            // issuer among its names.
            self_issued: is_alone && issuer.is_some_and(|issuer| names.iter().any(|n| n == issuer)),
            names,
            not_before_s: number("not_before_s")?,
            not_after_s: number("not_after_s")?,
        })
    }

    /// What a measurement says of a leaf that is not part of it; `None` without its validity.
    #[must_use]
    pub fn from_leaf(leaf: &Leaf) -> Option<Self> {
        Some(Self {
            names: leaf.names.clone(),
            self_issued: leaf.self_issued == Some(true),
            not_before_s: leaf.not_before_s?,
            not_after_s: leaf.not_after_s?,
        })
    }

    /// As [`Certificate::from_leaf`] reads it.
    #[must_use]
    pub fn to_leaf(&self) -> Leaf {
        Leaf {
            names: self.names.clone(),
            self_issued: Some(self.self_issued),
            not_before_s: Some(self.not_before_s),
            not_after_s: Some(self.not_after_s),
        }
    }

    /// Whether it is for `host`, alone or by a wildcard for the first label.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| {
            let wildcard = name.strip_prefix("*.");
            name.eq_ignore_ascii_case(host)
                || wildcard
                    .zip(parent)
                    .is_some_and(|(name, parent)| name.eq_ignore_ascii_case(parent))
        })
    }

    /// Whether it is valid at a moment, seconds since the Unix epoch.
    #[must_use]
    pub fn is_valid_at(&self, moment_s: i64) -> bool {
        (self.not_before_s..=self.not_after_s).contains(&moment_s)
    }
}

fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let alternative = leaf.subject_alternative_name().ok().flatten();
    let names: Vec<String> = alternative
        .iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect();
    if !names.is_empty() {
        return names;
    }
    let common = leaf.subject().iter_common_name();
    common
        .filter_map(|name| name.as_str().ok().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_certificate_says_of_itself_is_read() {
        let made = rcgen::generate_simple_self_signed(vec!["*.example.org".to_owned()]).unwrap();
        let read = Certificate::from_der(made.cert.der()).unwrap();
        assert!(read.self_issued);
        assert!(read.is_for("www.example.org") && read.is_for("WWW.EXAMPLE.ORG"));
        assert!(!read.is_for("example.org") && !read.is_for("a.b.example.org"));
        assert!(read.is_valid_at(1_794_286_800) && !read.is_valid_at(read.not_after_s + 1));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Certificate::from_der(&bytes);
        }
    }
}
