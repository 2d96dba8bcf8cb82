//! Servers on loopback and runs against them, for the tests of experiments.
use crate::experiments::{CannotRun, Experiment, Recorded, Run};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tonle_evidence::record::{PathClass, Target};
use tonle_net::settings::NetSettings;

/// Surroundings that permit loopback and know no resolver.
pub(crate) fn net() -> NetSettings {
    NetSettings {
        resolvers: Vec::new(),
        public_resolvers: Vec::new(),
        roots: Arc::new(RootCertStore::empty()),
        allow_loopback: true,
    }
}

/// A target in the country.
pub(crate) fn target(value: impl Into<String>) -> Target {
    Target {
        value: value.into(),
        category: None,
        path_class: PathClass::Domestic,
    }
}

/// A run with 4 MiB to use.
pub(crate) fn run_with(net: NetSettings) -> Run {
    run_of(net, 4 << 20)
}

/// A run with so many bytes to use.
pub(crate) fn run_of(net: NetSettings, max_bytes: u64) -> Run {
    let cancel = CancellationToken::new();
    Run::new(net, max_bytes, 1, cancel, Arc::new(|_, _| {}))
}

/// Runs the experiment once and takes what it recorded.
pub(crate) async fn measure(
    experiment: &dyn Experiment,
    net: NetSettings,
    value: impl Into<String>,
) -> Result<Recorded, CannotRun> {
    let run = run_with(net);
    experiment.run(&run, &target(value)).await?;
    assert!(run.bytes_used() <= run.max_bytes);
    Ok(run.take())
}

/// The value of a sample, when there is one.
pub(crate) fn sample(recorded: &Recorded, metric: &str) -> Option<i64> {
    let found = recorded.samples.iter().find(|(id, _)| id == metric);
    found.map(|(_, value)| *value)
}

/// (operation, failure) of every observation, in order.
pub(crate) fn steps(recorded: &Recorded) -> Vec<(String, Option<String>)> {
    let named = |failure: &tonle_evidence::failure::Failure| failure.name().to_owned();
    let seen = recorded.observations.iter();
    seen.map(|seen| (seen.operation.clone(), seen.failure.as_ref().map(named)))
        .collect()
}

/// A resolver that answers every name by the same addresses of the asked family; with none at all,
/// by NXDOMAIN. Written by hand, so that the resolver and the measured code share no parser.
pub(crate) fn resolver(addresses: &[&str]) -> SocketAddr {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            let reply = dns_reply(&question[..length], &addresses);
            if socket.send_to(&reply, from).is_err() {
                return;
            }
        }
    });
    own
}

fn dns_reply(question: &[u8], addresses: &[IpAddr]) -> Vec<u8> {
    let query_type =
        u16::from_be_bytes([question[question.len() - 4], question[question.len() - 3]]);
    let octets: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) if query_type == 1 => Some(v4.octets().to_vec()),
            IpAddr::V6(v6) if query_type == 28 => Some(v6.octets().to_vec()),
            _ => None,
        })
        .collect();
    let rcode = if addresses.is_empty() { 3 } else { 0 };
    let count = u8::try_from(octets.len()).unwrap();
    let mut reply = question.to_vec();
    reply[2..8].copy_from_slice(&[0x81, 0x80 | rcode, 0, 1, 0, count]);
    for address in octets {
        reply.extend([0xc0, 0x0c]);
        reply.extend(query_type.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60, 0, u8::try_from(address.len()).unwrap()]);
        reply.extend(address);
    }
    reply
}

/// A resolver over HTTP in clear that answers as [`resolver`] does; its URL.
pub(crate) fn doh(addresses: &[&str]) -> url::Url {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let server = serve(move |mut stream| {
        let mut received = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok(length) = stream.read(&mut buffer) {
            if length == 0 {
                return;
            }
            received.extend_from_slice(&buffer[..length]);
            // A question with an empty body has not come whole yet.
            let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            if received.len() == end + 4 {
                continue;
            }
            let reply = dns_reply(&received[end + 4..], &addresses);
            received.clear();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", reply.len());
            if stream
                .write_all(&[head.as_bytes(), &reply].concat())
                .is_err()
            {
                return;
            }
        }
    });
    format!("http://{server}/dns-query").parse().unwrap()
}

/// A web server that answers each request, given as text, by the bytes of `respond`.
pub(crate) fn web(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    serve(move |stream| answer(stream, &respond))
}

/// [`web`] over TLS, with a certificate for `name` and the root that it leads to.
pub(crate) fn web_tls(
    name: &str,
    respond: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (SocketAddr, Arc<RootCertStore>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let address = serve(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        answer(&mut stream, &respond);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    (address, Arc::new(roots))
}

/// Each connection has a thread, so that one that asks nothing holds nobody up.
fn serve(each: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap();
    let each = Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (each, stream) = (Arc::clone(&each), stream.unwrap());
            std::thread::spawn(move || each(stream));
        }
    });
    own
}

/// One request, one answer. A client that breaks off is no fault of the server.
fn answer(mut stream: impl Read + Write, respond: &impl Fn(&str) -> String) {
    let mut request = vec![0; 8192];
    let Ok(length) = stream.read(&mut request) else {
        return;
    };
    let response = respond(&String::from_utf8_lossy(&request[..length]));
    let _ = stream.write_all(response.as_bytes());
    let _ = stream.flush();
}

/// A response with its length.
pub(crate) fn page(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// A redirect.
pub(crate) fn redirect(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}
