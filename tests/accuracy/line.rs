//! A line between the client and everything else, as a scenario has it.
use std::fmt::Write as _;

/// Queue of each direction, milliseconds at its rate.
const QUEUE_MS: u64 = 200;
/// Smallest queue, bytes: ten full packets.
const QUEUE_MIN_BYTES: u64 = 15_000;

/// Which addresses both ends have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// One direction of the client's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// kbit/s of IP packets.
    pub(crate) rate_kbit: u64,
    /// One way, milliseconds.
    pub(crate) delay_ms: u64,
    /// Every so many packets one is lost; 0: none.
    pub(crate) loss_every: u64,
}

/// What changes on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Both directions have other rates, kbit/s up and down.
    Rates(u64, u64),
    /// Both directions have another delay, milliseconds.
    Delay(u64),
    /// Nothing passes, or it passes again.
    Outage(bool),
}

/// The bucket of an operator's shaper: so many bytes pass unshaped, then the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) rate_kbit: u64,
    pub(crate) burst_bytes: u64,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) up: Way,
    pub(crate) down: Way,
    /// When, milliseconds from the moment at which the servers are ready, and what.
    pub(crate) changes: Vec<(u64, Change)>,
    /// Around each connection, both directions.
    pub(crate) bucket: Option<Bucket>,
}

impl Line {
    /// The same both ways, and it stays so.
    pub(crate) fn even(name: impl Into<String>, way: Way) -> Self {
        Self {
            name: name.into(),
            family: Family::V4,
            up: way,
            down: way,
            changes: Vec::new(),
            bucket: None,
        }
    }

    /// The changes, as they stand behind the client's table.
    pub(crate) fn changes_toml(&self) -> String {
        let mut text = String::new();
        for (at_ms, change) in &self.changes {
            let mut table = |keys: &str| {
                let written = writeln!(text, "[[host.change]]\nat_ms = {at_ms}\n{keys}\n");
                written.expect("a text takes all");
            };
            match change {
                Change::Rates(up, down) => {
                    table(&format!("direction = 'up'\nrate_kbit = {up}"));
                    table(&format!("direction = 'down'\nrate_kbit = {down}"));
                }
                Change::Delay(delay_ms) => table(&format!("delay_ms = {delay_ms}")),
                Change::Outage(is_out) => table(&format!("outage = {is_out}")),
            }
        }
        text
    }
}

impl Way {
    /// As a scenario has it.
    pub(crate) fn toml(self) -> String {
        let queue_bytes = (self.rate_kbit * QUEUE_MS / 8).max(QUEUE_MIN_BYTES);
        let loss = match self.loss_every {
            0 => String::new(),
            every => format!(", loss = {{ every = {every} }}"),
        };
        format!(
            "{{ rate_kbit = {}, delay_ms = {}, queue_bytes = {queue_bytes}{loss} }}",
            self.rate_kbit, self.delay_ms
        )
    }
}
