//! Asking a server for a list, unless it still has the version that is here.
use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use rustls::RootCertStore;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Longest list, bytes: the longest of the Citizen Lab's have about 200 kB.
pub const LIST_MAX_BYTES: usize = 4 << 20;
/// Longest `ETag` that is remembered, bytes.
const ETAG_MAX_BYTES: usize = 256;
/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Time of the whole exchange.
const EXCHANGE: Duration = Duration::from_mins(1);
/// What the server's log sees of the program.
const USER_AGENT: &str = concat!("tonle-collector/", env!("CARGO_PKG_VERSION"));

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The version that is here is the newest.
    Unchanged,
    /// Another version.
    New {
        /// Its bytes.
        bytes: Vec<u8>,
        /// The server's name for it.
        etag: Option<String>,
    },
}

/// A client that trusts exactly these roots, and follows no redirect: the operator named the place.
pub fn client(roots: Arc<RootCertStore>) -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(EXCHANGE)
        .build()
        .map_err(|error| error.to_string())
}

/// Asks for a list; `etag` is the version that is here.
pub async fn fetch(
    client: &reqwest::Client,
    url: &Url,
    etag: Option<&str>,
) -> Result<Fetched, String> {
    let mut request = client.get(url.clone());
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let mut answer = request.send().await.map_err(|error| reason(&error))?;
    match answer.status() {
        StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Fetched::Unchanged),
        StatusCode::OK => {}
        status => {
            return Err(format!(
                "the server answers with status {}",
                status.as_u16()
            ));
        }
    }
    let etag = answer
        .headers()
        .get(ETAG)
        .and_then(|value| value.to_str().ok());
    let etag = etag
        .filter(|etag| etag.len() <= ETAG_MAX_BYTES)
        .map(str::to_owned);
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
        if bytes.len() + chunk.len() > LIST_MAX_BYTES {
            return Err(format!("the list is longer than {LIST_MAX_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched::New { bytes, etag })
}

/// What went wrong, from the innermost cause.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    innermost.to_string().to_lowercase()
}
