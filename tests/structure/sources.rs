//! Source files: short, introduced by a sentence, and without IO in the pure rooms.
use crate::{files, read, root};

/// Longest file, lines.
const LINES_MAX: usize = 500;

/// Folders and files that take time, randomness and data as arguments.
const PURE_ROOMS: &[&str] = &[
    "crates/evidence/src",
    "crates/wire/src",
    "agent/src/schedule",
    "agent/src/budget",
    "collector/src/analysis",
    "collector/src/statements",
    "collector/src/incidents/detect",
];

/// What reaches outside. Address types of `std::net` are data; its sockets are not.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env::",
    "std::thread",
    "std::os",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "SystemTime",
    "Instant::now",
    "tokio",
    "reqwest",
    "rusqlite",
    "hyper",
    "socket2",
    "getrandom",
    "tonle_net",
    "println!",
    "eprintln!",
];

#[test]
fn no_source_file_is_long() {
    let sources = files(".", ".rs");
    assert!(sources.len() > 50, "{} source files found", sources.len());
    for path in sources {
        let lines = read(&path).lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_source_file_says_first_what_it_owns() {
    for path in files(".", ".rs") {
        let text = read(&path);
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.len() > "//! ".len() && first.starts_with("//! "),
            "{}",
            path.display()
        );
    }
}

#[test]
fn pure_rooms_do_no_io() {
    let sources = files(".", ".rs");
    for room in PURE_ROOMS {
        let inside = root().join(room);
        let file = inside.with_extension("rs");
        let of_room: Vec<_> = sources
            .iter()
            .filter(|path| path.starts_with(&inside) || **path == file)
            .filter(|path| !path.ends_with("tests.rs"))
            .collect();
        assert!(!of_room.is_empty(), "{room} has no source file");
        for path in of_room {
            let text = read(path);
            for (number, line) in program_lines(&text) {
                let outside = OUTSIDE.iter().find(|word| line.contains(**word));
                assert!(outside.is_none(), "{}:{number}: {line}", path.display());
            }
        }
    }
}

/// Numbered lines of code before the tests, without comments.
fn program_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .zip(1..)
        .map(|(line, number)| (number, line.split("//").next().unwrap_or_default()))
}
