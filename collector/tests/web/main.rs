//! The web layer over real stores: what is published, what is not, and that a rebuild changes
//! nothing.
mod api;
mod composites;
mod house;
mod incidents;
mod lists;
mod rebuild;
mod suppression;
