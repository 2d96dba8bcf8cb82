//! Changes as they happen: detection ([`detect`], pure).
pub mod detect;
