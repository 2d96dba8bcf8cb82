//! The collector's signing key: `collector.key`, 64 hex digits, readable by its owner only.
use super::{AdminError, random};
use std::path::Path;
use tonle_evidence::SigningKey;
use tonle_evidence::hash::Hex;
use tonle_net::datadir::write_atomic;

/// Name of the file in the data directory.
pub const KEY_FILE_NAME: &str = "collector.key";

/// Reads the key, or makes one on first use. A damaged file is an error: agents have pinned the
/// key that it held.
pub(super) fn load_or_create(dir: &Path) -> Result<SigningKey, AdminError> {
    let path = dir.join(KEY_FILE_NAME);
    if path.exists() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seed: Hex<32> = text
            .trim()
            .parse()
            .map_err(|_| AdminError::BadKey(path.clone()))?;
        return Ok(SigningKey::from_bytes(&seed.0));
    }
    let seed = Hex(random::<32>()?);
    write_atomic(&path, format!("{seed}\n").as_bytes())?;
    Ok(SigningKey::from_bytes(&seed.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_kept_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = load_or_create(dir.path()).unwrap();
        assert_eq!(load_or_create(dir.path()).unwrap(), key);
        let mode = dir.path().join(KEY_FILE_NAME).metadata().unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(KEY_FILE_NAME), "torn").unwrap();
        assert!(matches!(
            load_or_create(dir.path()),
            Err(AdminError::BadKey(_))
        ));
    }
}
