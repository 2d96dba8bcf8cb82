//! Changes as they happen: detection ([`detect`], pure), and the kept log of alerts and replies.
//!
//! [`worker`] looks at the cells every few minutes and appends what differs to [`IncidentLog`]; [`alerts`]
//! tells it to whoever the operator named; [`published`] decides what of an incident may be told at all, for
//! the API and for alerts alike.
pub mod alerts;
pub mod config;
pub mod detect;
pub mod evidence;
mod log;
pub mod published;
pub mod reply;
mod schema;
#[cfg(test)]
mod tests;
pub mod worker;

pub use config::IncidentsConfig;
pub use log::{Due, IncidentLog, LogError, Logged, Reply};
pub use schema::FILE_NAME;
