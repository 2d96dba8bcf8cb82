//! How often a cell is found whose mean falls short: kept draws, since each takes ten thousand resamplings.
//!
//! It hangs on how values are spread, so that a spread is assumed, that of the
//! simulations: samples are log-normal (σ = 1) with a correlation of 0.2 within an agent, and
//! an agent has one on each of 30 days. The cell's true mean is a fifth of the threshold on the wrong side of it.
//! Of 1 000 such cells (`ChaCha8`, seeded with the number of agents, each cell's resampling with its place), the
//! rows below keep every fiftieth of the chances in rising order. What is in them hangs on neither threshold nor
//! family.
use tonle_evidence::standard::Op;

/// Chances are kept in ten-thousandths: resampling gives no finer ones.
const CHANCE_STEPS: f64 = 1e4;
/// From one kept chance to the next lie so many cells, parts per million.
const STEP_PPM: u32 = 50_000;

/// Agents, and the chances of so many of their cells.
type Row = (usize, [u16; 19]);

/// Where the mean is asked to be at least so much.
const AT_LEAST: [Row; 10] = [
    (
        20,
        [
            928, 1483, 1769, 2046, 2289, 2652, 2840, 3070, 3320, 3625, 3905, 4248, 4688, 5151,
            5654, 6173, 6556, 7045, 7992,
        ],
    ),
    (
        25,
        [
            559, 971, 1339, 1644, 2007, 2292, 2543, 2773, 3014, 3215, 3556, 3859, 4171, 4465, 4940,
            5423, 5950, 6580, 7516,
        ],
    ),
    (
        30,
        [
            346, 710, 954, 1253, 1557, 1784, 2015, 2222, 2481, 2798, 3080, 3375, 3584, 3951, 4382,
            4870, 5477, 6036, 6911,
        ],
    ),
    (
        40,
        [
            175, 415, 619, 816, 1051, 1257, 1477, 1690, 1868, 2039, 2242, 2453, 2741, 3036, 3444,
            3876, 4399, 5116, 6241,
        ],
    ),
    (
        50,
        [
            79, 189, 300, 448, 664, 805, 1034, 1193, 1367, 1561, 1756, 1955, 2203, 2441, 2766,
            3079, 3489, 3965, 5036,
        ],
    ),
    (
        60,
        [
            46, 104, 194, 296, 413, 537, 680, 837, 961, 1132, 1308, 1487, 1723, 1939, 2158, 2545,
            2959, 3482, 4486,
        ],
    ),
    (
        80,
        [
            5, 20, 37, 59, 102, 145, 212, 279, 351, 464, 593, 748, 888, 1049, 1235, 1452, 1789,
            2173, 2860,
        ],
    ),
    (
        100,
        [
            3, 9, 19, 32, 55, 73, 105, 145, 189, 255, 309, 385, 479, 614, 755, 1019, 1282, 1626,
            2103,
        ],
    ),
    (
        150,
        [
            1, 1, 1, 2, 3, 5, 9, 13, 18, 27, 38, 53, 81, 112, 185, 246, 373, 596, 987,
        ],
    ),
    (
        200,
        [
            1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 6, 10, 15, 23, 41, 70, 122, 252,
        ],
    ),
];

/// Where it is asked to be at most so much: what reaches far is seen sooner.
const AT_MOST: [Row; 10] = [
    (
        20,
        [
            118, 217, 317, 447, 572, 712, 862, 1099, 1415, 1613, 1841, 2107, 2445, 2871, 3418,
            3933, 4566, 5594, 6932,
        ],
    ),
    (
        25,
        [
            54, 113, 177, 256, 342, 421, 562, 690, 894, 1043, 1228, 1469, 1691, 2125, 2687, 3213,
            3852, 4816, 6169,
        ],
    ),
    (
        30,
        [
            30, 59, 106, 166, 231, 307, 401, 486, 631, 732, 912, 1141, 1415, 1673, 2037, 2613,
            3553, 4390, 5710,
        ],
    ),
    (
        40,
        [
            7, 22, 39, 62, 86, 127, 168, 221, 275, 340, 417, 527, 668, 892, 1139, 1385, 1742, 2353,
            3654,
        ],
    ),
    (
        50,
        [
            4, 8, 14, 23, 33, 48, 63, 87, 107, 148, 190, 261, 364, 465, 690, 1000, 1318, 1869, 2943,
        ],
    ),
    (
        60,
        [
            1, 3, 5, 8, 12, 18, 24, 37, 49, 72, 98, 128, 179, 250, 350, 481, 733, 1037, 1757,
        ],
    ),
    (
        80,
        [
            1, 1, 2, 2, 3, 5, 7, 11, 16, 23, 32, 49, 70, 95, 138, 195, 282, 466, 965,
        ],
    ),
    (
        100,
        [
            1, 1, 1, 1, 1, 2, 2, 3, 4, 6, 7, 10, 14, 21, 30, 56, 89, 148, 324,
        ],
    ),
    (
        150,
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 7, 17, 65],
    ),
    (
        200,
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 6],
    ),
];

/// How often a cell of so many agents has evidence with a chance of at most `limit`, parts per million,
/// rounded down to five in a hundred. Of a number that is not kept, that of the next smaller one that is.
pub(super) fn of(op: Op, agents: usize, limit: f64) -> u32 {
    let rows = match op {
        Op::AtLeast => &AT_LEAST,
        Op::AtMost => &AT_MOST,
    };
    let row = rows.iter().rev().find(|row| row.0 <= agents);
    let found = row.map_or(0, |(_, chances)| {
        chances.partition_point(|chance| f64::from(*chance) <= limit * CHANCE_STEPS)
    });
    u32::try_from(found).unwrap_or(0) * STEP_PPM
}

#[cfg(test)]
mod tests {
    use super::super::mean;
    use super::super::simulations::normal;
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    /// Cells that are drawn anew: the first of those that were kept.
    const REDRAWN: u32 = 40;

    fn means(random: &mut ChaCha8Rng, agents: usize) -> Vec<f64> {
        let (between, within) = (0.2_f64.sqrt(), 0.8_f64.sqrt());
        (0..agents)
            .map(|_| {
                let own = between * normal(random) - 0.5;
                let days = (0..30).map(|_| (own + within * normal(random)).exp());
                days.sum::<f64>() / 30.0
            })
            .collect()
    }

    #[test]
    fn the_kept_chances_are_those_that_are_drawn() {
        for (op, threshold, rows) in [
            (Op::AtLeast, 1.25, &AT_LEAST),
            (Op::AtMost, 1.0 / 1.2, &AT_MOST),
        ] {
            let (agents, chances) = rows[0];
            let mut random = ChaCha8Rng::seed_from_u64(agents as u64);
            let low = (0..REDRAWN).filter(|cell| {
                let means = means(&mut random, agents);
                let seen = mean::judge(&means, (op, threshold), 0.95, u64::from(*cell)).unwrap();
                seen.chance_if_met * CHANCE_STEPS <= f64::from(chances[9])
            });
            // Half of all lie below the tenth kept one; of forty, in 99.9 % of cases ten to thirty.
            assert!((10..=30).contains(&low.count()), "{op:?}");
        }
    }

    #[test]
    fn more_agents_and_smaller_families_find_more() {
        for rows in [&AT_LEAST, &AT_MOST] {
            for pair in rows.windows(2) {
                let falls = pair[0]
                    .1
                    .iter()
                    .zip(&pair[1].1)
                    .all(|(one, other)| one >= other);
                assert!(falls, "{pair:?}");
            }
            assert!(rows.iter().all(|row| row.1.is_sorted()));
        }
        assert_eq!(of(Op::AtLeast, 19, 1.0), 0, "they bound no mean");
        assert_eq!(of(Op::AtLeast, 30, 0.05 / 75.0), 0);
        assert_eq!(of(Op::AtLeast, 200, 0.05 / 75.0), 600_000);
        assert_eq!(of(Op::AtMost, 100, 0.05 / 75.0), 500_000);
        assert_eq!(of(Op::AtMost, 101, 0.05 / 75.0), 500_000);
    }
}
