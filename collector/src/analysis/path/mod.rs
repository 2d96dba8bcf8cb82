//! Path records → where the way leads, and whether it leaves as the others do. Pure.
//!
//! What was heard stays in the record; what it means is decided here, from tables that may be better
//! tomorrow: [`class::RULES`] and [`exit::RULES`] name the rules.
pub mod class;
pub mod exit;
mod side;
pub mod way;

#[cfg(test)]
mod tests;

pub use class::{Class, Verdict, judge};
pub use exit::{Exit, Leaves, Sightings};
pub use side::{Atlas, Registered};
pub use way::Way;
