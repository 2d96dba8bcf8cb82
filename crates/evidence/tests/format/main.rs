//! The formats that cannot change: golden vectors, the published schema, and properties of every
//! parser of outside bytes.
mod fixture;
mod golden;
mod properties;
mod schema;

use std::path::{Path, PathBuf};

/// Compares what the code makes with the kept file; on a difference leaves the new text beside the
/// build, so that a deliberate change is one `cp` away and an accidental one is seen.
fn assert_kept(kept: &str, made: &str) {
    let path = repository().join(kept);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    if text.trim_end() == made.trim_end() {
        return;
    }
    let name = Path::new(kept).file_name().expect("a kept file has a name");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&fresh, format!("{}\n", made.trim_end())).expect("the build folder is writable");
    panic!(
        "{kept} differs from what the code makes; if that is meant: cp {} {kept}",
        fresh.display()
    );
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
