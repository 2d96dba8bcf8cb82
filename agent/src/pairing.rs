//! The order within pairs of transfers: two by two mirrored, so that what drifts slowly weighs on both
//! kinds alike. Pure.

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
    fn the_seed_decides_which_comes_first() {
        let first = |seed| orders(seed, 2, ['a', 'b']).next().map(|order| order[0]);
        assert_ne!(first(0), first(1));
    }
}
