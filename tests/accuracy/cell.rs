//! One cell of the table: a line, and what else moves on it.
use crate::line::{Line, Way};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Rates of the table, kbit/s.
const RATES_KBIT: [u64; 4] = [1_000, 5_000, 20_000, 100_000];
/// Round trips of the table, milliseconds.
const RTTS_MS: [u64; 3] = [10, 50, 150];
/// Every how many packets one is lost; 0: none.
const LOSSES: [u64; 2] = [0, 100];
/// Share of the rate that cross-traffic takes, per cent.
pub(crate) const CROSS_PERCENT: u64 = 30;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Both directions, kbit/s of IP packets.
    pub(crate) rate_kbit: u64,
    /// Round trip without any queue, milliseconds.
    pub(crate) rtt_ms: u64,
    /// Every so many packets of each direction one is lost; 0: none.
    pub(crate) loss_every: u64,
    /// Whether something else uses part of the line.
    pub(crate) busy: bool,
}

impl Cell {
    /// The whole table.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for busy in [false, true] {
            for rate_kbit in RATES_KBIT {
                for rtt_ms in RTTS_MS {
                    for loss_every in LOSSES {
                        cells.push(Self {
                            rate_kbit,
                            rtt_ms,
                            loss_every,
                            busy,
                        });
                    }
                }
            }
        }
        cells
    }

    /// The six that every check runs: each rate, each round trip, with and without loss, idle and
    /// busy.
    pub(crate) fn six() -> Vec<Self> {
        [
            (1_000, 50, 0, false),
            (5_000, 10, 0, false),
            (20_000, 50, 0, false),
            (20_000, 150, 100, false),
            (5_000, 50, 0, true),
            (1_000, 10, 100, true),
        ]
        .map(|(rate_kbit, rtt_ms, loss_every, busy)| Self {
            rate_kbit,
            rtt_ms,
            loss_every,
            busy,
        })
        .to_vec()
    }

    /// Bit/s of the line.
    pub(crate) fn rate_bps(self) -> u64 {
        self.rate_kbit * 1_000
    }

    pub(crate) fn line(self) -> Line {
        let way = Way {
            rate_kbit: self.rate_kbit,
            delay_ms: self.rtt_ms / 2,
            loss_every: self.loss_every,
        };
        Line::even(self.to_string(), way)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loss = if self.loss_every == 0 { "0 %" } else { "1 %" };
        let busy = if self.busy { "busy" } else { "idle" };
        write!(
            f,
            "{} Mbit/s, {} ms, {loss}, {busy}",
            self.rate_kbit / 1_000,
            self.rtt_ms
        )
    }
}
