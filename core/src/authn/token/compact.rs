//! Parsing of compact serialisations (RFC 7515, section 3.1).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::header::Header;
use crate::authn::refusal::TokenRefusal;

/// Maximum size of a token, in bytes.
pub const MAXIMUM_TOKEN_SIZE: usize = 16 * 1024;

/// A parsed token. Nothing in it is verified.
#[derive(Debug)]
pub(crate) struct Compact<'token> {
    /// Validated header.
    pub(crate) header: Header,
    /// Payload bytes.
    pub(crate) payload: Vec<u8>,
    /// Signed text.
    pub(crate) signing_input: &'token [u8],
    /// Signature bytes.
    pub(crate) signature: Vec<u8>,
}

impl<'token> Compact<'token> {
    /// Parses a token and validates its header.
    pub(crate) fn parse(token: &'token str) -> Result<Self, TokenRefusal> {
        if token.is_empty() {
            return Err(TokenRefusal::Missing);
        }
        if token.len() > MAXIMUM_TOKEN_SIZE {
            return Err(TokenRefusal::TooLarge);
        }
        let mut segments = token.split('.');
        let (header, payload, signature) = match (segments.next(), segments.next(), segments.next(), segments.count()) {
            (Some(header), Some(payload), Some(signature), 0) => (header, payload, signature),
            (Some(_), Some(_), Some(_), 2) => return Err(TokenRefusal::Encrypted),
            _ => return Err(TokenRefusal::Malformed("it must have three segments separated by dots".into())),
        };
        // The header comes first, so that unsigned and symmetric tokens are reported as such whatever their signature
        // is.
        let header = Header::parse(&decode(header, "header")?)?;
        let signing_input = token.as_bytes().get(..token.len() - signature.len() - 1).unwrap_or_default();
        Ok(Self {
            header,
            payload: decode(payload, "payload")?,
            signing_input,
            signature: decode(signature, "signature")?,
        })
    }
}

/// Decodes unpadded base64url. Trailing bits must be zero, so that a token has only one spelling.
fn decode(segment: &str, name: &'static str) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenRefusal::Encoding(name))
}
