//! What runs at the volunteer's: measures, signs, spools and uploads.
//!
//! Data takes the rooms in this order: `consent` → `schedule`/`budget` → `context` →
//! `experiments` → `record` → `spool` → `upload`.
pub mod budget;
pub mod categories;
pub mod cli;
pub mod complaint;
pub mod config;
pub mod consent;
pub mod context;
pub mod contrast;
pub mod control;
pub mod device;
pub mod doctor;
pub mod experiments;
pub mod files;
pub mod gates;
pub mod http;
pub mod identity;
pub mod join;
mod line_log;
pub mod locate;
#[cfg(test)]
mod loopback;
pub mod openness;
pub mod outbox;
pub mod output;
pub mod pairing;
pub mod profile;
pub mod quantile;
pub mod receipts;
pub mod record;
pub mod refused;
pub mod replay;
pub mod runner;
pub mod schedule;
pub mod scrub;
pub mod seat;
pub mod spool;
pub mod status;
pub mod steps;
pub mod summary;
pub mod targets;
pub mod traces;
pub mod upload;
pub mod visit;
pub mod whereabouts;
pub mod whoami;

/// The crates whose types stand in this library's interface, for whoever composes it.
pub use {tonle_evidence as evidence, tonle_net as net};
