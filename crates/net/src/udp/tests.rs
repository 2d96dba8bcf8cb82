//! UDP sockets against each other on loopback.
use super::*;
use crate::clock::Stopwatch;
use crate::kernel_time::Received;

async fn sent_and_received(from: &str) -> (i64, Received, i64) {
    let clock = Stopwatch::start();
    let far = bind(from.parse().unwrap()).unwrap();
    let near = connect(far.local_addr().unwrap()).unwrap();
    let sent_ns = near.send(&clock, |_| b"hello".to_vec()).await.unwrap();
    let mut buffer = [0; 64];
    let received = far.receive(&clock, &mut buffer).await.unwrap();
    assert_eq!(&buffer[..received.bytes], b"hello");
    assert_eq!(received.source, near.local_addr().ok());
    (sent_ns, received, clock.elapsed_ns())
}

#[tokio::test]
async fn a_datagram_is_timed_by_the_kernel_between_its_send_and_its_read() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (sent_ns, received, read_ns) = sent_and_received(address).await;
        assert!(received.by_kernel, "{address}");
        assert_eq!(received.ttl, Some(64), "{address}");
        assert!(sent_ns <= received.at_ns && received.at_ns <= read_ns);
    }
}

#[tokio::test]
async fn the_time_a_datagram_waited_to_be_read_is_no_part_of_its_arrival() {
    let clock = Stopwatch::start();
    let far = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let near = connect(far.local_addr().unwrap()).unwrap();
    near.send(&clock, |_| vec![1]).await.unwrap();
    let after_send_ns = clock.elapsed_ns();
    while clock.elapsed_ns() < after_send_ns + 20_000_000 {
        std::hint::spin_loop();
    }
    let read_from_ns = clock.elapsed_ns();
    let received = far.receive(&clock, &mut [0; 8]).await.unwrap();
    assert!(received.at_ns < read_from_ns);
}

#[tokio::test]
async fn ipv4_on_an_ipv6_wildcard_has_a_ttl_too() {
    let clock = Stopwatch::start();
    let far = bind("[::]:0".parse().unwrap()).unwrap();
    let port = far.local_addr().unwrap().port();
    let near = connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    near.send(&clock, |_| vec![1]).await.unwrap();
    let received = far.receive(&clock, &mut [0; 8]).await.unwrap();
    assert_eq!(received.ttl, Some(64));
}

#[tokio::test]
async fn a_closed_port_is_an_error_once_and_the_socket_stays_good() {
    let clock = Stopwatch::start();
    let gone = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let near = connect(address).unwrap();
    near.send(&clock, |_| vec![1]).await.unwrap();
    let error = near.receive(&clock, &mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let back = bind(address).unwrap();
    near.send(&clock, |_| vec![2]).await.unwrap();
    assert_eq!(back.receive(&clock, &mut [0; 8]).await.unwrap().bytes, 1);
}

#[tokio::test]
async fn what_does_not_fit_the_buffer_is_said_to_be_cut() {
    let clock = Stopwatch::start();
    let far = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let near = connect(far.local_addr().unwrap()).unwrap();
    near.send(&clock, |_| vec![1; 9]).await.unwrap();
    let received = far.receive(&clock, &mut [0; 8]).await.unwrap();
    assert!(received.truncated);
    assert_eq!(received.bytes, 8);
}

#[tokio::test]
async fn a_wildcard_answers_from_the_address_that_was_asked() {
    let clock = Stopwatch::start();
    for (wildcard, asked) in [
        ("0.0.0.0:0", "127.0.0.2"),
        ("[::]:0", "127.0.0.2"),
        ("[::]:0", "::1"),
    ] {
        let far = bind(wildcard.parse().unwrap()).unwrap();
        let port = far.local_addr().unwrap().port();
        let near = connect(SocketAddr::new(asked.parse().unwrap(), port)).unwrap();
        near.send(&clock, |_| vec![1]).await.unwrap();
        let question = far.receive(&clock, &mut [0; 8]).await.unwrap();
        far.answer_now(b"yes", &question).unwrap();
        let mut buffer = [0; 8];
        let answer = near.receive(&clock, &mut buffer).await.unwrap();
        assert_eq!(&buffer[..answer.bytes], b"yes", "{wildcard} {asked}");
    }
}
