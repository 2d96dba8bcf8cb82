//! The roots that certificates must lead to: the built-in set, the same on every device, plus a
//! PEM file for laboratories and tests.
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file of extra roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read, or is not PEM.
    #[error(
        "cannot read extra roots from {0}: {1}; give a readable PEM file or remove `extra_roots`"
    )]
    Read(PathBuf, pem::Error),
    /// It holds no certificate.
    #[error("{0} holds no certificate; `extra_roots` wants PEM blocks named CERTIFICATE")]
    Empty(PathBuf),
    /// One of its certificates cannot be a root.
    #[error("certificate {1} of {0} cannot be a root: {2}")]
    NotARoot(PathBuf, usize, rustls::Error),
}

/// The built-in roots (Mozilla's, compiled in) plus every certificate of `extra`.
pub fn load(extra: Option<&Path>) -> Result<Arc<RootCertStore>, RootsError> {
    let built_in = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut roots: RootCertStore = built_in.collect();
    if let Some(path) = extra {
        add_file(&mut roots, path)?;
    }
    Ok(Arc::new(roots))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), RootsError> {
    let unreadable = |error| RootsError::Read(path.to_owned(), error);
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(RootsError::Empty(path.to_owned()));
    }
    for (index, certificate) in certificates.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| RootsError::NotARoot(path.to_owned(), index + 1, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn extra_roots_stand_beside_the_built_in_ones() {
        let own = rcgen::generate_simple_self_signed(vec!["lab".to_owned()]).unwrap();
        let pem = file(&own.cert.pem());
        let built_in = load(None).unwrap().len();
        assert_eq!(load(Some(pem.path())).unwrap().len(), built_in + 1);
    }

    #[test]
    fn a_bad_file_is_refused_by_name() {
        let missing = load(Some(Path::new("/nonexistent/roots.pem"))).unwrap_err();
        assert!(
            missing.to_string().contains("/nonexistent/roots.pem"),
            "{missing}"
        );

        let empty = file("no PEM here");
        assert!(matches!(
            load(Some(empty.path())),
            Err(RootsError::Empty(_))
        ));

        let broken = file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(matches!(
            load(Some(broken.path())),
            Err(RootsError::NotARoot(_, 1, _))
        ));
    }
}
