//! Scenario files: what they may say, reading them, and finding what is wrong with them.
pub mod model;
