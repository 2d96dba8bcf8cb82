//! What runs at the volunteer's: measures, signs, spools and uploads.
//!
//! Data takes the rooms in this order: `consent` → `schedule`/`budget` → `context` →
//! `experiments` → `record` → `spool` → `upload`.
pub mod budget;
pub mod cli;
pub mod config;
pub mod consent;
pub mod context;
pub mod experiments;
pub mod http;
pub mod identity;
pub mod join;
#[cfg(test)]
mod loopback;
pub mod output;
pub mod profile;
pub mod quantile;
pub mod record;
pub mod runner;
pub mod schedule;
pub mod spool;
pub mod status;
pub mod steps;
pub mod targets;
pub mod upload;
