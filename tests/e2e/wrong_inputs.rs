//! What goes wrong at the start is one clear line that names the cause and the remedy.
use crate::support::collector::{Collector, refusal};
use crate::support::tonle::run;
use std::net::TcpListener;
use std::path::Path;

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
fn assert_one_line(message: &str, parts: &[&str]) {
    assert_eq!(message.trim_end().lines().count(), 1, "one line: {message}");
    for part in parts {
        assert!(message.contains(part), "'{part}' in: {message}");
    }
}

const FREE: [&str; 6] = [
    "--listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "127.0.0.1:0",
    "--servers-listen",
    "127.0.0.1:0",
];

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("data");
    let mut arguments = vec!["up", "--once", "--yes", "--data", path(&data)];
    arguments.extend(FREE);
    arguments[6] = &address;
    let (code, message) = refusal(&arguments);
    assert_eq!(code, 1);
    assert_one_line(&message, &[&address, "listen"]);
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
    let (code, message) = refusal(&["up", "--once", "--yes", "--data", path(dir.path())]);
    assert_eq!(code, 1);
    assert_one_line(&message, &["thesis.txt", "--data"]);
    let entries = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(entries, 1, "nothing was written into it");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let (code, message) = refusal(&["up", "--once", "--yes", "--data", "/proc/nowhere/data"]);
    assert_eq!(code, 1);
    assert_one_line(&message, &["/proc/nowhere/data", "--data"]);
}

#[test]
fn a_broken_config_names_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("broken.toml");
    std::fs::write(&config, "[agent]\nprovinse = 'KH-12'\n").unwrap();
    let data = dir.path().join("data");
    let arguments = [
        "up",
        "--once",
        "--yes",
        "--data",
        path(&data),
        "--config",
        path(&config),
    ];
    let (code, message) = refusal(&arguments);
    assert_eq!(code, 1);
    assert_one_line(&message, &["broken.toml", "provinse", "line 2"]);
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(dir.path());
    let (code, message) = refusal(&["collector", "serve", "--config", collector.config_path()]);
    assert_eq!(code, 1);
    assert_one_line(&message, &["in use by another tonle process"]);
}

#[test]
fn misuse_of_any_command_exits_with_two() {
    for arguments in [
        &["up", "--listen", "nowhere"][..],
        &["agent", "measure"],
        &["agent", "join"],
        &["collector", "revoke"],
        &["verify"],
        &["nonsense"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn an_invitation_that_is_none_is_refused_before_anything_is_contacted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("agent");
    let arguments = [
        "agent",
        "join",
        "https://example.org/",
        "--data",
        path(&data),
        "--accept",
        "q1",
    ];
    let (_, message) = refusal(&arguments);
    assert!(message.contains("not an invitation URL"), "{message}");
}
