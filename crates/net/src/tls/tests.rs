//! The handshake step against servers whose certificates are good, foreign, expired or misnamed.
use super::*;
use crate::testing;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tonle_evidence::observation::Observation;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::named("lab authority")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        Arc::new(roots)
    }

    fn issue(
        &self,
        params: &CertificateParams,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (
            certificate.der().clone(),
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
    }
}

fn for_name(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// One server that answers one handshake, and what the step saw of it.
async fn shake(
    (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
    roots: Arc<RootCertStore>,
    name: &str,
) -> Observation {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
    });
    let mut settings = testing::settings();
    settings.roots = roots;
    let stream = TcpStream::connect(peer).await.unwrap();
    let wanted = Handshake {
        peer,
        server_name: name,
        alpn: ALPN_HTTP1,
        timeout: HANDSHAKE_TIMEOUT,
    };
    let (observation, _) = handshake(&settings, &Stopwatch::start(), stream, wanted).await;
    server.await.unwrap();
    observation
}

#[tokio::test]
async fn a_good_certificate_is_accepted_and_described() {
    let authority = Authority::new();
    let mut params = for_name("site.example");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    let seen = shake(authority.issue(&params), authority.roots(), "site.example").await;
    assert_eq!(seen.failure, None);
    assert_eq!(seen.operation, "tls_handshake");
    assert_eq!(seen.detail["server_name"], "site.example");
    assert_eq!(seen.detail["version"], "TLSv1_3");
    assert_eq!(seen.detail["alpn"], "http/1.1");
    assert_eq!(
        seen.detail["leaf_names"],
        serde_json::json!(["site.example"])
    );
    assert_eq!(seen.detail["leaf_issuer"], "lab authority");
    assert_eq!(seen.detail["not_before_s"], 1_577_836_800);
    assert_eq!(seen.detail["not_after_s"], 4_070_908_800_i64);
    assert_eq!(seen.detail["chain_sha256"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_an_invalid_hostname() {
    let authority = Authority::new();
    let seen = shake(
        authority.issue(&for_name("other.example")),
        authority.roots(),
        "site.example",
    )
    .await;
    assert_eq!(seen.failure, Some(Failure::SslInvalidHostname));
    assert_eq!(
        seen.detail["leaf_names"],
        serde_json::json!(["other.example"])
    );
}

#[tokio::test]
async fn an_expired_certificate_is_an_invalid_certificate() {
    let authority = Authority::new();
    let mut params = for_name("site.example");
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2020, 1, 1);
    let seen = shake(authority.issue(&params), authority.roots(), "site.example").await;
    assert_eq!(seen.failure, Some(Failure::SslInvalidCertificate));
    assert_eq!(seen.detail["not_after_s"], 1_577_836_800);
}

#[tokio::test]
async fn a_certificate_of_a_foreign_authority_is_unknown() {
    for foreign in ["foreign authority", "lab authority"] {
        let seen = shake(
            Authority::named(foreign).issue(&for_name("site.example")),
            Authority::new().roots(),
            "site.example",
        )
        .await;
        assert_eq!(
            seen.failure,
            Some(Failure::SslUnknownAuthority),
            "{foreign}"
        );
        assert_eq!(seen.detail["chain_sha256"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_self_signed_authority_as_leaf_is_unknown() {
    let mut params = for_name("site.example");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let leaf = params.self_signed(&key).unwrap().der().clone();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let seen = shake((leaf, key), Authority::new().roots(), "site.example").await;
    assert_eq!(seen.failure, Some(Failure::SslUnknownAuthority));
}

/// What the step says of a peer that does `act` instead of shaking hands.
async fn against<F>(act: impl FnOnce(TcpStream) -> F + Send + 'static, timeout: Duration) -> Failure
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { act(listener.accept().await.unwrap().0).await });
    let stream = TcpStream::connect(peer).await.unwrap();
    let wanted = Handshake {
        peer,
        server_name: "site.example",
        alpn: ALPN_HTTP1,
        timeout,
    };
    let (seen, _) = handshake(&testing::settings(), &Stopwatch::start(), stream, wanted).await;
    server.abort();
    seen.failure.unwrap()
}

#[tokio::test]
async fn a_reset_during_the_handshake_has_its_name() {
    let reset = |stream: TcpStream| async move {
        stream.readable().await.unwrap();
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    };
    assert_eq!(
        against(reset, HANDSHAKE_TIMEOUT).await,
        Failure::ConnectionReset
    );
}

#[tokio::test]
async fn a_close_during_the_handshake_is_an_eof() {
    let close = |stream: TcpStream| async move {
        let mut hello = vec![0; 4096];
        stream.readable().await.unwrap();
        while matches!(stream.try_read(&mut hello), Ok(read) if read > 0) {}
    };
    assert_eq!(against(close, HANDSHAKE_TIMEOUT).await, Failure::Eof);
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_fails_the_handshake() {
    let chatter = |mut stream: TcpStream| async move {
        let page = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, page)
            .await
            .unwrap();
        std::future::pending::<()>().await;
    };
    assert_eq!(
        against(chatter, HANDSHAKE_TIMEOUT).await,
        Failure::SslFailedHandshake
    );
}

#[tokio::test]
async fn a_silent_peer_times_out() {
    let silence = |stream: TcpStream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    };
    assert_eq!(
        against(silence, Duration::from_millis(20)).await,
        Failure::GenericTimeout
    );
}
