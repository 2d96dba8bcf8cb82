//! What a train of probes says: loss, round-trip times and both delay variations. Pure, integers
//! only.
//!
//! Round-trip time after RFC 2681, loss after RFC 6673, IPDV after RFC 3393 (mean absolute
//! difference of consecutive delays), PDV after RFC 5481 (delay minus the smallest delay of the
//! train).
use crate::quantile::{divide_rounded, median, quantile, ratio_ppm};

/// The round-trip times of a train in the order of sending; `None` where no reply came in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Train {
    rtts_us: Vec<Option<i64>>,
}

/// Figures of a train with at least one reply, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// Smallest round-trip time.
    pub rtt_min_us: i64,
    /// Median round-trip time.
    pub rtt_median_us: i64,
    /// 95th percentile of the round-trip times.
    pub rtt_p95_us: i64,
    /// 95th percentile of the delay over the smallest one.
    pub pdv_p95_us: i64,
    /// Mean absolute difference of consecutive delays; absent when no two consecutive probes were
    /// both answered.
    pub ipdv_mean_abs_us: Option<i64>,
}

impl Train {
    /// Adds the next probe of the train.
    pub fn push(&mut self, rtt_us: Option<i64>) {
        self.rtts_us.push(rtt_us);
    }

    /// Probes sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.rtts_us.len()
    }

    /// Probes answered in time.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.rtts_us.iter().flatten().count()
    }

    /// Round-trip loss ratio, parts per million; undefined when nothing was sent.
    #[must_use]
    pub fn loss_ppm(&self) -> Option<i64> {
        ratio_ppm(self.sent() - self.answered(), self.sent())
    }

    /// The figures that need a reply.
    #[must_use]
    pub fn delays(&self) -> Option<Delays> {
        let answered: Vec<i64> = self.rtts_us.iter().flatten().copied().collect();
        let rtt_min_us = *answered.iter().min()?;
        let rtt_p95_us = quantile(&answered, 95)?;
        Some(Delays {
            rtt_min_us,
            rtt_median_us: median(&answered)?,
            rtt_p95_us,
            pdv_p95_us: rtt_p95_us - rtt_min_us,
            ipdv_mean_abs_us: self.ipdv_mean_abs_us(),
        })
    }

    fn ipdv_mean_abs_us(&self) -> Option<i64> {
        let differences: Vec<i64> = self
            .rtts_us
            .windows(2)
            .filter_map(|pair| Some((pair[1]? - pair[0]?).abs()))
            .collect();
        let count = i64::try_from(differences.len())
            .ok()
            .filter(|count| *count > 0)?;
        Some(divide_rounded(differences.iter().sum(), count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn train(rtts_us: &[Option<i64>]) -> Train {
        Train {
            rtts_us: rtts_us.to_vec(),
        }
    }

    #[test]
    fn a_whole_train_has_all_figures() {
        let delays = train(&[40, 10, 30, 20].map(Some)).delays().unwrap();
        assert_eq!(delays.rtt_median_us, 25);
        assert_eq!(delays.rtt_p95_us, 39);
        assert_eq!(delays.rtt_min_us, 10);
        assert_eq!(delays.pdv_p95_us, 29);
    }

    #[test]
    fn variation_of_consecutive_delays_skips_lost_probes() {
        let delays = train(&[Some(10), Some(14), None, Some(100), Some(97)])
            .delays()
            .unwrap();
        // |14 - 10| and |97 - 100|: the pairs around the lost probe are undefined.
        assert_eq!(delays.ipdv_mean_abs_us, Some(4));
        let lonely = train(&[Some(10), None, Some(20)]).delays().unwrap();
        assert_eq!(lonely.ipdv_mean_abs_us, None);
    }

    #[test]
    fn a_single_reply_is_its_own_quantiles() {
        let delays = train(&[None, Some(7)]).delays().unwrap();
        assert_eq!(
            (delays.rtt_min_us, delays.rtt_median_us, delays.rtt_p95_us),
            (7, 7, 7)
        );
        assert_eq!(delays.pdv_p95_us, 0);
    }

    #[test]
    fn all_lost_is_full_loss_without_delays() {
        let lost = train(&[None; 10]);
        assert_eq!(lost.loss_ppm(), Some(1_000_000));
        assert_eq!(lost.delays(), None);
    }

    #[test]
    fn nothing_sent_is_no_loss_at_all() {
        assert_eq!(Train::default().loss_ppm(), None);
    }

    proptest! {
        #[test]
        fn figures_keep_their_order(rtts_us in proptest::collection::vec(proptest::option::of(0_i64..10_000_000), 1..30)) {
            let train = train(&rtts_us);
            let loss_ppm = train.loss_ppm().unwrap();
            prop_assert!((0..=1_000_000).contains(&loss_ppm));
            match train.delays() {
                None => prop_assert_eq!(loss_ppm, 1_000_000),
                Some(delays) => {
                    prop_assert!(delays.rtt_min_us <= delays.rtt_median_us);
                    prop_assert!(delays.rtt_median_us <= delays.rtt_p95_us);
                    prop_assert!(delays.rtt_p95_us <= rtts_us.iter().flatten().copied().max().unwrap());
                    let span_us = rtts_us.iter().flatten().copied().max().unwrap() - delays.rtt_min_us;
                    prop_assert!(delays.ipdv_mean_abs_us.unwrap_or(0) <= span_us);
                }
            }
        }
    }
}
