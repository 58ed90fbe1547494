//! Private keys of the development issuer.

use std::{io::Write, path::Path};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self as aws, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    authn::token::{Algorithm, KeyFamily},
    error::{Code, Error, Result},
};

/// A private key and its published part.
#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) family: KeyFamily,
    pub(super) key_id: String,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Rsa(Box<RsaKeyPair>),
    Elliptic(Box<EcdsaKeyPair>),
    Edwards(Box<Ed25519KeyPair>),
}

impl SigningKey {
    pub(super) fn generate(family: KeyFamily) -> Result<Self> {
        let pair = match family {
            KeyFamily::Rsa => Pair::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).map_err(unusable)?)),
            KeyFamily::P256 => Pair::Elliptic(Box::new(
                EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(unusable)?,
            )),
            KeyFamily::P384 => Pair::Elliptic(Box::new(
                EcdsaKeyPair::generate(&aws::ECDSA_P384_SHA384_FIXED_SIGNING).map_err(unusable)?,
            )),
            KeyFamily::Ed25519 => Pair::Edwards(Box::new(Ed25519KeyPair::generate().map_err(unusable)?)),
        };
        Ok(Self::new(family, pair))
    }

    /// Loads the RSA key in a file, or generates one there, readable by its owner only.
    pub(super) fn load_or_generate(path: &Path) -> Result<Self> {
        match std::fs::read(path) {
            Ok(der) => {
                let pair = RsaKeyPair::from_pkcs8(&der).map_err(|error| {
                    file_error(path, "holds no RSA key in PKCS#8 (DER); remove it to get a new one", error)
                })?;
                Ok(Self::new(KeyFamily::Rsa, Pair::Rsa(Box::new(pair))))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(unusable)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(unusable)?;
                write_private(path, der.as_ref()).map_err(|error| file_error(path, "cannot be written", error))?;
                Ok(Self::new(KeyFamily::Rsa, Pair::Rsa(Box::new(pair))))
            }
            Err(error) => Err(file_error(path, "cannot be read", error)),
        }
    }

    fn new(family: KeyFamily, pair: Pair) -> Self {
        let mut key = Self { family, key_id: String::new(), pair };
        // Derived from the public key, so that a reloaded key keeps its `kid`.
        let digest = Sha256::digest(key.public_jwk().to_string());
        key.key_id = URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect();
        key
    }

    /// Returns the public key as a JWK (RFC 7517). RSA keys carry no `alg`: they serve RS* and PS*.
    pub(super) fn public_jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Pair::Elliptic(pair) => {
                // Uncompressed point: 4, then both coordinates at full width (SEC 1, section 2.3.3).
                let (_, point) = pair.public_key().as_ref().split_at(1);
                let (x, y) = point.split_at(point.len() / 2);
                let (curve, algorithm) =
                    if self.family == KeyFamily::P256 { ("P-256", "ES256") } else { ("P-384", "ES384") };
                json!({ "kty": "EC", "crv": curve, "alg": algorithm, "x": encode(x), "y": encode(y) })
            }
            Pair::Edwards(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": encode(pair.public_key().as_ref()) })
            }
        };
        if let Some(members) = jwk.as_object_mut() {
            members.insert("use".to_owned(), json!("sig"));
            members.insert("kid".to_owned(), json!(self.key_id));
        }
        jwk
    }

    /// Signs a message; `None` when the key does not serve the algorithm.
    pub(super) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        if algorithm.family() != self.family {
            return None;
        }
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding: &'static dyn aws::RsaEncoding = match algorithm {
                    Algorithm::Rs384 => &aws::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &aws::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &aws::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &aws::RSA_PSS_SHA384,
                    Algorithm::Ps512 => &aws::RSA_PSS_SHA512,
                    _ => &aws::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Elliptic(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Edwards(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn file_error(path: &Path, advice: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("the signing key `{}` {advice}", path.display());
    Error::new(Code::INVALID_SETTING, message).with_source(error)
}

fn unusable(error: aws_lc_rs::error::Unspecified) -> Error {
    Error::internal("a signing key could not be made").with_source(error)
}
