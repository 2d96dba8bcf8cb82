//! The agent's key, chain and enrolment, on disk.
