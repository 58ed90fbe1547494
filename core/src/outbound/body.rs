//! Response bodies, bounded while received and again while decompressed.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use reqwest::Response;

/// Maximum number of encodings of one body; nobody uses two.
const MAXIMUM_ENCODINGS: usize = 2;

/// Reasons why a body is unavailable.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection broke or timed out.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    /// The body exceeds the limit, received or decompressed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// `Content-Encoding` is unknown.
    #[error("the body has a `Content-Encoding` that was not asked for and is not known")]
    Encoding,
    /// The data does not match `Content-Encoding`.
    #[error("the body is not what its `Content-Encoding` says: {0}")]
    Undecodable(std::io::Error),
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
}

/// Reads a response body up to a size limit, and decompresses it (RFC 9110, section 8.4).
///
/// Some servers compress with gzip or deflate unasked.
///
/// # Errors
/// [`BodyError`] when the body is unavailable.
pub(super) async fn bounded(mut response: Response, headers: &HeaderMap, limit: usize) -> Result<Bytes, BodyError> {
    let codings = codings(headers)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(BodyError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    for coding in codings.into_iter().rev() {
        body = decompressed(coding, &body, limit)?;
    }
    Ok(body.into())
}

/// Encodings applied to a body, in order.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, BodyError> {
    let mut codings = Vec::new();
    for value in headers.get_all(http::header::CONTENT_ENCODING) {
        for name in value.to_str().map_err(|_| BodyError::Encoding)?.split(',') {
            match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "deflate" => codings.push(Coding::Deflate),
                _ => return Err(BodyError::Encoding),
            }
        }
    }
    if codings.len() > MAXIMUM_ENCODINGS { Err(BodyError::Encoding) } else { Ok(codings) }
}

fn decompressed(coding: Coding, body: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    match coding {
        Coding::Gzip => read(MultiGzDecoder::new(body), limit),
        // `deflate` means the zlib format, whose framing some servers omit (RFC 9110, section 8.4.1.2).
        Coding::Deflate if is_zlib(body) => read(ZlibDecoder::new(body), limit),
        Coding::Deflate => read(DeflateDecoder::new(body), limit),
    }
}

/// Returns `true` if data begins like the zlib format (RFC 1950, section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31),
        _ => false,
    }
}

fn read(decoder: impl Read, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    // One extra byte detects an excess, however large.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(most).read_to_end(&mut body).map_err(BodyError::Undecodable)?;
    if body.len() > limit { Err(BodyError::TooLarge(limit)) } else { Ok(body) }
}
