//! Pure: when a transfer's rate is known well enough to end it, and what the whole would have given.
//!
//! Input: cumulative payload at moments since the transfer began, as a stock peer lets us know it: our
//! own count in a download, the server's messages in an upload. Nothing else, so that the rule can
//! be replayed on any trace.
//!
//! The rule, at each new point at `t`:
//! 1. Not before [`Rule::min_us`] and [`Rule::min_bytes`].
//! 2. The first half of the time is left out: it holds slow start, however long the round trip. The
//!    rest is cut into `BLOCKS` blocks of equal length, each with its mean rate. With fewer points
//!    than that, it waits.
//! 3. *Known*: the 95 % interval of the mean of the blocks (Student's t), times the share of the
//!    nominal time that is still to come, is at most `tolerance` to each side. What has arrived is
//!    counted, not estimated: a line that varies needs longer, and no line needs it all.
//! 4. *Steady*: the later half of the blocks differs from the earlier by at most `tolerance` of
//!    the mean, weighed alike. A ramp or a bucket that runs empty fails here.
//! 5. The estimate is what a full test would have counted: the bytes so far and the mean of the
//!    blocks for the rest of the nominal time, over the nominal time. So slow start weighs in it as
//!    it does in a full test.
//!
//! A line that changes after the decision is measured as it was before: that is why the metric has
//! an id of its own.

/// Blocks that the time after slow start is cut into.
const BLOCKS: usize = 4;
/// Student's t for 95 %, two-sided, three degrees of freedom; thousandths.
const T_3_MILLI: i128 = 3_182;
/// No line is faster; a peer that claims more must not make squares overflow.
const RATE_MAX_BPS: i128 = 100_000_000_000_000;

/// Cumulative payload at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Microseconds since the transfer began.
    pub elapsed_us: i64,
    /// Payload bytes until then.
    pub bytes: i64,
}

/// Parameters of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Half width of the interval, and largest trend, parts per million of the rate.
    pub tolerance_ppm: i64,
    /// Shortest transfer, microseconds.
    pub min_us: i64,
    /// Smallest transfer, bytes.
    pub min_bytes: i64,
    /// Length of a full test, microseconds.
    pub nominal_us: i64,
}

impl Rule {
    /// As shipped, chosen on one set of the lab's lines and shown on another (`docs/early-stop.md`).
    /// Slow start on a long line takes longer than the shortest time and is told by its ramp. 64 KiB
    /// hold a dozen of the first messages.
    pub const STANDARD: Self = Self {
        tolerance_ppm: 100_000,
        min_us: 1_000_000,
        min_bytes: 64 << 10,
        nominal_us: tonle_wire::ndt7::spec::NOMINAL_US,
    };

    /// The rate a full test would have had, bit/s, once it is known well enough; else `None`, and
    /// the transfer goes on. `points` in order of time.
    #[must_use]
    pub fn decide(&self, points: &[Point]) -> Option<i64> {
        let last = *points.last()?;
        if last.elapsed_us < self.min_us || last.bytes < self.min_bytes {
            return None;
        }
        if last.elapsed_us >= self.nominal_us {
            return None;
        }
        let rates = block_rates(points, last)?;
        let mean = rates.iter().sum::<i128>() / BLOCKS as i128;
        let rest_us = i128::from(self.nominal_us - last.elapsed_us);
        let allowed = self.allowed_bps(mean, rest_us);
        if mean <= 0 || !is_known(&rates, mean, allowed) || !is_steady(&rates, allowed) {
            return None;
        }
        let rest_bits = mean * rest_us / 1_000_000;
        let bits = i128::from(last.bytes) * 8 + rest_bits;
        i64::try_from(bits * 1_000_000 / i128::from(self.nominal_us)).ok()
    }

    /// By how much the rate of the rest may be wrong: the tolerance of the whole, over its share.
    fn allowed_bps(&self, mean: i128, rest_us: i128) -> i128 {
        let of_whole = mean * i128::from(self.tolerance_ppm) / 1_000_000;
        let allowed = of_whole * i128::from(self.nominal_us) / rest_us.max(1);
        allowed.min(RATE_MAX_BPS)
    }
}

/// Rule 3, squared so that no root is needed: t² · s²/n ≤ allowed².
fn is_known(rates: &[i128; BLOCKS], mean: i128, allowed: i128) -> bool {
    let squares: i128 = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum();
    let blocks = BLOCKS as i128;
    let half_width = squares / (blocks * (blocks - 1)) * T_3_MILLI * T_3_MILLI / 1_000_000;
    half_width <= allowed * allowed
}

/// Rule 4.
fn is_steady(rates: &[i128; BLOCKS], allowed: i128) -> bool {
    let (earlier, later) = rates.split_at(BLOCKS / 2);
    let mean_of = |half: &[i128]| half.iter().sum::<i128>() / half.len() as i128;
    (mean_of(later) - mean_of(earlier)).abs() <= allowed
}

/// Mean rates of the blocks, bit/s (rule 2); `None` while the points are too few to tell them.
fn block_rates(points: &[Point], last: Point) -> Option<[i128; BLOCKS]> {
    let from_us = last.elapsed_us / 2;
    let after = points.iter().filter(|point| point.elapsed_us > from_us);
    if after.count() < BLOCKS {
        return None;
    }
    let length_us = i128::from(last.elapsed_us - from_us);
    let mut rates = [0; BLOCKS];
    let mut before = bytes_at(points, from_us);
    for (number, rate) in (1_i64..).zip(rates.iter_mut()) {
        let blocks = i64::try_from(BLOCKS).ok()?;
        let until_us = from_us + (last.elapsed_us - from_us) * number / blocks;
        let bytes = bytes_at(points, until_us);
        let bps = (bytes - before) * 8_000_000 * i128::from(blocks) / length_us.max(1);
        *rate = bps.clamp(0, RATE_MAX_BPS);
        before = bytes;
    }
    Some(rates)
}

/// Bytes at a moment, on the straight line between the points around it; the origin is a point.
pub(crate) fn bytes_at(points: &[Point], at_us: i64) -> i128 {
    let next = points.partition_point(|point| point.elapsed_us < at_us);
    let origin = Point {
        elapsed_us: 0,
        bytes: 0,
    };
    let before = next.checked_sub(1).map_or(origin, |index| points[index]);
    let Some(after) = points.get(next) else {
        return i128::from(before.bytes);
    };
    let length_us = i128::from(after.elapsed_us - before.elapsed_us).max(1);
    let into_us = i128::from(at_us - before.elapsed_us);
    i128::from(before.bytes) + i128::from(after.bytes - before.bytes) * into_us / length_us
}

#[cfg(test)]
mod tests;
