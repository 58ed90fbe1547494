//! Thumbprints of public keys (RFC 7638, section 3; RFC 8037, section 2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::authn::token::KeyThumbprint;

pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> KeyThumbprint {
    digest(&format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(exponent), encode(modulus)))
}

pub(super) fn elliptic(curve: &str, x: &[u8], y: &[u8]) -> KeyThumbprint {
    digest(&format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y)))
}

pub(super) fn edwards(x: &[u8]) -> KeyThumbprint {
    digest(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)))
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn digest(canonical: &str) -> KeyThumbprint {
    KeyThumbprint(Sha256::digest(canonical).into())
}
