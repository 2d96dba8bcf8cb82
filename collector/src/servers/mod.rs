//! The measurement servers.
