//! A certificate verifier that decides as rustls does and keeps the chain it was shown.
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::VerifierBuilderError;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::{Arc, OnceLock};

/// Verifies strictly; the chain of a refused handshake is evidence too.
#[derive(Debug)]
pub(super) struct RecordingVerifier {
    inner: Arc<WebPkiServerVerifier>,
    /// Whose certificate it must be, where that is not the name that was sent.
    owner: Option<ServerName<'static>>,
    chain: OnceLock<Vec<CertificateDer<'static>>>,
}

impl RecordingVerifier {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        owner: Option<ServerName<'static>>,
    ) -> Result<Arc<Self>, VerifierBuilderError> {
        Ok(Arc::new(Self {
            inner: WebPkiServerVerifier::builder_with_provider(roots, provider).build()?,
            owner,
            chain: OnceLock::new(),
        }))
    }

    /// The chain as received, leaf first; empty when none came.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.get().cloned().unwrap_or_default()
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificates = std::iter::once(leaf).chain(intermediates);
        self.chain
            .get_or_init(|| certificates.map(|one| one.clone().into_owned()).collect());
        let name = self.owner.as_ref().unwrap_or(server_name);
        self.inner
            .verify_server_cert(leaf, intermediates, name, ocsp_response, now)
            .map_err(|error| signed_by_nobody_known(error, leaf))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Two refusals that webpki calls by the form of the certificate, and the field by what it is,
/// signed by nobody we know: a self-signed certificate that calls itself an authority (what
/// `openssl req -x509` makes, and middleboxes with it), and one that only borrows the name of an
/// authority.
fn signed_by_nobody_known(error: Error, leaf: &CertificateDer<'_>) -> Error {
    let is_unknown = match &error {
        Error::InvalidCertificate(CertificateError::BadSignature) => true,
        Error::InvalidCertificate(CertificateError::Other(_)) => {
            super::certificate::is_self_issued(leaf)
        }
        _ => false,
    };
    if is_unknown {
        return Error::InvalidCertificate(CertificateError::UnknownIssuer);
    }
    error
}
