//! May this HTTP request become a WebSocket? What stock servers refuse is refused here too, so that
//! a client that works with one works with the other.
//!
//! Rules, each broken one answered with 400 and `Connection: close` before the upgrade:
//! 1. `GET` over HTTP/1.1, with the upgrade headers of RFC 6455, section 4.2.1.
//! 2. `Sec-WebSocket-Protocol` is ndt7's as a whole string: no list, no other spelling.
//! 3. The query obeys [`Query::parse`].
//!
//! Extensions are never negotiated (compression would measure the compressor), and any origin is
//! welcome: browsers run ndt7 from other sites' pages.
use super::tokens::NoEntry;
use crate::servers::front::plain_text;
use crate::servers::websocket::upgrade::{self, NoUpgrade, Upgrade};
use hyper::{Request, Response, StatusCode};
use tonle_wire::ndt7::query::{BadQuery, Query};
use tonle_wire::ndt7::{Direction, spec};

/// An acceptable request.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) direction: Direction,
    pub(super) query: Query,
    upgrade: Upgrade,
}

/// Why a request is not upgraded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("there is no such test")]
    NotFound,
    #[error(transparent)]
    Upgrade(#[from] NoUpgrade),
    #[error(transparent)]
    Query(#[from] BadQuery),
    #[error(transparent)]
    Token(#[from] NoEntry),
    #[error("the server runs as many tests as it can; try later")]
    Overload,
    #[error("too many tests at once from this source; try later")]
    Source,
}

/// Checks a request against the rules of this file.
pub(super) fn check<B>(request: &Request<B>) -> Result<Wanted, Refusal> {
    let direction = Direction::from_path(request.uri().path()).ok_or(Refusal::NotFound)?;
    let upgrade = upgrade::check(request, spec::SUBPROTOCOL)?;
    let query = Query::parse(request.uri().query().unwrap_or_default())?;
    Ok(Wanted {
        direction,
        query,
        upgrade,
    })
}

impl Wanted {
    /// The 101 that completes the handshake.
    pub(super) fn response(&self) -> Response<String> {
        self.upgrade.response()
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Upgrade(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Overload => StatusCode::SERVICE_UNAVAILABLE,
            Self::Source => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The answer, which says why and closes the connection.
    pub(super) fn response(&self) -> Response<String> {
        plain_text(self.status(), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use hyper::{Method, Version};

    fn request(uri: &str) -> Request<()> {
        Request::get(uri)
            .header("Connection", "keep-alive, Upgrade")
            .header("Upgrade", "WebSocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", spec::SUBPROTOCOL)
            .body(())
            .unwrap()
    }

    fn with(name: &'static str, value: &'static str) -> Request<()> {
        let mut changed = request("/ndt/v7/upload");
        changed
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        changed
    }

    #[test]
    fn a_good_request_gets_its_key_and_subprotocol_back() {
        let wanted = check(&request("/ndt/v7/download?early_exit=250")).unwrap();
        assert_eq!(wanted.direction, Direction::Download);
        assert_eq!(wanted.query.early_exit_bytes, Some(250_000_000));
        let response = wanted.response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        let accept = &response.headers()["Sec-WebSocket-Accept"];
        assert_eq!(
            accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "RFC 6455, section 1.3"
        );
        assert_eq!(
            response.headers()["Sec-WebSocket-Protocol"],
            spec::SUBPROTOCOL
        );
        assert!(!response.headers().contains_key("Sec-WebSocket-Extensions"));
    }

    #[test]
    fn the_subprotocol_is_compared_as_a_whole() {
        for other in [
            "net.measurementlab.ndt.v7, chat",
            "net.measurementlab.NDT.v7",
            "chat",
        ] {
            let refused = check(&with("sec-websocket-protocol", other)).unwrap_err();
            assert_eq!(
                refused,
                Refusal::Upgrade(NoUpgrade::Subprotocol(spec::SUBPROTOCOL)),
                "{other}"
            );
        }
        let mut twice = request("/ndt/v7/upload");
        twice.headers_mut().append(
            "sec-websocket-protocol",
            HeaderValue::from_static(spec::SUBPROTOCOL),
        );
        assert_eq!(
            check(&twice).unwrap_err(),
            Refusal::Upgrade(NoUpgrade::Subprotocol(spec::SUBPROTOCOL))
        );
    }

    #[test]
    fn what_is_no_upgrade_is_refused_with_400_and_close() {
        for (name, value) in [
            ("connection", "keep-alive"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
        ] {
            let response = check(&with(name, value)).unwrap_err().response();
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name}");
            assert_eq!(response.headers()["connection"], "close");
        }
        let mut post = request("/ndt/v7/upload");
        *post.method_mut() = Method::POST;
        assert!(matches!(check(&post), Err(Refusal::Upgrade(_))));
        let mut old = request("/ndt/v7/upload");
        *old.version_mut() = Version::HTTP_10;
        assert!(matches!(check(&old), Err(Refusal::Upgrade(_))));
    }

    #[test]
    fn bad_early_exit_is_refused_in_both_directions() {
        for path in ["/ndt/v7/download", "/ndt/v7/upload"] {
            let refused = check(&request(&format!("{path}?early_exit=100"))).unwrap_err();
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        }
        let nowhere = check(&request("/ndt/v7/sideways")).unwrap_err();
        assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    }
}
