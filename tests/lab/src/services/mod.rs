//! What runs on a host: built-in servers, and programs.
//!
//! Everything here is started from the thread of the host's namespace, on that thread's runtime:
//! sockets and child processes belong to the namespace of the thread that makes them.
mod command;
mod dns;
mod doh;
mod http;
mod listen;
mod proxy;
mod quic;
mod running;
mod sink;
#[cfg(test)]
mod tests;
mod tls;

pub use running::Running;

use crate::scenario::model::{Certificate, Host, NamedCertificate, Scenario, ServiceKind};
use crate::trust::{Authority, Leaf, TrustError};
use dns::Zone;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a host's services are started with.
#[derive(Debug, Clone)]
pub struct HostContext {
    /// The addresses that servers listen on: the host's, and a test's choice on loopback.
    pub addresses: Vec<IpAddr>,
    /// Who signs certificates.
    pub authority: Arc<Authority>,
    /// A folder of this run for this host; directories of commands are made in it.
    pub folder: PathBuf,
    /// Environment of every command on this host, beside the lab's own (`SSL_CERT_FILE`, …).
    pub environment: Vec<(OsString, OsString)>,
    /// A program and its first arguments that every command is started under; empty: none. It gets
    /// the command as further arguments.
    pub wrapper: Vec<OsString>,
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A port could not be opened.
    #[error("{service}: cannot listen on {address}: {source}")]
    Listen {
        /// The service, as `service[2] (dns on resolver)`.
        service: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// There is no certificate for it.
    #[error("{service}: {source}")]
    Certificate {
        /// The service.
        service: String,
        /// Why.
        source: TrustError,
    },
    /// TLS does not take the certificate.
    #[error("{service}: {source}")]
    Tls {
        /// The service.
        service: String,
        /// Why.
        source: rustls::Error,
    },
    /// A file for a command could not be made.
    #[error("{service}: {} could not be made: {source}", path.display())]
    File {
        /// The service.
        service: String,
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A command did not start, or did not become ready.
    #[error("{service}: {why}\n{output}")]
    Command {
        /// The service.
        service: String,
        /// What happened.
        why: String,
        /// The end of what it wrote.
        output: String,
    },
}

/// Starts the services of `host`: the built-in ones first, then its commands one after the other,
/// in the order of the file. Returns when all of them are ready.
pub async fn start(
    scenario: &Scenario,
    host: &Host,
    context: &HostContext,
) -> Result<Running, ServiceError> {
    let starter = Starter {
        scenario,
        host,
        context,
        zone: Arc::new(Zone::new(scenario, &host.name)),
    };
    let mut running = Running::default();
    let own = || {
        let services = scenario.services.iter().enumerate();
        services.filter(|(_, service)| service.host == host.name)
    };
    for (index, service) in own() {
        starter.built_in(index, &service.kind, &running)?;
    }
    for (index, service) in own() {
        if let Some(program) = command::Plan::of(&service.kind) {
            running.add(command::start(&starter, index, &program).await?);
        }
    }
    Ok(running)
}

struct Starter<'a> {
    scenario: &'a Scenario,
    host: &'a Host,
    context: &'a HostContext,
    zone: Arc<Zone>,
}

impl Starter<'_> {
    fn built_in(
        &self,
        index: usize,
        kind: &ServiceKind,
        running: &Running,
    ) -> Result<(), ServiceError> {
        let called = |kind: &str| self.called(index, kind);
        match kind {
            ServiceKind::Dns {
                port,
                delay_ms,
                dnssec,
                instead_of_nxdomain,
                instead_of_nodata,
                identity,
            } => {
                let delay = Duration::from_millis(*delay_ms);
                let manner = Arc::new(dns::Manner {
                    dnssec: *dnssec,
                    instead_of_nxdomain: instead_of_nxdomain.clone(),
                    instead_of_nodata: instead_of_nodata.clone(),
                    identity: identity.clone(),
                });
                let port = port.unwrap_or(53);
                self.each_tcp(&called("dns"), port, |listener| {
                    dns::over_tcp(running, listener, &self.zone, (&manner, delay));
                })?;
                self.each_udp(&called("dns"), port, |socket| {
                    dns::over_udp(running, socket, &self.zone, (&manner, delay));
                })
            }
            ServiceKind::Dot { port, certificate } => {
                let acceptor = self.tls(&called("dot"), certificate, &[], &[b"dot"])?;
                self.each_tcp(&called("dot"), port.unwrap_or(853), |listener| {
                    dns::over_tls(running, listener, &acceptor, &self.zone);
                })
            }
            ServiceKind::Doh { port, certificate } => {
                let acceptor = self.tls(&called("doh"), certificate, &[], tls::HTTP)?;
                self.each_tcp(&called("doh"), port.unwrap_or(443), |listener| {
                    doh::start(running, listener, &acceptor, &self.zone);
                })
            }
            ServiceKind::Http { port, page } => {
                let pages = Arc::new(page.clone());
                self.each_tcp(&called("http"), port.unwrap_or(80), |listener| {
                    http::start(running, listener, None, &pages);
                })
            }
            ServiceKind::Https {
                port,
                certificate,
                sni,
                page,
            } => {
                let acceptor = self.tls(&called("https"), certificate, sni, tls::HTTP)?;
                let pages = Arc::new(page.clone());
                self.each_tcp(&called("https"), port.unwrap_or(443), |listener| {
                    http::start(running, listener, Some(&acceptor), &pages);
                })
            }
            ServiceKind::Quic { port, certificate } => {
                let service = called("quic");
                let leaf = self.leaf(&service, certificate)?;
                let config = quic::config(&leaf).map_err(no_tls(&service))?;
                self.each(&service, port.unwrap_or(443), |address| {
                    quic::start(running, listen::udp(address)?, &config)
                })
            }
            ServiceKind::Proxy {
                http_port,
                tls_port,
                headers,
            } => {
                let (called, headers) = (called("proxy"), Arc::new(headers.clone()));
                self.each_tcp(&called, http_port.unwrap_or(80), |listener| {
                    proxy::http(running, listener, &self.zone, &headers);
                })?;
                self.each_tcp(&called, tls_port.unwrap_or(443), |listener| {
                    proxy::tls(running, listener, &self.zone);
                })
            }
            ServiceKind::Tcp { port, does } => self.each_tcp(&called("tcp"), *port, |listener| {
                sink::tcp(running, listener, *does);
            }),
            ServiceKind::UdpEcho { port } => self.each_udp(&called("udp_echo"), *port, |socket| {
                sink::udp_echo(running, socket);
            }),
            ServiceKind::Command { .. } => Ok(()),
        }
    }

    fn called(&self, index: usize, kind: &str) -> String {
        format!("service[{index}] ({kind} on {})", self.host.name)
    }

    fn each_tcp(
        &self,
        service: &str,
        port: u16,
        mut start: impl FnMut(tokio::net::TcpListener),
    ) -> Result<(), ServiceError> {
        self.each(service, port, |address| {
            start(listen::tcp(address)?);
            Ok(())
        })
    }

    fn each_udp(
        &self,
        service: &str,
        port: u16,
        mut start: impl FnMut(tokio::net::UdpSocket),
    ) -> Result<(), ServiceError> {
        self.each(service, port, |address| {
            start(listen::udp(address)?);
            Ok(())
        })
    }

    fn each(
        &self,
        service: &str,
        port: u16,
        mut start: impl FnMut(SocketAddr) -> std::io::Result<()>,
    ) -> Result<(), ServiceError> {
        for address in &self.context.addresses {
            let address = SocketAddr::new(*address, port);
            start(address).map_err(|source| ServiceError::Listen {
                service: service.to_owned(),
                address,
                source,
            })?;
        }
        Ok(())
    }

    fn leaf(&self, service: &str, certificate: &Certificate) -> Result<Leaf, ServiceError> {
        let names = dns::names_of(self.scenario, self.host);
        self.context
            .authority
            .leaf(&names, &self.context.addresses, certificate)
            .map_err(no_certificate(service))
    }

    fn tls(
        &self,
        service: &str,
        certificate: &Certificate,
        sni: &[NamedCertificate],
        protocols: &[&[u8]],
    ) -> Result<tokio_rustls::TlsAcceptor, ServiceError> {
        let leaf = self.leaf(service, certificate)?;
        let by_name = sni.iter().map(|named| {
            let leaf = self.context.authority.leaf(
                std::slice::from_ref(&named.name),
                &[],
                &named.certificate,
            );
            Ok((
                named.name.to_ascii_lowercase(),
                leaf.map_err(no_certificate(service))?,
            ))
        });
        let by_name: Vec<_> = by_name.collect::<Result<_, ServiceError>>()?;
        tls::acceptor(&leaf, &by_name, protocols).map_err(no_tls(service))
    }
}

fn no_certificate(service: &str) -> impl Fn(TrustError) -> ServiceError + use<> {
    let service = service.to_owned();
    move |source| ServiceError::Certificate {
        service: service.clone(),
        source,
    }
}

fn no_tls(service: &str) -> impl Fn(rustls::Error) -> ServiceError + use<> {
    let service = service.to_owned();
    move |source| ServiceError::Tls {
        service: service.clone(),
        source,
    }
}
