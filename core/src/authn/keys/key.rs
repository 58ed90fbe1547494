//! Public keys and their fitness (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).

use aws_lc_rs::signature::{self as primitive, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::{roca, thumbprint};
use crate::authn::{
    refusal::KeyFault,
    token::{Algorithm, KeyFamily, KeyThumbprint},
};

/// Sizes of RSA moduli, in bits. aws-lc verifies nothing larger.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// Members that mean nothing as an empty list, which some libraries write.
const LISTS: [&str; 3] = ["key_ops", "oth", "x5c"];

/// Members present in a JWK. Libraries that serialize every member, such as .NET's, write absent ones as `null` or as
/// an empty list.
#[derive(Debug)]
struct Members(Map<String, Value>);

impl Members {
    fn new(mut jwk: Map<String, Value>) -> Self {
        jwk.retain(|name, value| match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty() || !LISTS.contains(&name.as_str()),
            _ => true,
        });
        Self(jwk)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn optional_text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` is not a string")),
        }
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        self.optional_text(name)?.ok_or_else(|| match self.get("x5c") {
            // RFC 7517, section 4.7: a certificate supplements the members of the key and does not replace them.
            Some(_) => format!("`{name}` is missing, and `x5c` does not stand for it"),
            None => format!("`{name}` is missing"),
        })
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, String> {
        URL_SAFE_NO_PAD.decode(self.text(name)?).map_err(|_| format!("`{name}` is not unpadded base64url"))
    }
}

/// Reasons why a JWK is not usable.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// Reason given to tokens signed by the key.
    pub(crate) fault: KeyFault,
    /// Text for the log and `dezky doctor`.
    pub(crate) reason: String,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self { fault: KeyFault::Algorithm, reason }
    }
}

/// A public key that can verify signatures.
#[derive(Debug)]
pub(crate) struct Key {
    /// `kid`.
    pub(crate) key_id: Option<String>,
    /// Thumbprint of the key, independent of its `kid`.
    pub(crate) thumbprint: KeyThumbprint,
    family: KeyFamily,
    /// `alg`: the only algorithm that the key serves.
    only: Option<Algorithm>,
    prepared: Prepared,
}

/// Key in the form that verification needs.
///
/// jsonwebtoken rebuilds an RSA key from its numbers for each signature, a cost that is visible beside fast RSA
/// verification. So RSA keys are parsed once by aws-lc-rs, for each algorithm, because a parsed key serves one.
#[derive(Debug)]
enum Prepared {
    Rsa(Vec<(Algorithm, ParsedPublicKey)>),
    Other(DecodingKey),
}

impl Key {
    /// Parses a JWK, or returns why it is unfit.
    pub(crate) fn from_jwk(jwk: Map<String, Value>) -> Result<Self, Unfit> {
        let jwk = Members::new(jwk);
        let key_id = jwk.optional_text("kid")?.map(str::to_owned);
        check_purpose(&jwk)?;
        let (family, thumbprint, prepared) = match jwk.text("kty")? {
            "RSA" => rsa(&jwk)?,
            "EC" => elliptic(&jwk)?,
            "OKP" => edwards(&jwk)?,
            "oct" => return Err("a symmetric key, which must never be published".to_owned().into()),
            _ => return Err("`kty` is not understood".to_owned().into()),
        };
        let only = match jwk.optional_text("alg")? {
            None => None,
            Some(name) => match Algorithm::from_name(name) {
                Some(algorithm) if algorithm.family() == family => Some(algorithm),
                Some(_) => return Err("`alg` does not fit `kty` and `crv`".to_owned().into()),
                None => return Err("`alg` is not accepted".to_owned().into()),
            },
        };
        Ok(Self { key_id, thumbprint, family, only, prepared })
    }

    /// Returns whether this is the same key, under the same `kid` and algorithm.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint && self.key_id == other.key_id && self.only == other.only
    }

    /// Returns the only algorithm that the key serves, if it is restricted to one (`alg`).
    pub(crate) fn only(&self) -> Option<Algorithm> {
        self.only
    }

    /// Returns whether the key serves this algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.family == algorithm.family() && self.only.is_none_or(|only| only == algorithm)
    }

    /// Verifies a signature of a message.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match &self.prepared {
            Prepared::Rsa(keys) => {
                let key = keys.iter().find(|(prepared, _)| *prepared == algorithm);
                return key.is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok());
            }
            Prepared::Other(key) => key,
        };
        let algorithm = match algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            _ => return false,
        };
        let verifier = (jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm, key);
        verifier.is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}

/// RSA algorithms in aws-lc-rs.
const RSA_ALGORITHMS: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::Rs256, &primitive::RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::Rs384, &primitive::RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::Rs512, &primitive::RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::Ps256, &primitive::RSA_PSS_2048_8192_SHA256),
    (Algorithm::Ps384, &primitive::RSA_PSS_2048_8192_SHA384),
    (Algorithm::Ps512, &primitive::RSA_PSS_2048_8192_SHA512),
];

/// Checks `use` and `key_ops`, and that no private part was published: anyone who read it can sign.
fn check_purpose(jwk: &Members) -> Result<(), Unfit> {
    let other = |reason: &str| Unfit { fault: KeyFault::Purpose, reason: reason.to_owned() };
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(other("`use` is not `sig`"));
    }
    match jwk.get("key_ops") {
        None => {}
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => {}
        Some(_) => return Err(other("`key_ops` lacks `verify`")),
    }
    match ["d", "p", "q", "dp", "dq", "qi", "oth"].into_iter().find(|name| jwk.get(name).is_some()) {
        Some(name) => Err(format!("`{name}` publishes the private key: replace it").into()),
        None => Ok(()),
    }
}

type Material = (KeyFamily, KeyThumbprint, Prepared);

fn rsa(jwk: &Members) -> Result<Material, Unfit> {
    let modulus = unsigned(&jwk.bytes("n")?);
    let exponent = unsigned(&jwk.bytes("e")?);
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        let reason = format!("an RSA key of {bits} bits: 2048 to 8192 are accepted");
        return Err(Unfit { fault: KeyFault::Size, reason });
    }
    if roca::is_weak(&modulus) {
        let reason = "an RSA key that can be broken (ROCA, CVE-2017-15361): replace it".to_owned();
        return Err(Unfit { fault: KeyFault::Weak, reason });
    }
    // Even exponents are invalid, 1 signs nothing, and aws-lc accepts at most 33 bits.
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
    if !odd || exponent == [1] || exponent.len() > 4 {
        return Err("`e` is not acceptable".to_owned().into());
    }
    let components = RsaPublicKeyComponents { n: &modulus, e: &exponent };
    let prepare = |(algorithm, parameters)| Ok((algorithm, components.to_parsed_public_key(parameters)?));
    let prepared: Result<_, aws_lc_rs::error::KeyRejected> = RSA_ALGORITHMS.into_iter().map(prepare).collect();
    let prepared = prepared.map_err(|_| "`n` and `e` are no RSA key".to_owned())?;
    Ok((KeyFamily::Rsa, thumbprint::rsa(&modulus, &exponent), Prepared::Rsa(prepared)))
}

fn elliptic(jwk: &Members) -> Result<Material, String> {
    let curve = jwk.text("crv")?;
    let (family, length, algorithm) = match curve {
        "P-256" => (KeyFamily::P256, 32, &primitive::ECDSA_P256_SHA256_FIXED),
        "P-384" => (KeyFamily::P384, 48, &primitive::ECDSA_P384_SHA384_FIXED),
        _ => return Err("`crv` is not accepted".to_owned()),
    };
    let (Some(x), Some(y)) = (padded(&jwk.bytes("x")?, length), padded(&jwk.bytes("y")?, length)) else {
        return Err("`x` or `y` is longer than the curve's coordinates".to_owned());
    };
    // Uncompressed point (SEC 1, section 2.3.3).
    let point = [&[4][..], &x, &y].concat();
    if ParsedPublicKey::new(algorithm, &point).is_err() {
        return Err("`x` and `y` are no point of the curve".to_owned());
    }
    Ok((family, thumbprint::elliptic(curve, &x, &y), Prepared::Other(DecodingKey::from_ec_der(&point))))
}

fn edwards(jwk: &Members) -> Result<Material, String> {
    if jwk.text("crv")? != "Ed25519" {
        return Err("`crv` is not accepted".to_owned());
    }
    let x = jwk.bytes("x")?;
    if x.len() != 32 {
        return Err("`x` does not have 32 bytes".to_owned());
    }
    Ok((KeyFamily::Ed25519, thumbprint::edwards(&x), Prepared::Other(DecodingKey::from_ed_der(&x))))
}

/// Strips leading zeros, which some providers write.
fn unsigned(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// Pads or strips leading zeros to a fixed length. RFC 7518, section 6.2.1.2, demands them, but some providers omit
/// them or write one too many; the number is the same.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = unsigned(number);
    let zeros = length.checked_sub(number.len())?;
    Some([vec![0; zeros], number].concat())
}
