//! A resolver on loopback that says what a test tells it to, over UDP and TCP on one port.
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record};
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// Replies to one question: (over TCP?, question) → datagrams in order.
pub(crate) trait Script:
    Fn(bool, &Message) -> Vec<Vec<u8>> + Send + Sync + Clone + 'static
{
}
impl<F: Fn(bool, &Message) -> Vec<Vec<u8>> + Send + Sync + Clone + 'static> Script for F {}

/// Both transports on one port: a port that is free for one may be taken for the other.
async fn same_port() -> (TcpListener, UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
            return (listener, socket);
        }
    }
}

/// Starts the resolver; it lives as long as the test's runtime.
pub(crate) async fn resolver(script: impl Script) -> SocketAddr {
    let (listener, socket) = same_port().await;
    let address = socket.local_addr().unwrap();
    let over_tcp = script.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            for datagram in script(false, &question) {
                socket.send_to(&datagram, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = stream.read_u16().await.unwrap();
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await.unwrap();
            for reply in over_tcp(true, &Message::from_vec(&bytes).unwrap()) {
                stream
                    .write_u16(u16::try_from(reply.len()).unwrap())
                    .await
                    .unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        }
    });
    address
}

/// The reply with this code and these addresses.
pub(crate) fn reply(question: &Message, code: ResponseCode, addresses: &[&str]) -> Message {
    let mut message = question.clone();
    message.metadata.message_type = MessageType::Response;
    message.metadata.response_code = code;
    let name = question.queries[0].name.clone();
    for address in addresses {
        let data = match address.parse().unwrap() {
            IpAddr::V4(v4) => RData::A(A::from(v4)),
            IpAddr::V6(v6) => RData::AAAA(AAAA::from(v6)),
        };
        message.add_answer(Record::from_rdata(name.clone(), 300, data));
    }
    message
}

/// [`reply`] as one datagram.
pub(crate) fn bytes(question: &Message, code: ResponseCode, addresses: &[&str]) -> Vec<u8> {
    reply(question, code, addresses).to_vec().unwrap()
}
