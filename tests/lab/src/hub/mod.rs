//! The network between the hosts: a pure machine ([`World`]) and the thread that moves it.
mod clock;
mod flight;
mod link;
mod loss;
mod path;
mod priority;
mod queue;
mod shell;
#[cfg(test)]
mod tests;
mod world;

pub use flight::{Ended, Fate, Origin};
pub(crate) use shell::Hub;
pub use world::World;
