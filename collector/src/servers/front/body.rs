//! What a response carries: text at hand, or bytes that are made while they are sent.
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use std::io;

/// The content of a response. An error in it breaks the response off, so that nobody takes a part
/// for the whole.
pub(in crate::servers) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Content at hand.
pub(in crate::servers) fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}
