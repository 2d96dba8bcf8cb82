//! Pure: cells become statements. Who counts as one, what the middle is, how sure that is, and
//! what may be said at all.
//!
//! Read in this order: [`independence`] (agents that may be one person count once), [`quantile`],
//! [`interval`], [`suppress`] (the one mechanism that decides what is shown). Pages, API and metrics
//! all publish what [`estimate`] and [`estimate_part`] return and compute nothing beside it.
//!
//! [`pool`] joins provinces that are too small for a figure of their own to their region and to the nation,
//! on the weights of [`weight`].
//!
//! [`compare`] says which of several cells is higher, where that can be told.
//!
//! [`composite`] holds cells against what people do on a line.
//!
//! [`panel`] says what cells lack.
//!
//! [`standard`] holds cells against a regulator's rule, on the bounds of [`order_bounds`], [`share`]
//! and [`student`], and [`holm`] over a whole table.
pub mod binomial;
pub mod compare;
pub mod composite;
pub mod holm;
pub mod independence;
pub mod interval;
pub mod order_bounds;
pub mod panel;
pub mod pool;
pub mod quantile;
#[cfg(test)]
mod reference;
mod resample;
pub mod share;
pub mod standard;
pub mod student;
pub mod suppress;
#[cfg(test)]
mod tests;
pub mod weight;

pub use independence::{AgentPeriod, Sighting, grouped, units};
pub use suppress::{Rules, UnitValue, estimate, estimate_part};
