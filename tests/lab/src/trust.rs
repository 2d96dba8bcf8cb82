//! The certificate authority of one run of the lab, and the certificates it gives to hosts.
//!
//! Dates are fixed, so that no clock decides whether a certificate is good.
use crate::scenario::model::{Certificate, Flaw};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What a certificate for the wrong name is for.
const WRONG_NAME: &str = "wrong-name.invalid";

/// Why there is no authority or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The bundle could not be written.
    #[error("{} could not be written: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A certificate authority that the hosts of this run trust, and nobody else.
#[derive(Debug)]
pub struct Authority {
    trusted: CertifiedIssuer<'static, KeyPair>,
    unknown: CertifiedIssuer<'static, KeyPair>,
    bundle: PathBuf,
}

impl Authority {
    /// Makes one, with its bundle `ca.pem` in `folder`.
    pub fn create(folder: &Path) -> Result<Self, TrustError> {
        let trusted = issuer("Lab authority")?;
        let bundle = folder.join("ca.pem");
        std::fs::write(&bundle, trusted.pem()).map_err(|source| TrustError::Write {
            path: bundle.clone(),
            source,
        })?;
        Ok(Self {
            trusted,
            unknown: issuer("Lab authority that nobody trusts")?,
            bundle,
        })
    }

    /// The PEM file that `SSL_CERT_FILE` names.
    #[must_use]
    pub fn bundle(&self) -> &Path {
        &self.bundle
    }

    /// The authority's own certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.trusted.pem()
    }

    /// A certificate for these names and addresses, with the flaw and the names that are asked for.
    pub fn leaf(
        &self,
        names: &[String],
        addresses: &[IpAddr],
        wanted: &Certificate,
    ) -> Result<Leaf, TrustError> {
        let key = KeyPair::generate()?;
        let params = leaf_params(subjects(names, addresses, wanted), wanted.flaw)?;
        let certificate = match wanted.flaw {
            Some(Flaw::SelfSigned) => params.self_signed(&key)?,
            Some(Flaw::UnknownAuthority) => params.signed_by(&key, &self.unknown)?,
            Some(Flaw::Expired | Flaw::WrongName) | None => {
                params.signed_by(&key, &self.trusted)?
            }
        };
        Ok(Leaf { certificate, key })
    }
}

/// A host's certificate and its key.
#[derive(Debug)]
pub struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Leaf {
    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The key, PKCS #8.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The certificate, PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The key, PEM.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, TrustError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2070, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn subjects(names: &[String], addresses: &[IpAddr], wanted: &Certificate) -> Vec<String> {
    if wanted.flaw == Some(Flaw::WrongName) {
        return vec![WRONG_NAME.to_owned()];
    }
    if !wanted.names.is_empty() {
        return wanted.names.clone();
    }
    let addresses = addresses.iter().map(ToString::to_string);
    names.iter().cloned().chain(addresses).collect()
}

fn leaf_params(subjects: Vec<String>, flaw: Option<Flaw>) -> Result<CertificateParams, TrustError> {
    let common_name = subjects.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = match flaw {
        Some(Flaw::Expired) => date_time_ymd(2021, 1, 1),
        _ => date_time_ymd(2070, 1, 1),
    };
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
