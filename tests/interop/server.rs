//! Our measurement servers as a program of their own, for one test.
use crate::program::Program;
use libtest_mimic::Failed;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// What the program says before its address.
const SAYS: &str = "measurement servers: ";

/// A running server; ends with the test.
pub(crate) struct Server {
    /// `127.0.0.1:port`.
    pub(crate) place: String,
    /// The certificate of a server that speaks TLS.
    pub(crate) cert: PathBuf,
    _program: Program,
    _dir: TempDir,
}

impl Server {
    /// Starts one that speaks `ws` and `wss` as `localhost`.
    pub(crate) fn start() -> Result<Self, Failed> {
        Self::start_with("")
    }

    /// The same, with more in the table `[servers]`.
    pub(crate) fn start_with(servers: &str) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem())?;
        std::fs::write(&key, made.signing_key.serialize_pem())?;
        let config = dir.path().join("collector.toml");
        let text = format!(
            "metrics_listen = '127.0.0.1:0'\ntls_cert = '{}'\ntls_key = '{}'\n\
             [servers]\nlisten = '127.0.0.1:0'\n{servers}\n",
            cert.display(),
            key.display()
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tonle"));
        command.args(["collector", "serve", "--only", "servers", "--config"]);
        command.arg(&config);
        let (program, place) = Program::start(command, SAYS)?;
        Ok(Self {
            place,
            cert,
            _program: program,
            _dir: dir,
        })
    }

    /// Its port on this machine, by the name that its certificate has.
    pub(crate) fn named_place(&self) -> String {
        self.place.replace("127.0.0.1", "localhost")
    }
}
