//! Token buckets in memory: one per network, source, session or key, refilled steadily, bounded in
//! number.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

/// Most buckets kept. Beyond it the full ones go: a full bucket and none are the same.
const BUCKETS_MAX: usize = 100_000;

/// How fast a bucket refills and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
    burst: f64,
}

impl Rate {
    /// Refills `per_second` tokens up to `burst`; both above zero.
    #[must_use]
    pub fn new(per_second: f64, burst: f64) -> Self {
        debug_assert!(per_second > 0.0 && burst > 0.0);
        Self { per_second, burst }
    }
}

struct Bucket {
    tokens: f64,
    at_us: i64,
}

/// Buckets by key.
pub struct Limiter<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Limiter<K> {
    /// No bucket yet.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes `cost` tokens at `now_us` of a monotonic clock, or says after how many seconds to
    /// come again. A cost above the burst is taken as the burst.
    pub fn take(&self, key: K, cost: f64, now_us: i64) -> Result<(), u32> {
        let cost = cost.min(self.rate.burst);
        let mut buckets = self.buckets.lock().expect("no panic while it is held");
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| self.level(bucket, now_us) < self.rate.burst);
        }
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear(); // better to forget who sent much than to refuse those who did not
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: self.rate.burst,
            at_us: now_us,
        });
        bucket.tokens = self.level(bucket, now_us);
        bucket.at_us = now_us;
        if bucket.tokens >= cost {
            bucket.tokens -= cost;
            return Ok(());
        }
        let wait_s = ((cost - bucket.tokens) / self.rate.per_second).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and a cast of a float saturates"
        )]
        Err(wait_s as u32)
    }

    fn level(&self, bucket: &Bucket, now_us: i64) -> f64 {
        let elapsed_s = now_us.saturating_sub(bucket.at_us).max(0) as f64 / 1e6;
        (bucket.tokens + elapsed_s * self.rate.per_second).min(self.rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_steady_rate() {
        let limiter = Limiter::new(Rate::new(2.0, 3.0));
        for _ in 0..3 {
            assert_eq!(limiter.take("a", 1.0, 0), Ok(()));
        }
        assert_eq!(limiter.take("a", 1.0, 0), Err(1));
        assert_eq!(limiter.take("b", 1.0, 0), Ok(()));
        assert_eq!(limiter.take("a", 1.0, 500_000), Ok(()));
        assert!(limiter.take("a", 1.0, 500_000).is_err());
    }

    #[test]
    fn a_cost_above_the_burst_passes_when_the_bucket_is_full() {
        let limiter = Limiter::new(Rate::new(1.0, 10.0));
        assert_eq!(limiter.take("a", 500.0, 0), Ok(()));
        assert_eq!(limiter.take("a", 500.0, 0), Err(10));
    }

    #[test]
    fn buckets_are_bounded() {
        let limiter = Limiter::new(Rate::new(1.0, 2.0));
        for key in 0..=BUCKETS_MAX {
            limiter.take(key, 1.0, 0).unwrap();
        }
        assert!(limiter.buckets.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
