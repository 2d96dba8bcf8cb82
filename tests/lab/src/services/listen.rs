//! Listening sockets on one address each, and the loop that accepts from them.
use super::Running;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

/// Connections of one listener at a time; more wait in the kernel.
const CONNECTIONS_MAX: usize = 1024;
/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// Pause when the kernel gives no connection, for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

pub(super) fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

pub(super) fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&SockAddr::from(address))?;
    UdpSocket::from_std(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        // An address that the kernel still holds back for duplicate detection can be bound already.
        socket.set_freebind_v6(true)?;
    }
    Ok(socket)
}

/// Accepts connections until the host's services stop, and serves each in a task of its own.
pub(super) fn accept<S, F>(running: &Running, listener: TcpListener, serve: S)
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = running.tasks();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    running.spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Without it small answers would wait for acknowledgements; the lab adds its own delays.
            let _ = SockRef::from(&stream).set_tcp_nodelay(true);
            let serving = serve(stream);
            tasks.spawn(async move {
                serving.await;
                drop(place);
            });
        }
    });
}
