//! Pure: cells become statements. Who counts as one, what the middle is, how sure that is, and
//! what may be said at all.
//!
//! Read in this order: [`independence`] (agents that may be one person count once), [`median`],
//! [`interval`] (how sure), [`suppress`] (the one mechanism that decides what is shown). Pages, API
//! and metrics all publish what [`estimate`] returns and compute nothing beside it.
pub mod independence;
pub mod interval;
pub mod median;
pub mod suppress;
#[cfg(test)]
mod tests;

pub use independence::{AgentPeriod, Sighting, units};
pub use suppress::{Rules, UnitValue, estimate};
