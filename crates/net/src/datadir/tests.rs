//! What a data directory refuses, and that its files survive.
use super::*;
use std::os::unix::fs::PermissionsExt as _;

fn fresh() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_directory_opens_again_with_the_same_role() {
    let dir = fresh();
    let path = dir.path().join("deep/er");
    drop(DataDir::open(&path, Role::Agent).unwrap());
    let again = DataDir::open(&path, Role::Agent).unwrap();
    assert_eq!(again.path(), path);
}

#[test]
fn a_directory_with_other_peoples_files_is_refused_and_left_untouched() {
    let dir = fresh();
    fs::write(dir.path().join("thesis.txt"), "…").unwrap();
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(matches!(error, DataDirError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("thesis.txt"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_fresh_volume_is_empty_enough() {
    let dir = fresh();
    fs::create_dir(dir.path().join(VOLUME_ENTRY)).unwrap();
    DataDir::open(dir.path(), Role::Collector).unwrap();
}

#[test]
fn a_directory_of_another_role_is_refused() {
    let dir = fresh();
    drop(DataDir::open(dir.path(), Role::Collector).unwrap());
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(matches!(error, DataDirError::OtherRole { .. }), "{error}");
    assert!(error.to_string().contains("tonle collector"), "{error}");
}

#[test]
fn a_directory_is_locked_to_one_process() {
    let dir = fresh();
    let first = DataDir::open(dir.path(), Role::Agent).unwrap();
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(matches!(error, DataDirError::Locked { .. }), "{error}");
    drop(first);
    DataDir::open(dir.path(), Role::Agent).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_refused_in_one_line() {
    let dir = fresh();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DataDir::open(&file.join("data"), Role::Agent).unwrap_err();
    assert!(matches!(error, DataDirError::Unusable { .. }), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_directory_of_a_newer_program_is_refused() {
    let dir = fresh();
    let marker = br#"{"format":2,"role":"agent","provenance":"real","more":[]}"#;
    fs::write(dir.path().join(MARKER), marker).unwrap();
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(
        matches!(error, DataDirError::Newer { found: 2, .. }),
        "{error}"
    );
}

#[test]
fn synthetic_data_is_refused() {
    let dir = fresh();
    let marker = br#"{"format":1,"role":"agent","provenance":"synthetic"}"#;
    fs::write(dir.path().join(MARKER), marker).unwrap();
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(error.to_string().contains("synthetic data"), "{error}");
}

#[test]
fn a_directory_holds_measured_or_synthetic_data_and_says_which_is_wanted() {
    let dir = fresh();
    let open = |contents| DataDir::open_with(dir.path(), Role::Collector, contents);
    drop(open(Contents::Synthetic).unwrap());
    drop(open(Contents::Synthetic).unwrap());
    let error = open(Contents::Real).unwrap_err().to_string();
    assert!(error.contains("holds synthetic data"), "{error}");
    assert!(error.contains("--data"), "{error}");
    let dir = fresh();
    drop(DataDir::open(dir.path(), Role::Collector).unwrap());
    let synthetic = DataDir::open_with(dir.path(), Role::Collector, Contents::Synthetic);
    let error = synthetic.unwrap_err().to_string();
    assert!(error.contains("holds real data"), "{error}");
}

#[test]
fn a_damaged_marker_is_named() {
    let dir = fresh();
    fs::write(dir.path().join(MARKER), "{").unwrap();
    let error = DataDir::open(dir.path(), Role::Agent).unwrap_err();
    assert!(error.to_string().contains(MARKER), "{error}");
}

#[test]
fn a_written_file_is_whole_private_and_leaves_nothing_beside_it() {
    let dir = fresh();
    let path = dir.path().join("identity.key");
    write_atomic(&path, b"old").unwrap();
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_write_that_fails_names_the_file() {
    let dir = fresh();
    let error = write_atomic(&dir.path().join("absent/x.json"), b"").unwrap_err();
    assert!(error.to_string().contains("x.json"), "{error}");
}
