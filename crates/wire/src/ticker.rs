//! When the next measurement is due: memoryless, so that measurements do not fall into step with
//! anything on the path, and clamped.

/// Bounds and mean of a ticker, microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Ticker {
    /// Mean of the waits before they are clamped.
    pub mean_us: i64,
    /// Shortest wait.
    pub min_us: i64,
    /// Longest wait.
    pub max_us: i64,
}

impl Ticker {
    /// Time until the next tick, microseconds: exponential, clamped. `uniform` is a random number
    /// in [0, 1); anything else is treated as the nearest of these.
    #[must_use]
    pub fn wait_us(self, uniform: f64) -> i64 {
        let uniform = if uniform.is_nan() {
            0.0
        } else {
            uniform.clamp(0.0, 1.0)
        };
        let exponential = -(1.0 - uniform).ln();
        let clamped =
            (exponential * self.mean_us as f64).clamp(self.min_us as f64, self.max_us as f64);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped on the line above to integers far below 2^53"
        )]
        let wait_us = clamped as i64;
        wait_us
    }
}
