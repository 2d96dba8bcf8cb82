//! Round trips per minute from the times of probes (draft-ietf-ippm-responsiveness-09, section 4.3).
//! Integers only: microseconds in, round trips per minute out.
use super::spec::KEPT_PERCENT;

/// Microseconds of a minute.
const MINUTE_US: i128 = 60_000_000;

/// Mean of the best 95 % of `values_us`: the worst are left out, on one side only. `None` of nothing
/// and of what is no time.
#[must_use]
pub fn trimmed_mean_us(values_us: &[i64]) -> Option<i64> {
    let mut sorted = values_us.to_vec();
    sorted.sort_unstable();
    let kept = &sorted[..(sorted.len() * KEPT_PERCENT).div_ceil(100)];
    if kept.first().is_none_or(|least| *least < 0) {
        return None;
    }
    let sum: i128 = kept.iter().map(|value| i128::from(*value)).sum();
    let count = i128::try_from(kept.len()).ok()?;
    i64::try_from((2 * sum + count) / (2 * count)).ok()
}

/// Times of probes on connections of their own, microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreign<'a> {
    /// TCP handshakes.
    pub tcp_us: &'a [i64],
    /// TLS handshakes, each over its round trips; nothing where there is no TLS, never zeros.
    pub tls_us: Option<&'a [i64]>,
    /// From the request to the end of the response.
    pub http_us: &'a [i64],
}

/// A result with what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Mean of the two scores below.
    pub rpm: i64,
    /// Score of the probes on connections of their own.
    pub foreign_rpm: i64,
    /// Score of the probes on the connections under load.
    pub loaded_rpm: i64,
    /// Trimmed mean of the TCP handshakes.
    pub tcp_us: i64,
    /// Trimmed mean of the TLS round trips, where there is TLS.
    pub tls_us: Option<i64>,
    /// Trimmed mean of the requests on connections of their own.
    pub http_us: i64,
    /// Trimmed mean of the probes on the connections under load.
    pub loaded_us: i64,
}

impl Score {
    /// The score of these probes; `None` when one kind is missing.
    #[must_use]
    pub fn of(foreign: Foreign<'_>, loaded_us: &[i64]) -> Option<Self> {
        let tcp_us = trimmed_mean_us(foreign.tcp_us)?;
        let http_us = trimmed_mean_us(foreign.http_us)?;
        let tls_us = match foreign.tls_us {
            Some(tls_us) => Some(trimmed_mean_us(tls_us)?),
            None => None,
        };
        let loaded_us = trimmed_mean_us(loaded_us)?;
        let foreign_rpm = match tls_us {
            Some(tls_us) => rpm_of(&[tcp_us, tls_us, http_us])?,
            None => rpm_of(&[tcp_us, http_us])?,
        };
        let loaded_rpm = rpm_of(&[loaded_us])?;
        Some(Self {
            rpm: i64::midpoint(foreign_rpm, loaded_rpm),
            foreign_rpm,
            loaded_rpm,
            tcp_us,
            tls_us,
            http_us,
            loaded_us,
        })
    }

    /// How it would be called.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::of(self.rpm)
    }
}

/// A minute over the mean of some round trips; `None` when they took no time at all.
fn rpm_of(means_us: &[i64]) -> Option<i64> {
    let sum: i128 = means_us.iter().map(|mean| i128::from(*mean)).sum();
    let count = i128::try_from(means_us.len()).ok()?;
    if sum <= 0 {
        return None;
    }
    i64::try_from((2 * MINUTE_US * count + sum) / (2 * sum)).ok()
}

/// How a score is called (section 6 of the draft): round trips of 200, 60 and 10 ms are the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Below 300.
    Poor,
    /// From 300 on.
    Fair,
    /// From 1000 on.
    Good,
    /// From 6000 on.
    Excellent,
}

impl Class {
    /// The class of a score.
    #[must_use]
    pub fn of(rpm: i64) -> Self {
        match rpm {
            ..300 => Self::Poor,
            300..1_000 => Self::Fair,
            1_000..6_000 => Self::Good,
            6_000.. => Self::Excellent,
        }
    }

    /// The word in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::Excellent => "excellent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_formulas_are_those_of_the_draft() {
        let foreign = Foreign {
            tcp_us: &[20_000],
            tls_us: Some(&[30_000]),
            http_us: &[40_000],
        };
        let score = Score::of(foreign, &[60_000]).unwrap();
        assert_eq!((score.foreign_rpm, score.loaded_rpm), (2_000, 1_000));
        assert_eq!((score.rpm, score.class()), (1_500, Class::Good));
        let without_tls = Foreign {
            tls_us: None,
            ..foreign
        };
        assert_eq!(
            Score::of(without_tls, &[60_000]).unwrap().foreign_rpm,
            2_000
        );
    }

    #[test]
    fn without_one_kind_of_probe_there_is_no_score() {
        let foreign = Foreign {
            tcp_us: &[1],
            tls_us: None,
            http_us: &[1],
        };
        assert!(Score::of(foreign, &[]).is_none());
        assert!(Score::of(Foreign::default(), &[1]).is_none());
        let no_handshakes = Foreign {
            tls_us: Some(&[]),
            ..foreign
        };
        assert!(
            Score::of(no_handshakes, &[1]).is_none(),
            "never a zero in its place"
        );
        let no_time = Foreign {
            tcp_us: &[0],
            http_us: &[0],
            ..foreign
        };
        assert!(Score::of(no_time, &[1]).is_none());
    }

    #[test]
    fn the_worst_twentieth_is_left_out() {
        let mut values: Vec<i64> = vec![10; 19];
        values.push(1_000_000);
        assert_eq!(trimmed_mean_us(&values), Some(10));
        assert_eq!(trimmed_mean_us(&[10, 30]), Some(20), "of a few, none");
    }

    #[test]
    fn the_classes_begin_at_their_bounds() {
        let class = |rpm| Class::of(rpm).as_str();
        assert_eq!(
            [299, 300, 999, 1_000, 5_999, 6_000].map(class),
            ["poor", "fair", "fair", "good", "good", "excellent"]
        );
    }

    proptest! {
        #[test]
        fn a_trimmed_mean_lies_within_its_values(values in proptest::collection::vec(0..i64::MAX, 1..60)) {
            let mean = trimmed_mean_us(&values).unwrap();
            prop_assert!(values.iter().min().unwrap() <= &mean);
            prop_assert!(&mean <= values.iter().max().unwrap());
        }

        #[test]
        fn no_times_make_it_panic(
            tcp in proptest::collection::vec(any::<i64>(), 0..9),
            tls in proptest::option::of(proptest::collection::vec(any::<i64>(), 0..9)),
            http in proptest::collection::vec(any::<i64>(), 0..9),
            loaded in proptest::collection::vec(any::<i64>(), 0..9),
        ) {
            let foreign = Foreign { tcp_us: &tcp, tls_us: tls.as_deref(), http_us: &http };
            if let Some(score) = Score::of(foreign, &loaded) {
                prop_assert!(score.rpm >= 0);
            }
        }

        #[test]
        fn slower_probes_never_score_higher(times in proptest::collection::vec(1_i64..10_000_000, 1..30), slower in 1_i64..1_000_000) {
            let of = |times: &[i64]| {
                let foreign = Foreign { tcp_us: times, tls_us: Some(times), http_us: times };
                Score::of(foreign, times).unwrap().rpm
            };
            let later: Vec<i64> = times.iter().map(|time| time + slower).collect();
            prop_assert!(of(&later) <= of(&times));
        }
    }
}
