//! A run and its context become a signed record.
