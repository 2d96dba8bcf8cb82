//! A collector for tests on loopback: it enrols, signs lists, and remembers what it was asked.
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonle_evidence::SigningKey;
use tonle_evidence::country::{Country, ProvinceInfo};
use tonle_evidence::document::SignedDocument;
use tonle_evidence::dsse::types;
use tonle_evidence::enrolment::{Enrolled, EnrolmentRequest, Invitation};
use tonle_evidence::entry::Tier;
use tonle_evidence::hash::Hex;
use tonle_evidence::record::{PathClass, Stream, Target};
use tonle_evidence::targets::{ListedTarget, TARGETS_SCHEMA, TargetList};

/// What it tells of its provinces, beside more that a client need not know.
const PROVINCES: &str = r#"[{"code":"XX-1","en":"One","population":1},{"code":"XX-2","en":"Two"}]"#;

pub(super) struct Collector {
    key: SigningKey,
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    streams: Arc<Mutex<Vec<Stream>>>,
}

impl Collector {
    /// Listens, and signs with `signs_with`; invitations always pin the key of seed 1.
    pub(super) async fn start(signs_with: [u8; 32]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            key: SigningKey::from_bytes(&[1; 32]),
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            streams: Arc::new(Mutex::new(Stream::ALL.to_vec())),
        };
        let asked = Arc::clone(&collector.asked);
        let streams = Arc::clone(&collector.streams);
        let key = SigningKey::from_bytes(&signs_with);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let streams = streams.lock().unwrap().clone();
                tokio::spawn(answer(stream, key.clone(), Arc::clone(&asked), streams));
            }
        });
        collector
    }

    pub(super) fn invitation(&self) -> Invitation {
        Invitation {
            collector: format!("http://{}/", self.address).parse().unwrap(),
            token: "AAAAAAAAAAAAAAAAAAAAAA".into(),
            collector_key: Hex(self.key.verifying_key().to_bytes()),
        }
    }

    /// From now on it enrols agents for these streams only.
    pub(super) fn host(&self, streams: &[Stream]) {
        *self.streams.lock().unwrap() = streams.to_vec();
    }

    /// Method and path of every request, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    mut stream: TcpStream,
    key: SigningKey,
    asked: Arc<Mutex<Vec<String>>>,
    streams: Vec<Stream>,
) {
    let (line, body) = request(&mut stream).await;
    asked.lock().unwrap().push(line.clone());
    if line == "GET /api/v1/provinces" {
        return say(&mut stream, "200 OK", PROVINCES).await;
    }
    let document = match line.as_str() {
        "POST /api/v1/enrolments" => enrolled(&key, &body, streams),
        "GET /api/v1/targets/quality" => list(&key, Stream::Quality),
        "GET /api/v1/targets/openness" => list(&key, Stream::Openness),
        _ => None,
    };
    match document {
        Some(document) => {
            let text = serde_json::to_string(&document).unwrap();
            say(&mut stream, "200 OK", &text).await;
        }
        None => say(&mut stream, "403 Forbidden", r#"{"detail":"not for you"}"#).await,
    }
}

async fn say(stream: &mut TcpStream, status: &str, text: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all((head + text).as_bytes()).await.unwrap();
}

async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            assert!(read > 0, "the request ended in its head");
            continue;
        };
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if bytes.len() >= head + 4 + length {
            let text = String::from_utf8_lossy(&bytes);
            let line = text
                .lines()
                .next()
                .unwrap()
                .rsplit_once(' ')
                .unwrap()
                .0
                .to_owned();
            return (line, bytes[head + 4..].to_vec());
        }
    }
}

fn enrolled(key: &SigningKey, body: &[u8], streams: Vec<Stream>) -> Option<SignedDocument> {
    let request: EnrolmentRequest = serde_json::from_slice(body).ok()?;
    assert!(request.proves_possession());
    let province = |code: &str| ProvinceInfo {
        code: code.into(),
        en: "Somewhere".into(),
        km: "Somewhere".into(),
        population: 1,
        centre: None,
    };
    let enrolled = Enrolled {
        key: request.key,
        key_id: "k7".into(),
        tier: Tier::Unvetted,
        country: Country {
            code: "XX".into(),
            en: "Testland".into(),
            km: "Testland".into(),
            utc_offset_s: 25_200,
            peak: None,
            provinces: vec![province("XX-1"), province("XX-2")],
            operators: Vec::new(),
        },
        province: None,
        device_link: "secret".into(),
        ndt7_url: None,
        streams,
    };
    SignedDocument::sign(key, types::ENROLLED, &enrolled).ok()
}

fn list(key: &SigningKey, stream: Stream) -> Option<SignedDocument> {
    let listed = |experiment: &str, value: &str| ListedTarget {
        experiment: experiment.into(),
        target: Target {
            value: value.into(),
            category: None,
            path_class: PathClass::Domestic,
        },
        source: None,
    };
    let list = TargetList {
        schema: TARGETS_SCHEMA.into(),
        stream,
        targets: match stream {
            Stream::Quality => vec![listed("latency", "127.0.0.1")],
            Stream::Openness => vec![listed("web_connectivity", "http://127.0.0.1:9/")],
        },
        controls: Vec::new(),
        public_resolvers: Vec::new(),
        silent_addresses: Vec::new(),
        sources: Vec::new(),
    };
    SignedDocument::sign(key, types::TARGETS, &list).ok()
}

/// Every file below a folder, by relative path.
pub(super) fn files_below(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A stored file as JSON.
pub(super) fn json(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap()
}
