//! Traces to loopback, which is its own first hop.
use super::*;
use crate::testing::settings;
use std::net::TcpListener;

async fn traced(method: Method, target: SocketAddr) -> (End, Vec<Hop>) {
    let mut hops = Vec::new();
    let (settings, clock) = (settings(), Stopwatch::start());
    let saw = |hop| hops.push(hop);
    let end = trace(&settings, &clock, method, target, || true, saw).await;
    (end, hops)
}

fn assert_one_hop(end: &End, hops: &[Hop], target: SocketAddr) {
    assert!(matches!(end, End::Reached(1)), "{end:?} {hops:?}");
    assert_eq!(hops.len(), 1);
    assert_eq!(hops[0].answers.len(), usize::from(PROBES));
    for answer in &hops[0].answers {
        assert_eq!(answer.from, target.ip());
        assert_eq!(answer.verdict, Verdict::Target);
    }
}

#[tokio::test]
async fn the_target_answers_datagrams_by_port_unreachable_timed_by_the_kernel() {
    for target in ["127.0.0.1:443", "[::1]:443"] {
        let target = target.parse().unwrap();
        let (end, hops) = traced(Method::Udp, target).await;
        assert_one_hop(&end, &hops, target);
        assert!(hops[0].answers.iter().all(|answer| answer.by_kernel));
    }
}

#[tokio::test]
async fn an_open_and_a_closed_port_both_are_the_target_and_one_flow() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).unwrap();
        let target = listener.local_addr().unwrap();
        let (end, hops) = traced(Method::Tcp, target).await;
        assert_one_hop(&end, &hops, target);
        let from: Vec<SocketAddr> = (0..PROBES).map(|_| listener.accept().unwrap().1).collect();
        assert!(from.windows(2).all(|pair| pair[0] == pair[1]), "{from:?}");
        drop(listener);
        let (end, hops) = traced(Method::Tcp, target).await;
        assert_one_hop(&end, &hops, target);
    }
}

#[tokio::test]
async fn the_target_answers_echoes_where_they_are_permitted() {
    let target = "127.0.0.1:443".parse().unwrap();
    let (end, hops) = traced(Method::Icmp, target).await;
    match crate::icmp::EchoSocket::open(&settings(), target.ip()) {
        Ok(_) => assert_one_hop(&end, &hops, target),
        Err(_) => assert!(matches!(end, End::NotSent(_)), "{end:?}"),
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_special_address() {
    let mut strict = settings();
    strict.allow_loopback = false;
    let (clock, target) = (Stopwatch::start(), "192.168.1.1:443".parse().unwrap());
    for method in [Method::Udp, Method::Tcp, Method::Icmp] {
        let asked = || panic!("a hop was begun");
        let end = trace(&strict, &clock, method, target, asked, |_| ()).await;
        assert!(matches!(end, End::NotSent(_)), "{end:?}");
    }
}
