//! What every end-to-end test needs: the binary, a small Internet on loopback, a running collector.
pub(crate) mod collector;
pub(crate) mod device;
pub(crate) mod http;
pub(crate) mod tonle;
pub(crate) mod world;
