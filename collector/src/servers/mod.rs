//! The measurement servers: the far ends that agents, and anybody's stock tools, measure against.
pub mod ndt7;
