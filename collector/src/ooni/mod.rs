//! Measurements in OONI's format: which are taken, how they stand in the journal, and what leaves it.
//!
//! 1. A measurement is kept byte for byte, signed by nobody, with provenance `ooni`. It enters no
//!    figure.
//! 2. It is the private half of its entry: only what [`scan`] found free of addresses is published.
//! 3. What leaves the collector in this format is of two kinds ([`export`]): measurements of OONI
//!    clients as they came, and the public halves of our own records, written in the same format.
//!
//! Format: OONI data formats df-000 to df-008, version 0.2.0
//! (<https://github.com/ooni/spec/tree/master/data-formats>).
pub mod accept;
pub mod entry;
pub mod export;
pub mod scan;
