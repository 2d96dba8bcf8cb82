//! What the hub saw: one event for each packet. Memory is bounded.
mod event;
mod file;
mod recorder;
mod summary;

pub use event::{Event, Truth};
pub use file::{BadTruth, read, write};
pub(crate) use recorder::Recorder;
pub use summary::{Distribution, HostSummary, Selection, Side, Summary};
