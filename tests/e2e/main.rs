//! End to end with the real binary over loopback: what a person sees when they use Tonle.
#![expect(
    clippy::unwrap_used,
    reason = "the whole program is a test: what cannot be had is its failure"
)]
mod support;

mod api_and_pages;
mod complaint;
mod control;
mod crash;
mod openness;
mod six_agents;
mod synthetic;
mod two_collectors;
mod up;
mod wrong_inputs;
