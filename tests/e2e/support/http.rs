//! Asking the collector what a browser or a program would ask.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Status, head and body of one answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    head: String,
}

impl Answer {
    /// The value of a header, whose name is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut named = lines.filter(|(given, _)| given.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value)
    }
}

/// One GET over a connection of its own.
pub(crate) fn get(url: &str) -> Answer {
    ask("GET", url, "")
}

/// One POST over a connection of its own.
pub(crate) fn post(url: &str, body: &str) -> Answer {
    ask("POST", url, body)
}

fn ask(method: &str, url: &str, body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let length = body.len();
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close");
    let request = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(host).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("an HTTP answer has a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        body: body.to_owned(),
        head: head.to_owned(),
    }
}
