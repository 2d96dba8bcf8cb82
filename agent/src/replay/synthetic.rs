//! Made-up transfers whose truth is known, always the same: for trying rules where there are no real
//! traces yet. A figure from them says nothing of any real line.
//!
//! Ten seconds of one stream, a point every 100 ms. A grid of 1, 5, 20 and 100 Mbit/s by round trips
//! of 10, 50 and 150 ms, calm (noise of 3 %) and with losses (a sawtooth and noise of 8 %); and at
//! each rate a bucket that bursts, a rate that drops, others who come and go in waves; and very slow
//! lines. Slow start doubles every round trip from ten segments.
use crate::experiments::throughput::trace::{FORMAT, Kernel, Trace};
use crate::schedule::mix;

/// Length of a step, microseconds, and their number.
const STEP_US: i64 = 100_000;
const STEPS: i64 = 100;
/// Bits of the first window: ten segments of 1448 bytes (RFC 6928).
const FIRST_WINDOW_BITS: i64 = 10 * 1448 * 8;
/// How much of the last step's noise stays in the next, and how much is fresh, percent: the squares
/// add up to one, so that the noise keeps its size.
const NOISE_STAYS: i64 = 70;
const NOISE_FRESH: i64 = 71;

/// What happens on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Nothing.
    Calm,
    /// Losses: the stream falls back to 70 % and climbs again.
    Losses,
    /// Two and a half times the rate until a bucket of one second of the rate is empty.
    Burst,
    /// Half the rate from the middle on.
    Drop,
    /// Others take up to 30 % in waves of three seconds.
    Wave,
}

/// The whole set.
#[must_use]
pub fn traces() -> Vec<Trace> {
    use Story::{Burst, Calm, Drop, Losses, Wave};
    let mut traces = Vec::new();
    for rate_bps in [1_000_000, 5_000_000, 20_000_000, 100_000_000] {
        for rtt_us in [10_000, 50_000, 150_000] {
            for story in [Calm, Calm, Losses] {
                traces.push((rate_bps, rtt_us, story));
            }
        }
        traces.extend([Burst, Drop, Wave].map(|story| (rate_bps, 50_000, story)));
    }
    traces.extend([64_000, 250_000].map(|rate_bps| (rate_bps, 150_000, Calm)));
    let numbered = traces.into_iter().zip(1..);
    numbered
        .map(|((rate_bps, rtt_us, story), seed)| make(rate_bps, rtt_us, story, seed))
        .collect()
}

fn make(rate_bps: i64, rtt_us: i64, story: Story, seed: u64) -> Trace {
    let mut noise_ppm = 0;
    let mut bytes = 0;
    let mut points = Vec::new();
    for step in 0..STEPS {
        let deviation_ppm = if story == Story::Losses {
            80_000
        } else {
            30_000
        };
        let fresh = normal_ppm(seed, step) * deviation_ppm / 1_000_000;
        noise_ppm = (noise_ppm * NOISE_STAYS + fresh * NOISE_FRESH) / 100;
        let share_ppm = (share_ppm(story, step) + noise_ppm).max(0);
        let line_bps = rate_bps * (share_ppm / 100) / 10_000;
        let bps = line_bps.min(slow_start_bps(step, rtt_us));
        bytes += bps / 8 / (1_000_000 / STEP_US);
        points.push(((step + 1) * STEP_US, bytes));
    }
    Trace {
        trace: FORMAT,
        direction: "download".into(),
        scheme: "wss".into(),
        stop: "server_closed".into(),
        nominal_us: STEPS * STEP_US,
        points,
        kernel: vec![Kernel {
            elapsed_us: STEPS * STEP_US,
            min_rtt_us: Some(rtt_us),
            ..Kernel::default()
        }],
        ..Trace::default()
    }
}

/// Share of the line that the stream gets in a step, parts per million.
fn share_ppm(story: Story, step: i64) -> i64 {
    match story {
        // 1.2 s from 70 % to the whole.
        Story::Losses => 700_000 + step % 12 * 25_000,
        // A bucket of one second lasts two thirds of one at two and a half times the rate.
        Story::Burst if step < 7 => 2_500_000,
        Story::Drop if step >= STEPS / 2 => 500_000,
        Story::Calm | Story::Burst | Story::Drop => 1_000_000,
        // A triangle: 15 steps down, 15 up.
        Story::Wave => 700_000 + (step % 30 - 15).abs() * 20_000,
    }
}

/// What slow start lets through in a step.
fn slow_start_bps(step: i64, rtt_us: i64) -> i64 {
    let rounds = (step * STEP_US / rtt_us).min(30);
    (FIRST_WINDOW_BITS << rounds).saturating_mul(1_000) / (rtt_us / 1_000)
}

/// About normal with a deviation of one, parts per million: the sum of twelve uniform numbers.
fn normal_ppm(seed: u64, step: i64) -> i64 {
    let uniform = |number: u64| {
        let random = mix(mix(seed) ^ mix(step.cast_unsigned() * 12 + number));
        (random >> 44).cast_signed() // 20 bits: 0 to 1 048 575
    };
    (0..12).map(uniform).sum::<i64>() - 6 * (1 << 20)
}
