//! Trains through a simulated network that loses, doubles and reorders as a test says.
use super::*;
use proptest::prelude::*;

const GAP_NS: i64 = 100_000_000;
const TMAX_NS: i64 = 3_000_000_000;
/// One way, either direction.
const WAY_NS: i64 = 20_000_000;
const HELD_NS: i64 = 1_000_000;

/// What happens to one packet on its way there, and to its reply on the way back.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    lost: bool,
    doubled: bool,
    /// Extra delay; more than a gap lets the next one overtake.
    delay_ns: i64,
}

/// Sends `forward.len()` packets; every reply meets the fate of its place in `backward`.
fn train(forward: &[Fate], backward: &[Fate]) -> (Vec<i64>, Vec<Reply>) {
    let sent_ns: Vec<i64> = (0..).map(|n| n * GAP_NS).take(forward.len()).collect();
    let mut arrivals = Vec::new();
    for (sequence, (fate, sent_ns)) in (0_u32..).zip(forward.iter().zip(&sent_ns)) {
        let copies = if fate.lost {
            0
        } else {
            1 + i64::from(fate.doubled)
        };
        for copy in 0..copies {
            arrivals.push((sent_ns + WAY_NS + fate.delay_ns + copy * 1_000, sequence));
        }
    }
    arrivals.sort_unstable();
    let mut replies = Vec::new();
    for (number, (arrived_ns, sequence)) in (0_u32..).zip(arrivals) {
        let fate = backward.get(number as usize).copied().unwrap_or_default();
        let copies = if fate.lost {
            0
        } else {
            1 + i64::from(fate.doubled)
        };
        for copy in 0..copies {
            replies.push(Reply {
                sender_sequence: sequence,
                reflector_sequence: number,
                at_ns: arrived_ns + HELD_NS + WAY_NS + fate.delay_ns + copy * 1_000,
                held_ns: HELD_NS,
                left_ns: arrived_ns + HELD_NS,
                one_way_ns: None,
            });
        }
    }
    replies.sort_by_key(|reply| reply.at_ns);
    (sent_ns, replies)
}

fn result(forward: &[Fate], backward: &[Fate]) -> TrainResult {
    let (sent_ns, replies) = train(forward, backward);
    evaluate(&sent_ns, &replies, TMAX_NS)
}

fn losing(which: &[usize]) -> Vec<Fate> {
    let mut fates = vec![Fate::default(); 10];
    for number in which {
        fates[*number].lost = true;
    }
    fates
}

#[test]
fn the_time_that_the_reflector_held_a_packet_is_no_part_of_the_round_trip() {
    let whole = result(&losing(&[]), &[]);
    assert!(
        whole
            .answers
            .iter()
            .all(|answer| answer.rtt_ns == 2 * WAY_NS)
    );
    assert_eq!(whole.answers.len(), 10);
}

#[test]
fn a_hold_that_cannot_be_is_not_subtracted() {
    for held_ns in [-1, 10 * TMAX_NS] {
        let (sent_ns, mut replies) = train(&losing(&[]), &[]);
        replies[0].held_ns = held_ns;
        let rtt_ns = evaluate(&sent_ns, &replies, TMAX_NS).answers[0].rtt_ns;
        assert_eq!(rtt_ns, 2 * WAY_NS + HELD_NS);
    }
}

#[test]
fn loss_at_the_end_is_loss_of_the_round_trip_only() {
    for tail in [
        result(&losing(&[8, 9]), &[]),
        result(&losing(&[]), &losing(&[8, 9])),
    ] {
        assert_eq!(tail.answers.len(), 8);
        let loss = tail.loss.unwrap();
        assert_eq!((loss.forward, loss.backward), ((0, 8), (0, 8)));
    }
}

#[test]
fn loss_at_the_start_has_a_direction() {
    let forward = result(&losing(&[0, 1]), &[]).loss.unwrap();
    assert_eq!((forward.forward, forward.backward), ((2, 10), (0, 8)));
    let backward = result(&losing(&[]), &losing(&[0, 1])).loss.unwrap();
    assert_eq!((backward.forward, backward.backward), ((0, 10), (2, 10)));
}

#[test]
fn a_reflector_that_was_restarted_does_not_corrupt_loss() {
    let (sent_ns, mut replies) = train(&losing(&[2, 7]), &[]);
    for reply in &mut replies[4..] {
        reply.reflector_sequence -= 4;
    }
    let restarted = evaluate(&sent_ns, &replies, TMAX_NS);
    assert_eq!(restarted.answers.len(), 8);
    assert_eq!(restarted.loss, None);
}

#[test]
fn a_reflector_that_claims_more_than_was_sent_gets_no_split() {
    let (sent_ns, mut replies) = train(&losing(&[2]), &[]);
    replies.last_mut().unwrap().reflector_sequence = u32::MAX;
    assert_eq!(evaluate(&sent_ns, &replies, TMAX_NS).loss, None);
}

#[test]
fn a_late_reply_is_a_lost_packet() {
    let mut backward = losing(&[]);
    backward[3].delay_ns = TMAX_NS;
    let late = result(&losing(&[]), &backward);
    assert_eq!((late.answers.len(), late.late), (9, 1));
}

#[test]
fn replies_to_packets_that_were_never_sent_are_nothing() {
    let (sent_ns, mut replies) = train(&losing(&[]), &[]);
    replies[0].sender_sequence = 99;
    assert_eq!(evaluate(&sent_ns, &replies, TMAX_NS).answers.len(), 9);
}

/// Fates in which nothing is lost, and the last few packets go straight: what is overtaken and lost
/// at the very end has no direction that anybody could tell.
fn disturbed(count: usize) -> impl Strategy<Value = Vec<Fate>> {
    let fate = (any::<bool>(), 0..4 * GAP_NS).prop_map(|(doubled, delay_ns)| Fate {
        lost: false,
        doubled,
        delay_ns,
    });
    proptest::collection::vec(fate, count).prop_map(|mut fates| {
        let straight = fates.len() - 6;
        fates[straight..].fill(Fate::default());
        fates
    })
}

proptest! {
    #[test]
    fn loss_in_one_direction_appears_in_that_direction_only(
        mut forward in disturbed(40), mut backward in disturbed(90), lost in proptest::collection::btree_set(0_usize..34, 0..10), is_forward: bool,
    ) {
        for fate in &mut forward {
            fate.doubled = false;
        }
        backward.truncate(40);
        backward[34..].fill(Fate::default());
        let losing = if is_forward { &mut forward } else { &mut backward };
        for number in &lost {
            losing[*number].lost = true;
        }
        let found = result(&forward, &backward);
        prop_assert_eq!(found.answers.len(), 40 - lost.len());
        let loss = found.loss.unwrap();
        let expected = if is_forward { (lost.len(), 0) } else { (0, lost.len()) };
        prop_assert_eq!((loss.forward.0, loss.backward.0), expected);
    }

    #[test]
    fn duplicates_and_reordering_are_no_loss_and_no_replies(forward in disturbed(40), backward in disturbed(80)) {
        let found = result(&forward, &backward);
        prop_assert_eq!(found.answers.len(), 40);
        let loss = found.loss.unwrap();
        prop_assert_eq!((loss.forward.0, loss.backward.0), (0, 0));
        let sequences: Vec<u32> = found.answers.iter().map(|answer| answer.sequence).collect();
        prop_assert_eq!(sequences, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn any_replies_are_evaluated(replies in proptest::collection::vec((0_u32..60, any::<u32>(), 0..TMAX_NS * 3, any::<i32>(), any::<i32>()), 0..80)) {
        let sent_ns: Vec<i64> = (0..50).map(|n| n * GAP_NS).collect();
        let replies: Vec<Reply> = replies.into_iter().map(|(sender_sequence, reflector_sequence, at_ns, held_ns, left_ns)| Reply {
            sender_sequence, reflector_sequence, at_ns, held_ns: held_ns.into(), left_ns: left_ns.into(), one_way_ns: None,
        }).collect();
        let found = evaluate(&sent_ns, &replies, TMAX_NS);
        prop_assert!(found.answers.len() <= found.sent_ns.len());
        if let Some(loss) = found.loss {
            prop_assert!(loss.forward.0 <= loss.forward.1 && loss.backward.0 <= loss.backward.1);
        }
    }
}
