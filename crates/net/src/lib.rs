//! The steps of a measurement on real sockets, for both programs.
//!
//! Each step is one call that returns what it saw as an
//! [`Observation`](tonle_evidence::observation::Observation): start, end, operation, and a result
//! or a failure. Nothing here retries, races or caches behind the caller's back.
pub mod classify;
pub mod clock;
pub mod clock_state;
pub mod datadir;
pub mod dns;
pub mod error_queue;
pub mod http;
pub mod icmp;
pub mod kernel_time;
pub mod meter;
pub mod processor;
pub mod prompt;
pub mod quic;
pub mod resolv_conf;
pub mod roots;
pub mod scrub;
pub mod settings;
pub mod stamp;
pub mod step;
pub mod tasks;
pub mod tcp;
pub mod tcp_info;
pub mod tls;
pub mod trace;
pub mod ttl_probe;
pub mod udp;
pub mod unsent;
pub mod websocket;

#[cfg(test)]
mod testing;
