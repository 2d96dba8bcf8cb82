//! The network as a machine, without kernels: every effect of a link, by exact times.
use super::{Ended, Fate, Origin, World};
use crate::packet::craft::udp;
use crate::packet::{Flow, Packet, Transport, protocol};
use crate::rules::Way;
use crate::scenario::model::Scenario;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const CLIENT: usize = 0;

/// A client with these lines about its links, and a server without any.
fn scenario(client: &str) -> Scenario {
    let text = format!(
        r#"
        description = "test"
        seed = 7
        [[host]]
        name = "client"
        addresses = ["10.0.0.1", "2001:db8::1"]
        {client}
        [[host]]
        name = "server"
        addresses = ["198.51.100.1", "2001:db8::2"]
        "#
    );
    Scenario::parse(&text, "test").unwrap()
}

/// A UDP packet to the server of so many bytes in all; its number is its payload's beginning.
fn packet(number: u8, bytes: usize) -> Packet {
    between("10.0.0.1:1000", "198.51.100.1:2000", number, bytes - 28)
}

fn between(from: &str, to: &str, number: u8, payload: usize) -> Packet {
    let flow = Flow::new(from.parse().unwrap(), to.parse().unwrap(), protocol::UDP);
    udp(&flow.unwrap(), &vec![number; payload]).unwrap()
}

fn number(ended: &Ended) -> u8 {
    match ended.packet.transport() {
        Transport::Udp(udp) => udp.payload[0],
        _ => panic!("no UDP"),
    }
}

/// Sends packets of 1250 bytes from the client, numbered from 1, at these times, to the end.
fn run(client: &str, times_ns: &[u64]) -> Vec<Ended> {
    let mut world = World::new(&scenario(client));
    world.begin(0);
    for (index, at_ns) in times_ns.iter().enumerate() {
        let number = u8::try_from(index + 1).unwrap();
        world.send(CLIENT, packet(number, 1250), *at_ns);
    }
    world.advance(u64::MAX);
    world.take_ended()
}

fn delivered(ended: &[Ended]) -> Vec<(u8, u64)> {
    let all = ended.iter().filter(|one| one.fate == Fate::Delivered);
    all.map(|one| (number(one), one.ended_ns)).collect()
}

#[test]
fn a_packet_arrives_after_the_delay_and_not_before() {
    let mut world = World::new(&scenario("up = { delay_ms = 12.5 }"));
    world.send(CLIENT, packet(1, 100), 3);
    world.advance(12_500_002);
    assert!(world.take_ended().is_empty());
    assert_eq!(world.next_ns(), Some(12_500_003));
    world.advance(12_500_003);
    let ended = world.take_ended();
    assert_eq!(delivered(&ended), [(1, 12_500_003)]);
    assert_eq!((ended[0].origin, ended[0].to), (Origin::Host(0), Some(1)));
}

#[test]
fn both_hosts_links_add_up_in_both_families() {
    let mut world = World::new(&scenario("down = { delay_ms = 5 }\nup = { delay_ms = 7 }"));
    world.send(1, between("[2001:db8::2]:1", "[2001:db8::1]:2", 1, 9), 0);
    world.send(0, between("[2001:db8::1]:2", "[2001:db8::2]:1", 2, 9), 0);
    world.advance(u64::MAX);
    assert_eq!(delivered(&world.take_ended()), [(1, 5 * MS), (2, 7 * MS)]);
}

#[test]
fn the_rate_sets_when_a_packet_leaves_and_the_queue_is_told() {
    let ended = run("up = { rate_kbit = 1000, delay_ms = 1 }", &[0, 0, 0]);
    let expected = [(1, 11 * MS), (2, 21 * MS), (3, 31 * MS)];
    assert_eq!(delivered(&ended), expected);
    let queued: Vec<u64> = ended.iter().map(|one| one.queued_ns / MS).collect();
    assert_eq!(queued, [0, 10, 20]);
}

#[test]
fn a_full_queue_drops_the_last_ones() {
    let ended = run("up = { rate_kbit = 1000, queue_bytes = 2500 }", &[0; 5]);
    assert_eq!(delivered(&ended).len(), 3);
    let dropped: Vec<u8> = ended
        .iter()
        .filter(|one| one.fate == Fate::QueueFull)
        .map(number)
        .collect();
    assert_eq!(dropped, [4, 5]);
    assert_eq!((ended[0].on, ended[0].way), (CLIENT, Way::Up));
}

#[test]
fn exactly_the_packets_of_the_pattern_are_lost() {
    let ended = run("up = { loss = { packets = [2, 5] } }", &[0; 6]);
    let lost: Vec<u8> = ended
        .iter()
        .filter(|one| one.fate == Fate::Lost)
        .map(number)
        .collect();
    assert_eq!(lost, [2, 5]);
}

#[test]
fn a_duplicate_comes_right_after_its_packet_and_is_marked() {
    let ended = run("up = { duplicate = { every = 2 } }", &[0; 4]);
    let numbers: Vec<(u8, bool)> = ended.iter().map(|one| (number(one), one.copy)).collect();
    let expected = [
        (1, false),
        (2, false),
        (2, true),
        (3, false),
        (4, false),
        (4, true),
    ];
    assert_eq!(numbers, expected);
}

#[test]
fn a_packet_that_is_held_back_is_overtaken() {
    let link = "up = { delay_ms = 10, reorder = { every = 3, by_ms = 5 } }";
    let times: Vec<u64> = (0..5).map(|n| n * MS).collect();
    let numbers: Vec<u8> = delivered(&run(link, &times))
        .iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(numbers, [1, 2, 4, 5, 3]);
}

#[test]
fn an_outage_stops_everything_until_it_is_over() {
    let link = "up = { delay_ms = 1 }
        [[host.change]]
        at_ms = 10
        outage = true
        [[host.change]]
        at_ms = 20
        outage = false";
    let ended = run(link, &[9 * MS, 10 * MS, 19 * MS, 20 * MS]);
    let numbers: Vec<u8> = delivered(&ended).iter().map(|one| one.0).collect();
    assert_eq!(numbers, [1, 4]);
    assert_eq!(
        ended.iter().filter(|one| one.fate == Fate::Outage).count(),
        2
    );
}

#[test]
fn changes_count_from_the_beginning_of_the_scenario() {
    let link = "up = { delay_ms = 1 }
        [[host.change]]
        at_ms = 10
        delay_ms = 30";
    let mut world = World::new(&scenario(link));
    world.begin(100 * MS);
    world.send(CLIENT, packet(1, 100), 109 * MS);
    world.send(CLIENT, packet(2, 100), 110 * MS);
    world.advance(u64::MAX);
    assert_eq!(
        delivered(&world.take_ended()),
        [(1, 110 * MS), (2, 140 * MS)]
    );
}

#[test]
fn patterns_begin_again_with_the_scenario() {
    let mut world = World::new(&scenario("up = { loss = { packets = [1] } }"));
    world.send(CLIENT, packet(1, 100), 0);
    world.begin(MS);
    world.send(CLIENT, packet(2, 100), MS);
    world.advance(u64::MAX);
    let fates: Vec<Fate> = world.take_ended().iter().map(|one| one.fate).collect();
    assert_eq!(fates, [Fate::Lost, Fate::Lost]);
}

#[test]
fn too_large_a_packet_is_answered_with_the_mtu_or_vanishes() {
    let mut world = World::new(&scenario("up = { mtu = 1280 }"));
    let large = between("[2001:db8::1]:2", "[2001:db8::2]:1", 1, 1300);
    world.send(CLIENT, large, 0);
    world.advance(u64::MAX);
    let ended = world.take_ended();
    assert_eq!(ended[0].fate, Fate::TooBig);
    let Transport::Icmp(answer) = ended[1].packet.transport() else {
        panic!("no answer");
    };
    assert_eq!((answer.kind, answer.rest), (2, [0, 0, 0x05, 0]));
    assert_eq!(
        (ended[1].fate, ended[1].to),
        (Fate::Delivered, Some(CLIENT))
    );

    let mut world = World::new(&scenario("up = { mtu = 1280, mtu_silent = true }"));
    world.send(CLIENT, packet(1, 1400), 0);
    world.advance(u64::MAX);
    assert_eq!(world.take_ended().len(), 1);
}

#[test]
fn a_router_answers_where_the_ttl_ends_after_the_link_both_ways() {
    let link = r#"up = { delay_ms = 3 }
        down = { delay_ms = 4 }
        [[host.routers]]
        addresses = ["10.0.0.254"]
        [[host.routers]]
        addresses = ["10.9.9.9"]"#;
    let mut world = World::new(&scenario(link));
    let mut probe = packet(1, 100);
    while probe.ttl() > 2 {
        probe.decrement_ttl();
    }
    world.send(CLIENT, probe, 0);
    world.advance(u64::MAX);
    let ended = world.take_ended();
    assert_eq!(ended[0].fate, Fate::TtlEnded);
    assert_eq!(ended[1].packet.source().to_string(), "10.9.9.9");
    assert_eq!((ended[1].to, ended[1].ended_ns), (Some(CLIENT), 7 * MS));
    assert_eq!(ended[1].origin, Origin::Router);
}

#[test]
fn what_has_no_receiver_is_told() {
    let mut world = World::new(&scenario(""));
    world.send(CLIENT, between("10.0.0.1:1", "203.0.113.9:2", 1, 9), 0);
    world.advance(0);
    let ended = world.take_ended();
    assert_eq!((ended[0].fate, ended[0].to), (Fate::NoRoute, None));
}

#[test]
fn a_middlebox_before_the_link_answers_at_once_and_one_behind_it_after_the_delay() {
    for (place, after_ns) in [("near", 0), ("far", 7 * MS)] {
        let mut text = scenario("up = { delay_ms = 3 }\ndown = { delay_ms = 4 }");
        text.middleboxes = vec![
            toml::from_str(&format!(
                "place = \"{place}\"\naction = \"endpoint\"\naddresses = [\"198.51.100.1\"]\ndoes = \"reject\""
            ))
            .unwrap(),
        ];
        let mut world = World::new(&text);
        world.send(CLIENT, packet(1, 100), 0);
        world.advance(u64::MAX);
        let ended = world.take_ended();
        let answer = ended
            .iter()
            .find(|one| one.fate == Fate::Delivered)
            .unwrap();
        assert_eq!(
            (answer.ended_ns, answer.to),
            (after_ns, Some(CLIENT)),
            "{place}"
        );
        assert_eq!(answer.origin, Origin::Middlebox(0));
        assert!(ended.iter().any(|one| one.fate == Fate::Middlebox));
    }
}

proptest! {
    #[test]
    fn every_packet_ends_once_and_in_order_whatever_the_delay_does(
        gaps_us in prop::collection::vec(0u64..3000, 1..40),
        variation_ms in 0u8..20,
        rate_kbit in 500u64..20_000,
        every in 2u64..9,
    ) {
        let link = format!(
            "up = {{ delay_ms = 5, delay_variation_ms = {variation_ms}, rate_kbit = {rate_kbit}, \
             loss = {{ every = {every} }} }}"
        );
        let mut now = 0;
        let times: Vec<u64> = gaps_us.iter().map(|gap| { now += gap * 1000; now }).collect();
        let ended = run(&link, &times);
        prop_assert_eq!(ended.len(), times.len());
        let arrived = delivered(&ended);
        prop_assert!(arrived.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1));
        for (number, at_ns) in &arrived {
            let send_ns = 1250 * 8 * 1_000_000 / rate_kbit;
            prop_assert!(*at_ns >= times[usize::from(*number) - 1] + 5 * MS + send_ns);
        }
        let lost = ended.iter().filter(|one| one.fate == Fate::Lost).count();
        prop_assert_eq!(lost as u64, times.len() as u64 / every);
        prop_assert_eq!(run(&link, &times), ended, "the same seed, the same run");
    }

    #[test]
    fn it_does_not_matter_how_often_the_machine_is_looked_at(
        steps_us in prop::collection::vec(1u64..20_000, 1..30),
    ) {
        let link = "up = { rate_kbit = 1000, delay_ms = 3, delay_variation_ms = 4 }";
        let mut world = World::new(&scenario(link));
        for number in 1..=10 {
            world.send(CLIENT, packet(number, 1250), 0);
        }
        let mut now = 0;
        for step in steps_us {
            now += step * 1000;
            world.advance(now);
        }
        world.advance(u64::MAX);
        prop_assert_eq!(world.take_ended(), run(link, &[0; 10]));
    }
}
