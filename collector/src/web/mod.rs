//! HTTP out: the router, the JSON API with its description, health, and the pages.
//!
//! [`router()`] shows every route on one screen. Handlers ask [`AppState`] and return views or an
//! [`ApiError`]; headers, limits and conditional requests are layers around all of them.
mod api;
mod conditional;
mod device;
mod health;
mod kept;
mod layers;
mod pages;
pub mod problem;
mod router;
mod state;
mod targets;

pub use device::{DeviceRecord, DeviceView};
pub(crate) use health::healthz;
pub use problem::ApiError;
pub use router::router;
pub use state::{AppState, Parts};
pub use targets::SignedTargets;
