//! What the device knows of itself.
