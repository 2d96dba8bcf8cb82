//! A collector that lets clients of OONI's in, as a process of its own, and a client of few words.
#![expect(clippy::unwrap_used, reason = "a fixture stops at the first surprise")]
use crate::program::command;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// The network table of these tests: 192.0.2.0/24 is AS64500 in Cambodia.
const TABLE: &str = "192.0.2.0\t192.0.2.255\t64500\tKH\tEXAMPLE\n";

/// What a client got.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }
}

/// The running program.
pub(crate) struct Server {
    child: Child,
    home: PathBuf,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
}

impl Server {
    /// Starts one whose configuration has `ooni` as its table; it believes this machine's forwarding.
    pub(crate) fn start(home: &Path, ooni: &str) -> Self {
        let table = home.join("asn.tsv");
        std::fs::write(&table, TABLE).unwrap();
        let text = format!(
            "listen = '127.0.0.1:0'\nmetrics_listen = '127.0.0.1:0'\nasn_table = '{}'\n\
             trusted_proxies = ['127.0.0.1']\n\
             controls = ['https://one.example/', 'https://two.example/']\n[servers]\nlisten = '127.0.0.1:0'\nstamp = false\n\
             [ooni]\n{ooni}\n",
            table.display()
        );
        std::fs::write(home.join("collector.toml"), text).unwrap();
        let (child, address) = launch(home);
        Self {
            child,
            home: home.to_owned(),
            address,
        }
    }

    /// SIGKILL, then a new process on the same data.
    pub(crate) fn kill_and_start_again(&mut self) {
        self.kill();
        (self.child, self.address) = launch(&self.home);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"").unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, "", body.to_string().as_bytes())
            .unwrap()
    }

    /// `headers`: further lines, each with its line end.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> std::io::Result<Answer> {
        ask(&self.address, method, path, headers, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(home: &Path) -> (Child, String) {
    let config = home.join("collector.toml");
    let mut serve = command(home, &["serve", "--config", config.to_str().unwrap()]);
    let mut child = serve.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let url = line.strip_prefix("pages and API: http://")?;
        Some(url.trim_end_matches('/').to_owned())
    });
    // Read on, so that its log never fills the pipe.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (child, told.expect("the collector says where it listens"))
}

/// One request on a connection of its own.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: collector\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::other("the answer broke off");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).ok_or_else(broken)?;
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    assert!(!is_chunked, "small answers have a length");
    Ok(Answer {
        status: status.parse().map_err(|_| broken())?,
        body: body.to_owned(),
    })
}
