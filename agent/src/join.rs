//! Turning an invitation into an enrolled key.
