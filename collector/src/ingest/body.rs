//! The body of a batch: bounded on the wire, bounded again when decompressed, then cut into lines.
use crate::web::ApiError;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use futures_util::StreamExt;
use std::io::{self, Read};
use tonle_evidence::envelope::BATCH_MAX_LINES;

/// Most bytes of a body on the wire.
pub const BODY_MAX_BYTES: usize = 8 << 20;
/// Most bytes of a body after decompression.
pub const DECODED_MAX_BYTES: usize = 32 << 20;
/// Largest window that a zstd frame may ask memory for, as a power of two: 8 MiB, which is what
/// decoders must support by RFC 8878.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Media type of a batch.
pub const NDJSON: &str = "application/x-ndjson";

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Checks what the headers say of the body.
pub fn encoding_of(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = header(CONTENT_TYPE).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(NDJSON) {
        let detail = format!("send records as content type {NDJSON}, one JSON object per line");
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    coding_of(headers)
}

/// Checks what the headers say of the body's coding, whatever its type.
pub fn coding_of(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match header(CONTENT_ENCODING).unwrap_or("identity").trim() {
        "identity" | "" => Ok(Encoding::Identity),
        "gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        _ => Err(ApiError::UnsupportedMediaType(
            "content-encoding must be identity, gzip or zstd".to_owned(),
        )),
    }
}

fn too_large(what: &str, max: usize) -> ApiError {
    let detail = format!("{what} is larger than {max}; send smaller batches");
    ApiError::TooLarge(detail)
}

/// Reads at most `max_bytes` of a body.
pub async fn read(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > max_bytes) {
        return Err(too_large("the body in bytes", max_bytes));
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or(0));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|_| ApiError::BadRequest("the body ended early; send it again".to_owned()))?;
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large("the body in bytes", max_bytes));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Decompresses, giving up as soon as more than [`DECODED_MAX_BYTES`] come out.
pub fn decode(encoding: Encoding, bytes: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    let decoded = match encoding {
        Encoding::Identity => return Ok(bytes),
        Encoding::Gzip => bounded(flate2::read::MultiGzDecoder::new(bytes.as_slice())),
        Encoding::Zstd => zstd_decoder(&bytes).and_then(bounded),
    };
    let decoded = decoded.map_err(|_| {
        ApiError::Unprocessable("the body does not decompress; send it again".to_owned())
    })?;
    if decoded.len() > DECODED_MAX_BYTES {
        return Err(too_large(
            "the decompressed body in bytes",
            DECODED_MAX_BYTES,
        ));
    }
    Ok(decoded)
}

fn zstd_decoder(bytes: &[u8]) -> io::Result<zstd::Decoder<'_, &[u8]>> {
    let mut decoder = zstd::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// At most one byte more than allowed, so that the caller can tell.
fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    reader
        .take(DECODED_MAX_BYTES as u64 + 1)
        .read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// The non-empty lines of a batch, in order.
pub fn lines(batch: &[u8]) -> Result<Vec<&[u8]>, ApiError> {
    let lines: Vec<&[u8]> = batch
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .take(BATCH_MAX_LINES + 1)
        .collect();
    if lines.is_empty() {
        let detail = "the batch has no line; send one JSON object per line";
        return Err(ApiError::Unprocessable(detail.to_owned()));
    }
    if lines.len() > BATCH_MAX_LINES {
        return Err(too_large("the number of lines", BATCH_MAX_LINES));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn status<T>(result: Result<T, ApiError>) -> u16 {
        result.err().unwrap().status().as_u16()
    }

    #[test]
    fn a_decompression_bomb_is_refused_as_too_large() {
        let zeros = vec![0; DECODED_MAX_BYTES + 1];
        let bomb = zstd::encode_all(zeros.as_slice(), 1).unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(status(decode(Encoding::Zstd, bomb)), 413);
        assert_eq!(status(decode(Encoding::Gzip, gzip(&zeros))), 413);
    }

    #[test]
    fn a_frame_that_asks_for_a_huge_window_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&vec![7; 1 << 20]).unwrap();
        let frame = encoder.finish().unwrap();
        assert_eq!(status(decode(Encoding::Zstd, frame)), 422);
    }

    #[test]
    fn more_lines_than_allowed_are_refused_and_empty_ones_not_counted() {
        let line = b"{}\r\n\n".repeat(BATCH_MAX_LINES);
        assert_eq!(lines(&line).unwrap().len(), BATCH_MAX_LINES);
        let more = [line, b"{}".to_vec()].concat();
        assert_eq!(status(lines(&more)), 413);
        assert_eq!(status(lines(b"\n \r\n")), 422);
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            let zstd = zstd::encode_all(bytes.as_slice(), 3).unwrap();
            prop_assert_eq!(&decode(Encoding::Zstd, zstd).unwrap(), &bytes);
            prop_assert_eq!(&decode(Encoding::Gzip, gzip(&bytes)).unwrap(), &bytes);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = decode(Encoding::Zstd, bytes.clone());
            let _ = decode(Encoding::Gzip, bytes.clone());
            let _ = lines(&bytes);
        }
    }
}
