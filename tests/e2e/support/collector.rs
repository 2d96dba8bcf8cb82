//! A collector as its operator runs it: a process of its own.
use super::tonle::{Running, run_ok, text, tonle};
use rusqlite::{Connection, OpenFlags};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};

/// A running collector with its files.
pub(crate) struct Collector {
    process: Option<Running>,
    pub(crate) data: PathBuf,
    config: PathBuf,
    /// `http://127.0.0.1:port`.
    pub(crate) url: String,
    pub(crate) metrics_url: String,
    /// `http://127.0.0.1:port` of the measurement servers.
    pub(crate) servers_url: String,
}

impl Collector {
    /// Starts one on ports that are free now, so that it can be started again on the same.
    pub(crate) fn start(home: &Path) -> Self {
        Self::start_with(home, "", "")
    }

    /// As [`Collector::start`], with more of a configuration before and behind `[servers]`; `{servers}`
    /// in it stands for the port of the measurement servers.
    pub(crate) fn start_with(home: &Path, before: &str, behind: &str) -> Self {
        let [web, metrics, servers] = free_ports();
        let data = home.join("collector");
        let config = home.join("collector.toml");
        let text = format!(
            "data_dir = '{}'\nlisten = '127.0.0.1:{web}'\nmetrics_listen = '127.0.0.1:{metrics}'\n{before}[servers]\nlisten = '127.0.0.1:{servers}'\n{behind}",
            data.display()
        );
        let text = text.replace("{servers}", &servers.to_string());
        std::fs::write(&config, text).unwrap();
        let mut collector = Self {
            process: None,
            data,
            config,
            url: format!("http://127.0.0.1:{web}"),
            metrics_url: format!("http://127.0.0.1:{metrics}/metrics"),
            servers_url: format!("http://127.0.0.1:{servers}"),
        };
        collector.launch();
        collector
    }

    fn launch(&mut self) {
        let mut command = tonle(&["collector", "serve", "--config", self.config_path()]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let notes = BufReader::new(child.stderr.take().unwrap());
        self.process = Some(Running(child));
        let mut lines = notes.lines().map_while(Result::ok);
        let ready = lines.any(|line| line.contains(&self.url));
        assert!(ready, "the collector says where it listens");
        // Read on, so that its log never fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
    }

    pub(crate) fn config_path(&self) -> &str {
        self.config.to_str().unwrap()
    }

    /// SIGKILL, then a new process on the same files.
    pub(crate) fn kill_and_start_again(&mut self) {
        self.stop();
        self.launch();
    }

    /// SIGKILL.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// A new invitation URL.
    pub(crate) fn invite(&self, options: &[&str]) -> String {
        let mut arguments = vec!["collector", "invite", "--config", self.config_path()];
        arguments.extend(options);
        run_ok(&arguments).trim().to_owned()
    }

    /// The public halves of all records of an experiment, in the order of the journal; of all for an empty
    /// name.
    pub(crate) fn public_halves(&self, experiment: &str) -> Vec<String> {
        let mut halves = self.halves("public");
        let id = format!("\"id\":\"{experiment}\"");
        halves.retain(|half| experiment.is_empty() || half.contains(&id));
        halves
    }

    /// The private halves of all records.
    pub(crate) fn private_halves(&self) -> Vec<String> {
        self.halves("private")
    }

    fn halves(&self, which: &str) -> Vec<String> {
        let journal = self.data.join("journal.sqlite");
        let connection =
            Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut query = connection
            .prepare(&format!(
                "SELECT {which} FROM entry WHERE kind = 'record' ORDER BY entry_index"
            ))
            .unwrap();
        let halves = query.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let unpacked = |half: Vec<u8>| zstd::decode_all(half.as_slice()).unwrap();
        halves
            .map(|half| String::from_utf8(unpacked(half.unwrap())).unwrap())
            .collect()
    }

    /// Hash → entry index of every record in the journal; fails on a hole or a repetition.
    pub(crate) fn journal_records(&self) -> HashMap<String, u64> {
        let journal = self.data.join("journal.sqlite");
        let connection =
            Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let integrity: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(integrity, "ok");
        let mut query = connection
            .prepare("SELECT entry_index, kind, record_hash FROM entry ORDER BY entry_index")
            .unwrap();
        let rows: Vec<(u64, String, Vec<u8>)> = query
            .query_map([], |row| {
                Ok((
                    row.get::<_, i64>(0)?.cast_unsigned(),
                    row.get(1)?,
                    row.get(2)?,
                ))
            })
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let mut records = HashMap::new();
        for (place, (entry_index, kind, hash)) in rows.into_iter().enumerate() {
            assert_eq!(entry_index, place as u64, "the sequence has no holes");
            let earlier = records.insert(hex::encode(&hash), entry_index);
            assert_eq!(earlier, None, "no entry is stored twice ({kind})");
        }
        records
    }
}

/// Ports that nothing listens on, each given out once. They lie below the range from which the
/// system takes ports for connections, so that none is taken before the collector binds it.
fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    let free = |()| loop {
        let port = base + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            break port;
        }
    };
    [(); N].map(free)
}

/// What a command that must fail said.
#[track_caller]
pub(crate) fn refusal(arguments: &[&str]) -> (i32, String) {
    let output = tonle(arguments).output().unwrap();
    let code = output.status.code().expect("it ended by itself");
    assert_ne!(
        code,
        0,
        "tonle {arguments:?} must fail; it said {}",
        text(&output.stdout)
    );
    (code, text(&output.stderr))
}
