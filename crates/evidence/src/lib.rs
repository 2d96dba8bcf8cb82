//! What is claimed and how it is proved: the types that cross rooms, and their exact bytes. No IO.
//!
//! Read in this order: [`record`] (what an agent signs), [`dsse`] (how it signs),
//! [`envelope`] (how it travels), [`receipt`] (what the collector promises in return),
//! [`entry`] (how the collector keeps it), [`statement`] (what is published),
//! [`verdict`] (what is said of a page).
pub mod catalogue;
pub mod category;
pub mod centre;
pub mod complaint;
pub mod composite;
pub mod country;
pub mod document;
pub mod dsse;
pub mod enrolment;
pub mod entry;
pub mod envelope;
pub mod failure;
pub mod hash;
pub mod incident;
pub mod local_time;
pub mod merkle;
pub mod observation;
pub mod paired;
pub mod panel;
pub mod pass;
pub mod receipt;
pub mod record;
pub mod special;
pub mod standard;
pub mod statement;
pub mod strata;
pub mod strict_json;
pub mod targets;
pub mod toml_text;
pub mod verdict;
pub mod window;
mod word_list;
pub mod words;

pub use ed25519_dalek::{SigningKey, VerifyingKey};
