//! The empty page that tells a captive portal: agents ask for it in clear around their openness runs,
//! and whoever answers something else than 204 stands on their way. Nothing is counted or kept.
use super::front::{Answer, Answering, Caller, Door, body};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};

/// Its path, as browsers and phones look for theirs.
const PATH: &str = "/generate_204";

/// The door of the empty page.
pub(super) struct Portal;

impl Door for Portal {
    fn is_for(&self, path: &str) -> bool {
        path == PATH
    }

    fn answer<'a>(&'a self, _request: Request<Incoming>, _caller: &'a Caller) -> Answering<'a> {
        let mut response = Response::new(body::whole(""));
        *response.status_mut() = StatusCode::NO_CONTENT;
        // A page that a cache on the way answers says nothing of the way.
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Box::pin(std::future::ready(Answer::Respond(response)))
    }
}
