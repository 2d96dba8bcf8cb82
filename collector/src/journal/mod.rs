//! The journal: the collector's durable, append-only sequence of entries, in `journal.sqlite`.
//!
//! One writer thread commits what is waiting in groups; a reply leaves only after the commit that
//! it speaks of is on the disk. Readers have read-only connections of their own.
mod blob;
mod entry;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub use blob::{BadBlob, Blob};
pub use entry::{Appended, ChainPlace, Entry, NetworkIdentity, NewEntry};
pub use reader::{JournalReader, ReadError};
pub use schema::{FILE_NAME, SCHEMA};
pub use writer::{GROUP_MAX_ROWS, Journal, JournalError};
