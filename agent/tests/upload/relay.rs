//! A TCP relay that cuts each connection after a random number of bytes, seeded.
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A running relay.
pub(crate) struct Relay {
    pub(crate) port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Relay {
    /// Relays to a port of this device; each direction of a connection carries at most a random number
    /// of bytes below `max_bytes`, then the whole connection is cut.
    pub(crate) async fn cutting(to: u16, max_bytes: usize, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        let mut random = StdRng::seed_from_u64(seed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let up = random.random_range(0..max_bytes);
                let down = random.random_range(0..max_bytes);
                let cuts = Arc::clone(&counted);
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
                        return;
                    };
                    let (client_read, client_write) = client.into_split();
                    let (server_read, server_write) = server.into_split();
                    let was_cut = tokio::select! {
                        was_cut = carry(client_read, server_write, up) => was_cut,
                        was_cut = carry(server_read, client_write, down) => was_cut,
                    };
                    cuts.fetch_add(usize::from(was_cut), Ordering::Relaxed);
                });
            }
        });
        Self { port, cuts }
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Carries at most `allowance` bytes; true when that was the end of it.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut allowance: usize,
) -> bool {
    let mut buffer = vec![0; 2_048];
    while allowance > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return false;
        };
        let carried = count.min(allowance);
        if to.write_all(&buffer[..carried]).await.is_err() {
            return false;
        }
        allowance -= carried;
    }
    true
}
