//! The services on loopback, inside this process: each test has an address of its own.
mod commands;
mod names;
mod plain;
mod proxy;
mod web;

use super::{HostContext, Running, ServiceError, start};
use crate::scenario::model::Scenario;
use crate::trust::Authority;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Services that run, and what a client of them needs.
struct Bench {
    running: Running,
    address: IpAddr,
    authority: Arc<Authority>,
    folder: tempfile::TempDir,
}

/// An address of 127.0.0.0/8 that no other test and no other process uses.
fn address(number: u8) -> IpAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    IpAddr::from(Ipv4Addr::new(127, 100 + number, high, low))
}

/// Starts the services of the host `server`, with `names` in its zone and `more` behind it.
async fn try_bench(number: u8, more: &str) -> Result<Bench, ServiceError> {
    let text = format!(
        "description = \"a bench\"\n[[host]]\nname = \"client\"\naddresses = [\"10.1.0.2\"]\n\
         [[host]]\nname = \"server\"\naddresses = [\"198.51.100.1\", \"2001:db8::1\"]\n\
         names = [\"server.test\"]\n{more}"
    );
    let scenario = Scenario::parse(&text, "bench").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = Arc::new(Authority::create(folder.path()).unwrap());
    let context = HostContext {
        addresses: vec![address(number)],
        authority: Arc::clone(&authority),
        folder: folder.path().to_owned(),
        environment: vec![("BENCH".into(), "yes".into())],
        wrapper: Vec::new(),
    };
    let running = start(&scenario, &scenario.hosts[1], &context).await?;
    Ok(Bench {
        running,
        address: address(number),
        authority,
        folder,
    })
}

async fn bench(number: u8, more: &str) -> Bench {
    try_bench(number, more).await.unwrap()
}

impl Bench {
    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    async fn connect(&self, port: u16) -> TcpStream {
        TcpStream::connect(self.at(port)).await.unwrap()
    }

    async fn tls(
        &self,
        port: u16,
        name: &str,
        protocol: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(self.authority.bundle()).unwrap();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, self.connect(port).await)
            .await
    }
}
