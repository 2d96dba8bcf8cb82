//! Plain servers: TCP that echoes, discards, is silent or resets, and UDP that echoes.
use super::{Running, listen};
use crate::scenario::model::TcpDoes;
use socket2::SockRef;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

/// A connection on which nothing happens ends after this.
const IDLE: Duration = Duration::from_mins(10);
/// Read at a time, bytes.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) fn tcp(running: &Running, listener: TcpListener, does: TcpDoes) {
    listen::accept(running, listener, move |stream| async move {
        match does {
            TcpDoes::Echo => echo(stream).await,
            TcpDoes::Discard => discard(stream).await,
            TcpDoes::Silent => tokio::time::sleep(IDLE).await,
            TcpDoes::Reset => reset(stream),
        }
    });
}

/// Sends everything back, until the other end has finished.
async fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(Ok(length @ 1..)) = timeout(IDLE, stream.read(&mut buffer)).await {
        let Ok(Ok(())) = timeout(IDLE, stream.write_all(&buffer[..length])).await else {
            return;
        };
    }
    let _ = stream.shutdown().await;
}

async fn discard(mut stream: TcpStream) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while let Ok(Ok(1..)) = timeout(IDLE, stream.read(&mut buffer)).await {}
}

/// Closing without lingering makes the kernel send RST in place of FIN.
fn reset(stream: TcpStream) {
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

pub(super) fn udp_echo(running: &Running, socket: UdpSocket) {
    running.spawn(async move {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            // Errors belong to single packets (an ICMP answer to an earlier one): the next may come.
            if let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let _ = socket.send_to(&buffer[..length], from).await;
            }
        }
    });
}
