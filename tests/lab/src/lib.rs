//! The lab: a simulated Internet between real kernel sockets, whose truth is known.
//!
//! Each host is a network namespace with one TUN interface; a hub in user space carries packets
//! between them with the delays, rates, losses and meddling that a scenario file asks for. It
//! imports none of the programs it tests.
pub mod hub;
mod netns;
pub mod packet;
mod pcap;
pub mod privilege;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod services;
pub mod trust;
pub mod truth;
mod tun;

pub use run::{Lab, LabError, Options, serve_as_helper};
