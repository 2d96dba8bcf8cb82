//! Spool to collector, out of the spool only on a receipt or a permanent refusal.
