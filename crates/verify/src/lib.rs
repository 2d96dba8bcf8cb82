//! Checks records and receipts for a stranger; knows the evidence and nothing else.
//!
//! Data takes the rooms in this order: [`source`] (files → lines) → [`check`] (line → finding) →
//! [`chain`] (findings → continuity) → [`report`] (what a person or a program reads).
//!
//! Two kinds of result are kept apart: a *problem* is a line that does not prove what it claims
//! (exit code 1); a *fact* is something true that a reader should know, such as a gap in a chain.
pub mod chain;
pub mod check;
pub mod cli;
pub mod complaint;
mod output;
pub mod report;
pub mod source;
