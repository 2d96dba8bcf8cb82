//! Verdicts on visits to web pages, in two layers over the same facts.
//!
//! [`Facts`] are what was seen, whoever measured it. The OONI layer ([`ooni`]) gives exactly the
//! keys of OONI Web Connectivity; the Tonle layer ([`tonle`]) gives a better-guarded verdict with
//! the rules and observations that it rests on. Neither knows of the other's result.
pub mod facts;
mod fingerprints;
pub mod ooni;
#[cfg(test)]
pub(crate) mod scenarios;
pub mod tonle;

pub use facts::{Address, Facts, RunFacts};
pub use fingerprints::{BadFingerprints, Fingerprints};
