//! A file or standard input, decompressed as its first bytes say, and bounded.
use crate::ingest::body::ZSTD_WINDOW_LOG_MAX;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Most bytes that a compressed file may expand to: 16 GiB, a hundred times a day of one country.
const DECODED_MAX_BYTES: u64 = 16 << 30;
/// First bytes of a gzip member (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// First bytes of a zstd frame (RFC 8878, 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return decoded(io::stdin().lock(), DECODED_MAX_BYTES);
    }
    decoded(File::open(path)?, DECODED_MAX_BYTES)
}

/// Decompresses `raw` if it is compressed, to at most `max_bytes`.
pub(super) fn decoded<R: Read + 'static>(
    mut raw: R,
    max_bytes: u64,
) -> io::Result<Box<dyn BufRead>> {
    let mut head = Vec::new();
    raw.by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut head)?;
    let is_gzip = head.starts_with(&GZIP);
    let is_zstd = head.starts_with(&ZSTD);
    let whole = BufReader::new(Cursor::new(head).chain(raw));
    if is_gzip {
        let decoder = flate2::bufread::MultiGzDecoder::new(whole);
        return Ok(Box::new(BufReader::new(Bounded::new(decoder, max_bytes))));
    }
    if is_zstd {
        let mut decoder = zstd::Decoder::with_buffer(whole)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        return Ok(Box::new(BufReader::new(Bounded::new(decoder, max_bytes))));
    }
    Ok(Box::new(whole))
}

/// A reader that fails once more than its bound has come out.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, max_bytes: u64) -> Self {
        Self {
            inner,
            left: max_bytes,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("it expands to more than is read; split it"))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd_of(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    fn read(bytes: Vec<u8>, max_bytes: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decoded(Cursor::new(bytes), max_bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn plain_gzip_and_zstd_are_told_by_their_first_bytes() {
        let text = b"{}\n{}\n".repeat(50);
        for bytes in [
            text.clone(),
            gzip(&text),
            zstd_of(&text),
            [gzip(&text[..150]), gzip(&text[150..])].concat(),
            [zstd_of(&text[..150]), zstd_of(&text[150..])].concat(),
        ] {
            assert_eq!(read(bytes, 1_000).unwrap(), text);
        }
        assert_eq!(read(b"{".to_vec(), 10).unwrap(), b"{");
        assert_eq!(read(Vec::new(), 10).unwrap(), b"");
    }

    #[test]
    fn a_decompression_bomb_ends_at_the_bound() {
        let zeros = vec![0; 1 << 20];
        for bomb in [gzip(&zeros), zstd_of(&zeros)] {
            let error = read(bomb, 1 << 16).unwrap_err();
            assert!(error.to_string().contains("expands"), "{error}");
        }
        assert_eq!(read(zeros.clone(), 10).unwrap(), zeros);
    }

    #[test]
    fn a_broken_stream_is_an_error() {
        let mut cut = gzip(&vec![7; 5_000]);
        cut.truncate(cut.len() / 2);
        assert!(read(cut, 1 << 20).is_err());
    }
}
