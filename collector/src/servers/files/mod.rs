//! Plain files: an ordinary download from this server, to hold a speed test against.
//!
//! `GET` of a path that [`tonle_wire::files::file_size`] reads is answered with as many bytes, which no
//! compressor shortens, as any server answers with any archive: length, type, no upgrade. Each counts
//! as a test towards the limits of the configuration, and is sent under the same congestion control.
//! With a place of their own (`servers.files_url`) files are fetched there, and whoever asks for one
//! elsewhere is sent there: under the name and port of the tests it would look like a test.
//! Where tests need a token there are no files: one asked for with a token would look like a test.
mod counters;
mod noise;

pub use counters::FilesCounters;

use super::admission::{Admission, NoRoom, Permit};
use super::config::ServersConfig;
use super::front::{Answer, Answering, Caller, Door, body, body::Body, plain_text};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};
use noise::Noise;
use rand::Rng;
use std::sync::Arc;
use tonle_wire::ndt7::Direction;
use url::Url;

/// What files are cut from: longer than any compressor looks back.
const NOISE_BYTES: usize = 1 << 20;
/// When to come back to a full server, seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// The door of files.
pub(super) struct Files {
    is_offered: bool,
    place: Option<Url>,
    admission: Arc<Admission>,
    congestion_control: Option<String>,
    counters: Arc<FilesCounters>,
    noise: Bytes,
}

impl Files {
    pub(super) fn new(config: &ServersConfig, counters: Arc<FilesCounters>) -> Self {
        let admission = Admission::new(config.max_downloads, config.max_per_source);
        let mut noise = vec![0; NOISE_BYTES];
        rand::rng().fill_bytes(&mut noise);
        Self {
            is_offered: config.token_verify_keys.is_empty(),
            place: config.files_place(),
            admission: Arc::new(admission),
            congestion_control: config.wanted_congestion_control().map(str::to_owned),
            counters,
            noise: noise.into(),
        }
    }

    /// Most downloads that ever run at once.
    pub(super) fn downloads_max(&self) -> usize {
        self.admission.tests_max()
    }

    fn respond(&self, request: &Request<Incoming>, caller: &Caller) -> Response<Body> {
        let size = tonle_wire::files::file_size(request.uri().path());
        let Some(size) = size.filter(|_| self.is_offered && request.method() == Method::GET) else {
            FilesCounters::count(&self.counters.refused_requests);
            let text = plain_text(StatusCode::NOT_FOUND, "there is no such file");
            return text.map(body::whole);
        };
        if let Some(place) = self.place.as_ref().filter(|place| !is_at(request, place)) {
            return sent_to(place, request.uri().path());
        }
        match self.admission.admit(Direction::Download, caller.peer.ip()) {
            Ok(permit) => self.file(size, permit, caller),
            Err(no_room) => self.refuse(no_room),
        }
    }

    fn file(&self, size: u64, permit: Permit, caller: &Caller) -> Response<Body> {
        let wanted = self.congestion_control.as_deref();
        caller.kernel.use_congestion_control(wanted);
        FilesCounters::count(&self.counters.begun);
        let content = Noise::new(self.noise.clone(), size, permit);
        let mut response = Response::new(content.boxed());
        let headers = response.headers_mut();
        let archive = HeaderValue::from_static("application/zip");
        headers.insert(header::CONTENT_TYPE, archive);
        response
    }

    fn refuse(&self, no_room: NoRoom) -> Response<Body> {
        let (counter, status) = match no_room {
            NoRoom::Overload => (
                &self.counters.refused_overload,
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            NoRoom::Source => (&self.counters.refused_source, StatusCode::TOO_MANY_REQUESTS),
        };
        FilesCounters::count(counter);
        let mut response = plain_text(status, "too many downloads at once; try later");
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
        response.map(body::whole)
    }
}

/// Whether a request came to a place by its name and port.
fn is_at(request: &Request<Incoming>, place: &Url) -> bool {
    let by_header = request.headers().get(header::HOST);
    let named = by_header.and_then(|value| value.to_str().ok());
    let named = named.or(request.uri().authority().map(Authority::as_str));
    named.is_some_and(|named| {
        let url = Url::parse(&format!("{}://{named}/", place.scheme()));
        url.is_ok_and(|url| url.origin() == place.origin())
    })
}

fn sent_to(place: &Url, path: &str) -> Response<Body> {
    let mut to = place.clone();
    to.set_path(path);
    let mut response = plain_text(StatusCode::TEMPORARY_REDIRECT, "it is kept elsewhere");
    if let Ok(to) = HeaderValue::from_str(to.as_str()) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response.map(body::whole)
}

impl Door for Files {
    fn is_for(&self, path: &str) -> bool {
        path.starts_with(tonle_wire::files::FILES_PREFIX)
    }

    fn answer<'a>(&'a self, request: Request<Incoming>, caller: &'a Caller) -> Answering<'a> {
        let answer = Answer::Respond(self.respond(&request, caller));
        Box::pin(std::future::ready(answer))
    }
}
