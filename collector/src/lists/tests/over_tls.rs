//! Lists over `https`: taken from whom the roots vouch for, and from nobody else.
use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

const LIST: &str = "url,category_code\nhttps://a.example/,NEWS\n";

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate by `by` for `name` until this year; the URL of its list.
async fn serve(by: &Authority, name: &str, until: i32) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let length = LIST.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{LIST}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://{address}/kh.csv")
}

/// Whether a list from there is taken by somebody who trusts `trusted`; what is here then agrees.
async fn is_taken(url: &str, trusted: &Authority) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("roots.pem");
    std::fs::write(&bundle, trusted.pem()).unwrap();
    let client = fetch::client(roots::load(Some(&bundle)).unwrap()).unwrap();
    let here = Lists::new(configured(url), dir.path(), client);
    let is_taken = here.refresh().await;
    let read = here.at_hand();
    let expected: &[&str] = if is_taken {
        &["https://a.example/"]
    } else {
        &[]
    };
    assert_eq!(sites(&read), expected);
    is_taken
}

#[tokio::test]
async fn a_list_is_taken_over_https_from_whom_a_root_vouches_for() {
    let own = authority();
    let url = serve(&own, "127.0.0.1", 2070).await;
    assert!(is_taken(&url, &own).await);
}

#[tokio::test]
async fn a_certificate_that_is_wrong_in_any_way_gives_no_list() {
    let (own, other) = (authority(), authority());
    let of_unknown = serve(&other, "127.0.0.1", 2070).await;
    assert!(
        !is_taken(&of_unknown, &own).await,
        "of an unknown authority"
    );
    let of_another_name = serve(&own, "lists.example", 2070).await;
    assert!(!is_taken(&of_another_name, &own).await, "for another name");
    let expired = serve(&own, "127.0.0.1", 2021).await;
    assert!(!is_taken(&expired, &own).await, "out of date");
    let in_clear = start(Server::default()).await.replace("http:", "https:");
    assert!(!is_taken(&in_clear, &own).await, "no TLS at all");
}
