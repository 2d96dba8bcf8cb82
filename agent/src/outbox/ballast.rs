//! A file that is there to be removed: the room that receipts need on a full disk.
//!
//! Without it a disk that others have filled would keep records from leaving, because their receipts
//! could not be written, and so nothing would ever make room.
use crate::files::{Files, read_if_there, remove_if_there};
use std::io;

/// The file.
const BALLAST_FILE: &str = "ballast";
/// Room for the receipts and refusals of a batch, and the state files.
const BALLAST_BYTES: usize = 256 << 10;

/// Puts the ballast there unless it is. Without room for it the agent works as well, only less surely.
pub(super) fn fill<F: Files>(files: &F) {
    let filled = match read_if_there(files, BALLAST_FILE) {
        Ok(Some(bytes)) if bytes.len() == BALLAST_BYTES => return,
        Ok(_) => files.replace(BALLAST_FILE, &pattern()),
        Err(error) => Err(error),
    };
    if let Err(error) = filled {
        tracing::warn!(%error, "there is no room for ballast");
    }
}

/// Frees the room.
pub(super) fn release<F: Files>(files: &F) -> io::Result<()> {
    remove_if_there(files, BALLAST_FILE)
}

/// Bytes that no file system stores in less room than they take.
fn pattern() -> Vec<u8> {
    let mut state = 1_u64;
    let next = |state: &mut u64| {
        // Knuth's MMIX linear congruential generator: incompressible enough, and needs no seed.
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 56) as u8
    };
    (0..BALLAST_BYTES).map(|_| next(&mut state)).collect()
}
