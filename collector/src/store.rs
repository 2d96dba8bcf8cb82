//! Opening `SQLite` files: pragmas, identity, migrations.
//!
//! Every file of the collector is opened here and nowhere else, so that all have the same rules:
//! 1. WAL with `synchronous=FULL`: a commit that returned is on the disk.
//! 2. `application_id` says which of our files it is; another program's file is refused.
//! 3. `user_version` counts the migrations applied; a file of a newer program is refused.
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection waits for another one's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What a person calls it, such as `journal`.
    pub name: &'static str,
    /// Four ASCII letters as a number: see [`application_id`].
    pub application_id: i32,
    /// SQL that takes the file from version `i` to `i + 1`. Only ever appended to.
    pub migrations: &'static [&'static str],
}

/// The number of four letters, so that `file(1)` and a hex dump show them.
#[must_use]
pub const fn application_id(letters: [u8; 4]) -> i32 {
    i32::from_be_bytes(letters)
}

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system or `SQLite` refused.
    #[error("open {path}: {reason}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// It is a database of something else.
    #[error("{path} is not a {name} file; give another data directory")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was expected.
        name: &'static str,
    },
    /// It was written by a newer program.
    #[error(
        "{path} has schema version {found} and this program knows {known}; \
         start the newer version that wrote it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
}

/// Opens a file for reading and writing, creating and migrating it as needed.
pub fn open(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let failed = |reason: String| StoreError::Open {
        path: path.to_owned(),
        reason,
    };
    // Created here because SQLite would follow the umask; WAL and shared-memory files inherit it.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| failed(error.to_string()))?;
    let sql = |error: rusqlite::Error| failed(error.to_string());
    let mut connection = Connection::open(path).map_err(sql)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
    check_identity(&connection, path, schema)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -32768;",
        )
        .map_err(sql)?;
    migrate(&mut connection, path, schema)?;
    Ok(connection)
}

/// Opens an existing file for reading only, beside whoever writes it.
pub fn open_read_only(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let sql = |error: rusqlite::Error| StoreError::Open {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
    check_identity(&connection, path, schema)?;
    Ok(connection)
}

/// An empty file is anyone's; every other one must carry this schema's identity.
fn check_identity(connection: &Connection, path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| StoreError::Open {
                path: path.to_owned(),
                reason: error.to_string(),
            })
    };
    let (identity, version, pages) = (
        pragma("application_id")?,
        pragma("user_version")?,
        pragma("page_count")?,
    );
    let is_new = identity == 0 && version == 0 && pages <= 1;
    if !is_new && identity != i64::from(schema.application_id) {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            name: schema.name,
        });
    }
    let known = known_version(schema);
    if version > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        });
    }
    Ok(())
}

fn known_version(schema: &Schema) -> i64 {
    i64::try_from(schema.migrations.len()).expect("a handful of migrations")
}

/// Applies what is missing in one transaction: a killed migration leaves the file as it was.
fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| {
            row.get::<_, u16>(0).map(usize::from)
        })
    };
    let apply = |connection: &mut Connection| {
        if version(connection)? >= schema.migrations.len() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again under the lock: another process may have been faster.
        for migration in schema.migrations.iter().skip(version(&transaction)?) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", known_version(schema))?;
        transaction.commit()
    };
    apply(connection).map_err(|error: rusqlite::Error| StoreError::Open {
        path: path.to_owned(),
        reason: format!("bring the {} up to date: {error}", schema.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Schema = Schema {
        name: "test",
        application_id: application_id(*b"TnTs"),
        migrations: &["CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT;"],
    };
    const TWO: Schema = Schema {
        migrations: &[
            ONE.migrations[0],
            "CREATE TABLE b (y TEXT NOT NULL) STRICT;",
        ],
        ..ONE
    };

    fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> T {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn a_commit_is_synced_and_only_the_owner_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite");
        let connection = open(&path, &ONE).unwrap();
        assert_eq!(pragma::<String>(&connection, "journal_mode"), "wal");
        assert_eq!(pragma::<i64>(&connection, "synchronous"), 2);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn an_older_file_is_migrated_and_keeps_its_rows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite");
        let old = open(&path, &ONE).unwrap();
        old.execute("INSERT INTO a VALUES (7)", []).unwrap();
        drop(old);
        let new = open(&path, &TWO).unwrap();
        let kept: i64 = new.query_row("SELECT x FROM a", [], |r| r.get(0)).unwrap();
        assert_eq!(kept, 7);
        assert_eq!(pragma::<i64>(&new, "user_version"), 2);
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused_by_name_and_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite");
        drop(open(&path, &TWO).unwrap());
        let error = open(&path, &ONE).unwrap_err();
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ));
        assert!(error.to_string().contains("a.sqlite"), "{error}");
    }

    #[test]
    fn a_database_of_something_else_is_refused_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite");
        let foreign = Connection::open(&path).unwrap();
        foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
        drop(foreign);
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open(&path, &ONE), Err(StoreError::Foreign { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sqlite");
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        let error = open(&path, &ONE).unwrap_err();
        assert!(error.to_string().contains("a.sqlite"), "{error}");
    }
}
