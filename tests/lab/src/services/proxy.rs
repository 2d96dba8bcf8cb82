//! A proxy as an operator has it: HTTP goes on by its `Host`, TLS by the name in its `ClientHello`.
use super::dns::Zone;
use super::{Running, listen};
use crate::packet::client_hello;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longest beginning of a connection in which the name must stand, bytes.
const BEGIN_BYTES_MAX: usize = 64 * 1024;
/// Time for that beginning.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a connection to a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BAD_GATEWAY: &[u8] =
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Hands on HTTP, with these header lines in the first request of each connection.
pub(super) fn http(
    running: &Running,
    listener: TcpListener,
    zone: &Arc<Zone>,
    headers: &Arc<BTreeMap<String, String>>,
) {
    let (zone, headers) = (Arc::clone(zone), Arc::clone(headers));
    listen::accept(running, listener, move |stream| {
        let (zone, headers) = (Arc::clone(&zone), Arc::clone(&headers));
        async move {
            let port = stream.local_addr().map_or(80, |own| own.port());
            relay_http(stream, port, &zone, &headers)
                .await
                .unwrap_or_default();
        }
    });
}

/// Hands on TLS, unopened.
pub(super) fn tls(running: &Running, listener: TcpListener, zone: &Arc<Zone>) {
    let zone = Arc::clone(zone);
    listen::accept(running, listener, move |stream| {
        let zone = Arc::clone(&zone);
        async move {
            let port = stream.local_addr().map_or(443, |own| own.port());
            relay_tls(stream, port, &zone).await.unwrap_or_default();
        }
    });
}

async fn relay_http(
    mut client: TcpStream,
    port: u16,
    zone: &Zone,
    headers: &BTreeMap<String, String>,
) -> io::Result<()> {
    let head_ends = |seen: &[u8]| {
        let end = seen.windows(4).position(|four| four == b"\r\n\r\n");
        end.map(|end| end + 4)
    };
    let Some((begin, end)) = begin_of(&mut client, head_ends).await? else {
        return Ok(());
    };
    let Some(head) = Head::read(&begin[..end]) else {
        return client.write_all(BAD_REQUEST).await;
    };
    let Some(mut server) = connect(zone, &head.host, port).await else {
        return client.write_all(BAD_GATEWAY).await;
    };
    server.write_all(&head.with(headers)).await?;
    server.write_all(&begin[end..]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn relay_tls(mut client: TcpStream, port: u16, zone: &Zone) -> io::Result<()> {
    let Some((begin, name)) = begin_of(&mut client, client_hello::server_name).await? else {
        return Ok(());
    };
    let Some(mut server) = connect(zone, &name, port).await else {
        return Ok(());
    };
    server.write_all(&begin).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// What came until `find` found something in it; none: nothing ever was.
async fn begin_of<T>(
    client: &mut TcpStream,
    find: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Option<(Vec<u8>, T)>> {
    let mut seen = Vec::new();
    while seen.len() < BEGIN_BYTES_MAX {
        if timeout(BEGIN_TIMEOUT, client.read_buf(&mut seen)).await?? == 0 {
            return Ok(None);
        }
        if let Some(found) = find(&seen) {
            return Ok(Some((seen, found)));
        }
    }
    Ok(None)
}

async fn connect(zone: &Zone, name: &str, port: u16) -> Option<TcpStream> {
    let literal = name.parse().map(|address| vec![address]);
    for address in literal.unwrap_or_else(|_| zone.addresses(name)) {
        let connecting = TcpStream::connect(SocketAddr::new(address, port));
        if let Ok(Ok(stream)) = timeout(CONNECT_TIMEOUT, connecting).await {
            return Some(stream);
        }
    }
    None
}

/// The head of a request.
#[derive(Debug)]
struct Head<'a> {
    text: &'a str,
    /// The name it is for, without a port.
    host: String,
}

impl<'a> Head<'a> {
    /// None: no proxy could read it (RFC 9112 section 3: method, target, version).
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (first, rest) = text.split_once("\r\n")?;
        let words: Vec<&str> = first.split(' ').collect();
        let [_, _, "HTTP/1.1" | "HTTP/1.0"] = words[..] else {
            return None;
        };
        let lines = rest.lines().filter_map(|line| line.split_once(':'));
        let mut hosts = lines.filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        let (_, host) = hosts.next()?;
        let host = host.trim().split(':').next()?.to_owned();
        Some(Self { text, host })
    }

    /// The head as it goes on.
    fn with(&self, headers: &BTreeMap<String, String>) -> Vec<u8> {
        if headers.is_empty() {
            return self.text.as_bytes().to_vec();
        }
        let mut lines = self.text.trim_end().split("\r\n");
        let mut out = format!("{}\r\n", lines.next().unwrap_or_default());
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            if !headers.keys().any(|own| own.eq_ignore_ascii_case(&name)) {
                out.extend([name.as_str(), ":", value, "\r\n"]);
            }
        }
        for (name, value) in headers {
            out.extend([name.as_str(), ": ", value, "\r\n"]);
        }
        (out + "\r\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_goes_on_as_it_came_or_with_other_lines() {
        let text = "GET / HTTP/1.1\r\nHoSt: a.test:80\r\nAccept: x\r\nVia: none\r\n\r\n";
        let head = Head::read(text.as_bytes()).unwrap();
        assert_eq!(head.host, "a.test");
        assert_eq!(head.with(&BTreeMap::new()), text.as_bytes());
        let via = BTreeMap::from([("Via".to_owned(), "1.1 box".to_owned())]);
        let altered = String::from_utf8(head.with(&via)).unwrap();
        assert_eq!(
            altered,
            "GET / HTTP/1.1\r\nhost: a.test:80\r\naccept: x\r\nVia: 1.1 box\r\n\r\n"
        );
    }

    #[test]
    fn a_request_line_that_is_none_is_refused() {
        for text in ["XXX\r\nHost: a\r\n\r\n", "GET / HTTP/7\r\nHost: a\r\n\r\n"] {
            assert!(Head::read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Head::read(b"GET / HTTP/1.1\r\nAccept: x\r\n\r\n").is_none());
    }

    proptest! {
        #[test]
        fn any_head_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(head) = Head::read(&bytes) {
                prop_assert_eq!(head.with(&BTreeMap::new()), bytes);
            }
        }
    }
}
