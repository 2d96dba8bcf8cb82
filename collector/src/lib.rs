//! What runs at the institution that hosts the data: receives, keeps, aggregates and publishes.
//!
//! Data takes the rooms in this order: `ingest` → `journal` → `analysis` → `cells` →
//! `statements` → `web` and `metrics`.
pub mod admin;
pub mod analysis;
pub mod cells;
pub mod cli;
pub mod config;
pub mod country;
pub mod incidents;
pub mod ingest;
pub mod journal;
pub mod limit;
pub mod lists;
pub mod metrics;
pub mod ooni;
pub mod output;
pub mod paths;
pub mod servers;
pub mod service;
pub mod statements;
pub mod store;
pub mod synthetic;
#[cfg(test)]
mod testing;
pub mod web;
