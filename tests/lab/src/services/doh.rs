//! DNS over HTTPS (RFC 8484): GET and POST at `/dns-query`, HTTP/1.1 and HTTP/2.
use super::dns::{MESSAGE_BYTES_MAX, Manner, TTL_S, Zone, reply};
use super::http::{Reply, serve};
use super::{Running, listen, tls};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PATH: &str = "/dns-query";
const MESSAGE_TYPE: &str = "application/dns-message";

pub(super) fn start(
    running: &Running,
    listener: TcpListener,
    acceptor: &TlsAcceptor,
    zone: &Arc<Zone>,
) {
    let (acceptor, zone) = (acceptor.clone(), Arc::clone(zone));
    listen::accept(running, listener, move |stream| {
        let (acceptor, zone) = (acceptor.clone(), Arc::clone(&zone));
        async move {
            let Some(stream) = tls::handshake(&acceptor, stream).await else {
                return;
            };
            let http2 = tls::chose_http2(&stream);
            let answer = move |request, _| answer(Arc::clone(&zone), request);
            serve(stream, http2, answer).await;
        }
    });
}

async fn answer(zone: Arc<Zone>, request: Request<Incoming>) -> Response<Reply> {
    let question = match question(request).await {
        Ok(question) => question,
        Err(status) => return only(status),
    };
    let Some((answer, _)) = reply(&zone, &Manner::default(), &question) else {
        // Silence: the request stays open until the client gives up.
        return std::future::pending().await;
    };
    let Ok(bytes) = answer.to_vec() else {
        return only(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Reply::given(bytes.into()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MESSAGE_TYPE));
    if let Ok(value) = HeaderValue::from_str(&format!("max-age={TTL_S}")) {
        headers.insert(CACHE_CONTROL, value);
    }
    response
}

/// The bytes of the question, or the status that says what is wrong with the request.
async fn question(request: Request<Incoming>) -> Result<Vec<u8>, StatusCode> {
    if request.uri().path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    if request.method() == Method::GET {
        let query = request.uri().query().unwrap_or_default();
        let encoded = query.split('&').find_map(|part| part.strip_prefix("dns="));
        let encoded = encoded.ok_or(StatusCode::BAD_REQUEST)?;
        let decoded = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('='));
        return decoded.map_err(|_| StatusCode::BAD_REQUEST);
    }
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    if request
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        != Some(MESSAGE_TYPE.as_bytes())
    {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let body = Limited::new(request.into_body(), MESSAGE_BYTES_MAX);
    let body = body.collect().await;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(body.to_bytes().to_vec())
}

fn only(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::given(Vec::new().into()));
    *response.status_mut() = status;
    response
}
