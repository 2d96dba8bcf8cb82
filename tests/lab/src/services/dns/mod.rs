//! DNS servers: over UDP (RFC 1035, RFC 6891), TCP (RFC 7766) and TLS (RFC 7858).
mod manner;
mod reply;
#[cfg(test)]
mod tests;
mod zone;

pub(super) use manner::Manner;
pub(super) use reply::{MESSAGE_BYTES_MAX, TTL_S, reply};
pub(super) use zone::{Zone, names_of};

use super::{Running, listen, tls};
use reply::fit;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Questions over UDP that wait for their answers at a time; more are dropped.
const WAITING_MAX: usize = 4096;
/// A connection without a question ends after this.
const IDLE: Duration = Duration::from_mins(1);

/// Answers over UDP, each after `delay`.
pub(super) fn over_udp(
    running: &Running,
    socket: UdpSocket,
    zone: &Arc<Zone>,
    (manner, delay): (&Arc<Manner>, Duration),
) {
    let socket = Arc::new(socket);
    let places = Arc::new(Semaphore::new(WAITING_MAX));
    let (zone, manner) = (Arc::clone(zone), Arc::clone(manner));
    let tasks = running.tasks();
    running.spawn(async move {
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
                continue;
            };
            let Some((answer, limit)) = reply(&zone, &manner, &buffer[..length]) else {
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let socket = Arc::clone(&socket);
            tasks.spawn(async move {
                sleep(delay).await;
                if let Some(bytes) = fit(&answer, limit) {
                    let _ = socket.send_to(&bytes, from).await;
                }
                drop(place);
            });
        }
    });
}

/// Answers over TCP, each after `delay`, in the order of the questions.
pub(super) fn over_tcp(
    running: &Running,
    listener: TcpListener,
    zone: &Arc<Zone>,
    (manner, delay): (&Arc<Manner>, Duration),
) {
    let (zone, manner) = (Arc::clone(zone), Arc::clone(manner));
    listen::accept(running, listener, move |stream| {
        let (zone, manner) = (Arc::clone(&zone), Arc::clone(&manner));
        async move {
            let conversation = converse(stream, &zone, (&manner, delay));
            conversation.await.unwrap_or_default();
        }
    });
}

/// Answers over TLS.
pub(super) fn over_tls(
    running: &Running,
    listener: TcpListener,
    acceptor: &TlsAcceptor,
    zone: &Arc<Zone>,
) {
    let (acceptor, zone) = (acceptor.clone(), Arc::clone(zone));
    listen::accept(running, listener, move |stream| {
        let (acceptor, zone) = (acceptor.clone(), Arc::clone(&zone));
        async move {
            let Some(stream) = tls::handshake(&acceptor, stream).await else {
                return;
            };
            let honest = Manner::default();
            converse(stream, &zone, (&honest, Duration::ZERO))
                .await
                .unwrap_or_default();
        }
    });
}

/// Questions and answers with their lengths before them, until the other end closes.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    zone: &Zone,
    (manner, delay): (&Manner, Duration),
) -> std::io::Result<()> {
    loop {
        let length = timeout(IDLE, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        timeout(IDLE, stream.read_exact(&mut question)).await??;
        let Some((answer, _)) = reply(zone, manner, &question) else {
            continue;
        };
        sleep(delay).await;
        let Some(bytes) = fit(&answer, MESSAGE_BYTES_MAX) else {
            return Ok(());
        };
        // One write, so that length and message leave in one segment.
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let framed = [&length.to_be_bytes()[..], &bytes].concat();
        timeout(IDLE, stream.write_all(&framed)).await??;
        stream.flush().await?;
    }
}
