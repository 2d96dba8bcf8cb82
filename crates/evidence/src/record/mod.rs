//! The record: one run of one experiment, in two halves under one signature.
//!
//! Format `tonle.record/1`, fixed for ever:
//! 1. Both halves are JSON in the RFC 8785 (JCS) form; readers take any bytes that
//!    [`crate::strict_json`] accepts, and nobody re-serialises them.
//! 2. No floats; integers in the unit that the name ends in, within ±(2^53−1).
//! 3. body = SHA-256(public bytes) || SHA-256(private bytes), 64 bytes.
//! 4. signature = Ed25519 over the DSSE encoding of type [`crate::dsse::types::RECORD`] and body.
//! 5. record hash = SHA-256(body).
//!
//! Only the public half is ever published. It names no agent and links to no other record; the
//! 16-byte blind keeps the private half's hash from being guessed.
mod clock_class;
mod private;
mod public;
#[cfg(feature = "schema")]
pub mod schema;
mod seal;

pub use clock_class::{clock_offset_us, offset_class};
pub use private::{BodyPrefix, PRIVATE_SCHEMA, Private};
pub use public::{
    Claim, Clock, ClockState, Context, KIND_MEASUREMENT, LimitedBy, Method, Outcome, PUBLIC_SCHEMA,
    PathClass, PlaceKind, Plan, Province, ProvinceKnown, Public, QuotaState, Radio, Sample,
    Software, Stream, Target, Technology,
};
pub use seal::{SealError, SealedRecord, body_of, hash_of, seal};
