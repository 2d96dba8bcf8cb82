//! Our measurement servers as a program of their own, for one test.
use libtest_mimic::Failed;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What the program says before its address.
const SAYS: &str = "measurement servers: ";

/// A running server; ends with the test.
pub(crate) struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub(crate) place: String,
    /// The certificate of a server that speaks TLS.
    pub(crate) cert: PathBuf,
    _dir: TempDir,
}

impl Server {
    /// Starts one that speaks `ws` and `wss` as `localhost`.
    pub(crate) fn start() -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        let config = dir.path().join("collector.toml");
        let text = format!(
            "metrics_listen = '127.0.0.1:0'\ntls_cert = '{}'\ntls_key = '{}'\n\
             [servers]\nlisten = '127.0.0.1:0'\n",
            cert.display(),
            key.display()
        );
        std::fs::write(&config, text)?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_tonle"))
            .args(["collector", "serve", "--only", "servers", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let notes = process.stderr.take().ok_or("standard error is piped")?;
        let mut lines = BufReader::new(notes).lines().map_while(Result::ok);
        let place = lines.find_map(|line| line.split_once(SAYS).map(|(_, place)| place.to_owned()));
        // Read on, so that its log never fills the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut server = Self {
            process,
            place: String::new(),
            cert,
            _dir: dir,
        };
        let place = place.ok_or("the server ended before it was up")?;
        place.trim().clone_into(&mut server.place);
        Ok(server)
    }

    /// Its port on this machine, by the name that its certificate has.
    pub(crate) fn named_place(&self) -> String {
        self.place.replace("127.0.0.1", "localhost")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
