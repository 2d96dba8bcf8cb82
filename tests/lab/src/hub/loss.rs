//! Which packets of a direction are lost. Pure; randomness comes from the scenario's seed.
use crate::scenario::model;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashSet;

/// A pattern of loss and where it stands.
#[derive(Debug)]
pub(crate) struct Loss {
    pattern: Pattern,
    offered: u64,
    seed: u64,
    rng: StdRng,
}

#[derive(Debug)]
enum Pattern {
    None,
    Every(u64),
    Packets(HashSet<u64>),
    Random(u16),
    /// Gilbert–Elliott: two states with chances of change, loss in the bad one.
    Bursts {
        enter: u16,
        leave: u16,
        loss: u16,
        bad: bool,
    },
}

impl Loss {
    /// As the scenario says.
    pub(crate) fn new(loss: Option<&model::Loss>, seed: u64) -> Self {
        let pattern = match loss {
            None => Pattern::None,
            Some(model::Loss::Every(n)) => Pattern::Every(*n),
            Some(model::Loss::Packets(numbers)) => {
                Pattern::Packets(numbers.iter().copied().collect())
            }
            Some(model::Loss::RandomPermille(permille)) => Pattern::Random(*permille),
            Some(model::Loss::Bursts {
                enter_permille,
                leave_permille,
                loss_permille,
            }) => Pattern::Bursts {
                enter: *enter_permille,
                leave: *leave_permille,
                loss: *loss_permille,
                bad: false,
            },
        };
        Self {
            pattern,
            offered: 0,
            seed,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Counts from 1 again, with the first random number again.
    pub(crate) fn restart(&mut self) {
        self.offered = 0;
        self.rng = StdRng::seed_from_u64(self.seed);
        if let Pattern::Bursts { bad, .. } = &mut self.pattern {
            *bad = false;
        }
    }

    /// Whether the next packet is lost.
    pub(crate) fn takes_next(&mut self) -> bool {
        self.offered += 1;
        match &mut self.pattern {
            Pattern::None => false,
            Pattern::Every(n) => *n > 0 && self.offered.is_multiple_of(*n),
            Pattern::Packets(numbers) => numbers.contains(&self.offered),
            Pattern::Random(permille) => happens(&mut self.rng, *permille),
            Pattern::Bursts {
                enter,
                leave,
                loss,
                bad,
            } => {
                let turn = if *bad { *leave } else { *enter };
                *bad ^= happens(&mut self.rng, turn);
                *bad && happens(&mut self.rng, *loss)
            }
        }
    }
}

fn happens(rng: &mut StdRng, permille: u16) -> bool {
    rng.random_range(0..1000) < permille
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(loss: &model::Loss, seed: u64, packets: u64) -> Vec<u64> {
        let mut state = Loss::new(Some(loss), seed);
        (1..=packets).filter(|_| state.takes_next()).collect()
    }

    #[test]
    fn every_nth_packet_counted_from_one() {
        assert_eq!(lost(&model::Loss::Every(4), 0, 12), [4, 8, 12]);
    }

    #[test]
    fn exactly_the_packets_named() {
        let loss = model::Loss::Packets(vec![3, 7]);
        assert_eq!(lost(&loss, 0, 20), [3, 7]);
    }

    #[test]
    fn the_same_seed_loses_the_same_packets() {
        let loss = model::Loss::RandomPermille(100);
        assert_eq!(lost(&loss, 5, 1000), lost(&loss, 5, 1000));
        assert_ne!(lost(&loss, 5, 1000), lost(&loss, 6, 1000));
        let share = lost(&loss, 5, 10_000).len();
        assert!((800..1200).contains(&share), "{share} of 10,000");
    }

    #[test]
    fn a_restart_loses_the_same_packets_again() {
        let pattern = model::Loss::Bursts {
            enter_permille: 50,
            leave_permille: 300,
            loss_permille: 800,
        };
        let mut loss = Loss::new(Some(&pattern), 9);
        let first: Vec<_> = (0..500).map(|_| loss.takes_next()).collect();
        loss.restart();
        let again: Vec<_> = (0..500).map(|_| loss.takes_next()).collect();
        assert_eq!(first, again);
    }

    #[test]
    fn bursts_come_in_runs() {
        let pattern = model::Loss::Bursts {
            enter_permille: 10,
            leave_permille: 200,
            loss_permille: 1000,
        };
        let lost = lost(&pattern, 1, 10_000);
        let neighbours = lost.windows(2).filter(|two| two[1] == two[0] + 1).count();
        assert!(
            neighbours * 2 > lost.len(),
            "{neighbours} of {}",
            lost.len()
        );
    }
}
