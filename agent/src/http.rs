//! The agent's HTTP client towards its collector. Never used to measure.
use rustls::RootCertStore;
use std::sync::Arc;
use std::time::Duration;

/// Time to connect to the collector, seconds.
const CONNECT_S: u64 = 10;
/// Time of one exchange with the collector, seconds; a batch over a slow line takes this long.
const EXCHANGE_S: u64 = 60;
/// What the collector's log sees of the program.
const USER_AGENT: &str = concat!("tonle-agent/", env!("CARGO_PKG_VERSION"));

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS towards the collector: {0}")]
pub struct ClientError(String);

/// A client that trusts exactly these roots, follows no redirect (the collector's address was in
/// the invitation) and uses no proxy from the environment.
pub fn client(roots: Arc<RootCertStore>) -> Result<reqwest::Client, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(CONNECT_S))
        .timeout(Duration::from_secs(EXCHANGE_S))
        .build()
        .map_err(|error| ClientError(error.without_url().to_string()))
}

/// The body of an answer, or why it cannot be used. A body beyond `max_bytes` is not read on.
pub async fn body(mut answer: reqwest::Response, max_bytes: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(format!("the answer is longer than {max_bytes} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What went wrong, from the innermost cause, without the URL: it may hold the token.
#[must_use]
pub fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error {
        error if error.is_timeout() => "no answer in time".to_owned(),
        error if std::ptr::addr_eq(innermost, error) => "the request failed".to_owned(),
        _ => innermost.to_string().to_lowercase(),
    }
}
