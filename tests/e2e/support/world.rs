//! A small Internet on loopback: one resolver and one web server, both ours.
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;

/// The only name that exists.
pub(crate) const SITE: &str = "site.test";
const A: u16 = 1;

/// Resolver and web server; their threads end with the test process.
pub(crate) struct World {
    pub(crate) resolver: SocketAddr,
    pub(crate) web: SocketAddr,
    /// Controls that the volunteers chose, and with them the lists of this world; without: agents have
    /// both from their collector.
    pub(crate) chosen: Option<Vec<String>>,
}

impl World {
    pub(crate) fn start() -> Self {
        let resolver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let web = TcpListener::bind("127.0.0.1:0").unwrap();
        let world = Self {
            resolver: resolver.local_addr().unwrap(),
            web: web.local_addr().unwrap(),
            chosen: Some(Vec::new()),
        };
        thread::spawn(move || resolve_for_ever(&resolver));
        thread::spawn(move || serve_for_ever(&web));
        world
    }

    /// Agent configuration that sends every experiment into this world and nowhere else.
    pub(crate) fn agent_config(&self, dir: &Path) -> String {
        let chosen = self.chosen.as_ref().map(|controls| {
            let targets = self.lists(dir);
            format!(
                "targets = '{}'\nopenness.controls = {controls:?}\n",
                targets.display()
            )
        });
        let resolv_conf = write(dir, "resolv.conf", &self.resolv_conf());
        format!(
            "{}resolv_conf = '{}'\nallow_loopback = true\n\
             openness.resolvers = []\nopenness.doh = []\nopenness.whoami = ''\n",
            chosen.unwrap_or_default(),
            resolv_conf.display(),
        )
    }

    /// Writes the lists of this world.
    pub(crate) fn lists(&self, dir: &Path) -> PathBuf {
        write(dir, "targets.csv", &self.targets_csv())
    }

    fn targets_csv(&self) -> String {
        format!(
            "experiment,value,category,path_class,stream,note\n\
             latency,127.0.0.1:{port},,local,quality,our own web server\n\
             dns,{SITE},,local,quality,the name that exists\n\
             web_connectivity,http://{SITE}:{port}/,GOVT,local,openness,the site that exists\n\
             web_connectivity,http://nowhere.test/,GOVT,local,openness,a name that does not exist\n",
            port = self.web.port()
        )
    }

    fn resolv_conf(&self) -> String {
        format!(
            "nameserver [{}]:{}\n",
            self.resolver.ip(),
            self.resolver.port()
        )
    }
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn resolve_for_ever(socket: &UdpSocket) {
    let mut query = [0; 1500];
    while let Ok((length, peer)) = socket.recv_from(&mut query) {
        if let Some(answer) = answer(&query[..length]) {
            socket.send_to(&answer, peer).unwrap();
        }
    }
}

/// Answers A of [`SITE`] with 127.0.0.1, its other types with nothing, other names with NXDOMAIN.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (name, question_end) = question(query)?;
    let qtype = u16::from_be_bytes([query[question_end - 4], query[question_end - 3]]);
    let known = name == SITE;
    let has_address = known && qtype == A;
    let mut reply = query[..2].to_vec();
    let rcode = if known { 0 } else { 3 };
    reply.extend([
        0x81,
        0x80 | rcode,
        0,
        1,
        0,
        u8::from(has_address),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(&query[12..question_end]);
    if has_address {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(reply)
}

fn question(query: &[u8]) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let end = at + 4;
    (query.len() >= end).then(|| (labels.join("."), end))
}

fn serve_for_ever(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(stream));
    }
}

/// One response per connection; a connection without a request (a latency probe) is just closed.
fn serve(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    if line != "\r\n" {
        return;
    }
    let body = "<html><head><title>A site that exists</title></head><body>hello</body></html>";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // The client may have gone; that is its affair.
    drop(
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes())),
    );
}
