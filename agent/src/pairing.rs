//! The order of attempts that are compared. Within pairs of transfers: two by two mirrored, so that what
//! drifts slowly weighs on both kinds alike. Of handshakes: each kind once in every round, in an order that
//! is drawn, so that what a network does for a while after it saw one weighs on all. Pure.
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// The order within each of `pairs` pairs; each two mirrored as a bit of the seed says.
pub fn orders<T: Copy>(seed: u64, pairs: u32, kinds: [T; 2]) -> impl Iterator<Item = [T; 2]> {
    let [one, other] = kinds;
    (0..pairs).map(move |index| {
        let (block, is_second) = (index / 2, index % 2 == 1);
        let begins_with_other = (seed >> (block % 64)) & 1 == 1;
        if begins_with_other == is_second {
            [one, other]
        } else {
            [other, one]
        }
    })
}

/// Round and kind of every attempt: each kind once in each round.
pub fn rounds<T: Copy, const KINDS: usize>(
    seed: u64,
    rounds: u32,
    kinds: [T; KINDS],
) -> Vec<(u32, T)> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut drawn = || {
        let mut kinds = kinds;
        kinds.shuffle(&mut random);
        kinds
    };
    (0..rounds)
        .flat_map(|round| drawn().map(|kind| (round, kind)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_round_has_each_kind_once(seed: u64, count in 0u32..5) {
            let kinds = ['a', 'b', 'c'];
            let attempts = rounds(seed, count, kinds);
            prop_assert_eq!(attempts.len(), kinds.len() * count as usize);
            for round in 0..count {
                let of_round = attempts.iter().filter(|(which, _)| *which == round);
                let seen: Vec<char> = of_round.map(|(_, kind)| *kind).collect();
                prop_assert!(kinds.iter().all(|kind| seen.contains(kind)));
            }
        }

        #[test]
        fn both_kinds_come_first_equally_often(seed: u64, blocks in 1u32..80) {
            let first: Vec<char> = orders(seed, 2 * blocks, ['a', 'b']).map(|order| order[0]).collect();
            prop_assert_eq!(first.len() as u64, 2 * u64::from(blocks));
            for block in first.chunks(2) {
                prop_assert_ne!(block[0], block[1]);
            }
        }
    }

    #[test]
    fn the_seed_draws_the_order_of_rounds() {
        let drawn: Vec<_> = (0..20).map(|seed| rounds(seed, 3, ['a', 'b'])).collect();
        assert!(drawn.iter().any(|one| *one != drawn[0]));
    }

    #[test]
    fn the_seed_decides_which_comes_first() {
        let first = |seed| orders(seed, 2, ['a', 'b']).next().map(|order| order[0]);
        assert_ne!(first(0), first(1));
    }
}
