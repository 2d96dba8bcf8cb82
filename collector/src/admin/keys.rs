//! The collector's signing key: `collector.key`, 64 hex digits, readable by its owner only.
use super::{AdminError, random};
use std::io::ErrorKind;
use std::path::Path;
use tonle_evidence::SigningKey;
use tonle_evidence::hash::Hex;
use tonle_net::datadir::{DataDirError, write_atomic};

/// Name of the file in the data directory.
pub const KEY_FILE_NAME: &str = "collector.key";

/// Reads the key, or makes one on first use. A damaged file is an error: agents have pinned the
/// key that it held. Two programs may begin at once, such as a service and the first invitation:
/// the one that comes second takes the other's key.
pub(super) fn load_or_create(dir: &Path) -> Result<SigningKey, AdminError> {
    let path = dir.join(KEY_FILE_NAME);
    if path.exists() {
        return load(&path);
    }
    let seed = Hex(random::<32>()?);
    let own = dir.join(format!("{KEY_FILE_NAME}.{}", Hex(random::<8>()?)));
    write_atomic(&own, format!("{seed}\n").as_bytes())?;
    let linked = std::fs::hard_link(&own, &path);
    let removed = std::fs::remove_file(&own);
    match linked {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(DataDirError::Write { path, source }.into())
        }
        _ => {
            removed.map_err(|source| DataDirError::Write { path: own, source })?;
            load(&path)
        }
    }
}

fn load(path: &Path) -> Result<SigningKey, AdminError> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let seed: Hex<32> = text
        .trim()
        .parse()
        .map_err(|_| AdminError::BadKey(path.to_owned()))?;
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
    fn programs_that_begin_at_once_have_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let begin = || load_or_create(dir.path()).unwrap();
        let keys: Vec<SigningKey> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
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
