//! Exact bytes as they lie in the journal: one zstd frame that states its size.
use std::cell::RefCell;
use tonle_evidence::envelope::LINE_MAX_BYTES;
use tonle_wire::ooni::MEASUREMENT_MAX_BYTES;
use zstd::bulk::{Compressor, Decompressor};

/// Records are small and alike; higher levels cost time and save little.
const LEVEL: i32 = 1;
/// No half is longer than the line that brought it, or than a measurement of OONI's.
const MAX_BYTES: usize = MEASUREMENT_MAX_BYTES;
const _: () = assert!(MAX_BYTES >= LINE_MAX_BYTES, "records fit too");

thread_local! {
    // A context is hundreds of kilobytes: one per thread, not one per record.
    static COMPRESSOR: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(LEVEL).expect("level 1 exists"));
    static DECOMPRESSOR: RefCell<Decompressor<'static>> =
        RefCell::new(Decompressor::new().expect("a context needs memory only"));
}

/// Compressed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

/// A stored blob that does not decompress: the file is damaged.
#[derive(Debug, thiserror::Error)]
#[error("stored bytes are damaged: {0}")]
pub struct BadBlob(String);

impl Blob {
    /// Compresses.
    #[must_use]
    pub fn pack(bytes: &[u8]) -> Self {
        let packed = COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(bytes));
        Self(packed.expect("the destination is as large as the worst case"))
    }

    /// A blob as read from a store.
    #[must_use]
    pub fn from_stored(stored: Vec<u8>) -> Self {
        Self(stored)
    }

    /// The compressed bytes.
    #[must_use]
    pub fn as_stored(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as they were.
    pub fn unpack(&self) -> Result<Vec<u8>, BadBlob> {
        DECOMPRESSOR
            .with_borrow_mut(|decompressor| decompressor.decompress(&self.0, MAX_BYTES))
            .map_err(|error| BadBlob(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_blob_unpacks_to_its_exact_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            prop_assert_eq!(Blob::pack(&bytes).unpack().unwrap(), bytes);
        }

        #[test]
        fn no_stored_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Blob::from_stored(bytes).unpack();
        }
    }
}
