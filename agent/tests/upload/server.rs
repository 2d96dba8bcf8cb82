//! A collector of a few lines: reads batches over HTTP/1.1, keeps the records, answers by a script.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonle_evidence::envelope::Envelope;
use tonle_evidence::hash::Hash;
use tonle_evidence::receipt::{
    BatchReply, ItemResult, RECEIPT_SCHEMA, Receipt, SignedReceipt, sign_batch,
};
use tonle_evidence::{SigningKey, VerifyingKey};
use tonle_net::clock::wall_us;
use url::Url;

/// A batch as it came in.
pub(crate) struct Batch {
    pub(crate) encoding: Option<String>,
    pub(crate) lines: Vec<String>,
    pub(crate) records: Vec<Envelope>,
}

/// What is answered: status, extra header lines, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::with_header(status, "")
    }

    pub(crate) fn with_header(status: u16, header: &str) -> Self {
        let headers = if header.is_empty() {
            String::new()
        } else {
            format!("{header}\r\n")
        };
        Self {
            status,
            headers,
            body: br#"{"title":"no","detail":"because of the script"}"#.to_vec(),
        }
    }

    pub(crate) fn reply(results: Vec<ItemResult>, now_us: i64) -> Self {
        let reply = BatchReply { results, now_us };
        Self {
            status: 200,
            headers: String::new(),
            body: serde_json::to_vec(&reply).unwrap(),
        }
    }
}

/// What the collector holds: every record once, with the receipt it gave.
pub(crate) struct Store {
    key: SigningKey,
    receipts: BTreeMap<Hash, SignedReceipt>,
}

impl Store {
    /// Stores a record and gives its receipt, the same at every replay.
    pub(crate) fn store(&mut self, record: &Envelope) -> ItemResult {
        record.verify().unwrap();
        let record_hash = record.hash();
        let next = self.receipts.len() as u64;
        let key = &self.key;
        let receipt = self
            .receipts
            .entry(record_hash)
            .or_insert_with(|| receipt_of(record_hash, next, key));
        ItemResult::Stored {
            record_hash,
            receipt: receipt.clone(),
        }
    }

    pub(crate) fn honest(&mut self, batch: &Batch) -> Answer {
        let results = batch
            .records
            .iter()
            .map(|record| self.store(record))
            .collect();
        Answer::reply(results, wall_us())
    }
}

/// A receipt signed by any key.
pub(crate) fn receipt_of(record_hash: Hash, entry_index: u64, key: &SigningKey) -> SignedReceipt {
    let receipt = Receipt {
        schema: RECEIPT_SCHEMA.into(),
        record_hash,
        entry_index,
        received_at_us: wall_us(),
        asn: None,
        network_country: None,
        tls: "none".into(),
        marks: Vec::new(),
    };
    sign_batch(key, &[receipt]).remove(0)
}

type Script = Box<dyn FnMut(&Batch, &mut Store) -> Answer + Send>;

struct Shared {
    store: Store,
    script: Script,
}

/// A running collector; stops with the test's runtime.
pub(crate) struct Collector {
    pub(crate) port: u16,
    pub(crate) key: VerifyingKey,
    shared: Arc<Mutex<Shared>>,
}

impl Collector {
    /// One that does what it should.
    pub(crate) async fn honest() -> Self {
        Self::scripted(|batch, store| store.honest(batch)).await
    }

    /// One that answers by a script.
    pub(crate) async fn scripted(
        script: impl FnMut(&Batch, &mut Store) -> Answer + Send + 'static,
    ) -> Self {
        Self::start(script, None).await
    }

    /// An honest one behind TLS.
    pub(crate) async fn behind_tls(acceptor: tokio_rustls::TlsAcceptor) -> Self {
        Self::start(
            |batch: &Batch, store: &mut Store| store.honest(batch),
            Some(acceptor),
        )
        .await
    }

    async fn start(
        script: impl FnMut(&Batch, &mut Store) -> Answer + Send + 'static,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let key = SigningKey::from_bytes(&[21; 32]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            port: listener.local_addr().unwrap().port(),
            key: key.verifying_key(),
            shared: Arc::new(Mutex::new(Shared {
                store: Store {
                    key,
                    receipts: BTreeMap::new(),
                },
                script: Box::new(script),
            })),
        };
        let shared = Arc::clone(&collector.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &shared).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &shared).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        collector
    }

    pub(crate) fn url(&self) -> Url {
        url_of(self.port)
    }

    pub(crate) fn stored(&self) -> Vec<Hash> {
        let shared = self.shared.lock().unwrap();
        shared.store.receipts.keys().copied().collect()
    }
}

/// Base URL of a collector on this device, below a path to show that paths are kept.
pub(crate) fn url_of(port: u16) -> Url {
    format!("http://127.0.0.1:{port}/tonle/").parse().unwrap()
}

/// Answers requests until the connection ends, however it does.
async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Mutex<Shared>,
) -> Option<()> {
    let mut received = Vec::new();
    loop {
        let batch = read_request(&mut stream, &mut received).await?;
        let answer = {
            let mut guard = shared.lock().unwrap();
            let Shared { store, script } = &mut *guard;
            script(&batch, store)
        };
        let head = format!(
            "HTTP/1.1 {} Scripted\r\ncontent-length: {}\r\n{}\r\n",
            answer.status,
            answer.body.len(),
            answer.headers
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(&answer.body).await.ok()?;
    }
}

/// Reads one whole request; `None` when the connection ends before.
async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    received: &mut Vec<u8>,
) -> Option<Batch> {
    let head_end = loop {
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, received).await?;
    };
    let head = String::from_utf8(received[..head_end].to_vec()).unwrap();
    assert!(
        head.starts_with("POST /tonle/api/v1/records HTTP/1.1\r\n"),
        "{head}"
    );
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut named = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while received.len() < head_end + length {
        more(stream, received).await?;
    }
    let body: Vec<u8> = received.drain(..head_end + length).skip(head_end).collect();
    let encoding = header("content-encoding");
    let body = match encoding.as_deref() {
        Some("zstd") => zstd::decode_all(body.as_slice()).unwrap(),
        _ => body,
    };
    let lines: Vec<String> = String::from_utf8(body)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let read = |line: &String| Envelope::from_line(line.as_bytes()).unwrap();
    Some(Batch {
        encoding,
        records: lines.iter().map(read).collect(),
        lines,
    })
}

async fn more(stream: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(received).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
