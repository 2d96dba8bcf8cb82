//! Many claims in one table: Holm's step-down procedure (*Scandinavian Journal of Statistics* 6,
//! 1979). Of all claims that it lets stand, the chance that any is false is at most `alpha`,
//! whatever the claims have to do with each other.

/// Which claims stand, given the probability of each one's evidence where the claim is false.
#[must_use]
pub fn standing(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut by_strength: Vec<usize> = (0..p_values.len()).collect();
    by_strength.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut stands = vec![false; p_values.len()];
    for (done, index) in by_strength.into_iter().enumerate() {
        let left = (p_values.len() - done) as f64;
        if p_values[index].is_nan() || p_values[index] > alpha / left {
            break;
        }
        stands[index] = true;
    }
    stands
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_claim_that_stands_leaves_more_room_to_the_next() {
        // 0.012 ≤ 0.05/4, 0.016 ≤ 0.05/3, 0.03 > 0.05/2: the third falls, and with it the fourth.
        let p_values = [0.03, 0.012, 0.04, 0.016];
        assert_eq!(standing(&p_values, 0.05), [false, true, false, true]);
        assert!(standing(&[], 0.05).is_empty());
        assert_eq!(standing(&[f64::NAN, 0.001], 0.05), [false, true]);
    }

    proptest! {
        #[test]
        fn the_order_of_claims_does_not_matter(p_values in proptest::collection::vec(0.0..0.1, 0..30)) {
            let forward = standing(&p_values, 0.05);
            let reversed: Vec<f64> = p_values.iter().rev().copied().collect();
            let mut backward = standing(&reversed, 0.05);
            backward.reverse();
            let count = |stands: &[bool]| stands.iter().filter(|one| **one).count();
            prop_assert_eq!(count(&forward), count(&backward));
        }

        #[test]
        fn nothing_stands_that_would_not_stand_alone(p_values in proptest::collection::vec(0.0..0.2, 1..30)) {
            for (stands, p_value) in standing(&p_values, 0.05).iter().zip(&p_values) {
                prop_assert!(!stands || *p_value <= 0.05);
            }
        }
    }
}
