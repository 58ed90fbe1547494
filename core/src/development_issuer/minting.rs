//! Tokens of the development issuer: genuine ones and forgeries.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Claims, DevelopmentIssuer, signing_key::SigningKey};
use crate::authn::token::{Algorithm, KeyFamily};

impl DevelopmentIssuer {
    /// Returns claims of an access token as Authentik writes them, valid for five minutes from now.
    #[must_use]
    pub fn claims(&self, subject: &str) -> Claims {
        Claims::new(self.url(), self.audience(), subject, self.clock.now())
    }

    /// Mints a token with these claims, signed with the newest key and its usual algorithm (RS256 for RSA).
    #[must_use]
    pub fn mint(&self, claims: &impl Serialize) -> String {
        let keys = self.state.keys();
        let Some(key) = keys.last() else { return String::new() };
        let algorithm = usual_algorithm(key.family);
        let header = json!({ "alg": algorithm.name(), "kid": key.key_id, "typ": "JWT" });
        sign(key, algorithm, &header.to_string(), text(claims).as_bytes())
    }

    /// Mints a token with exactly this header, signed with the newest key for the algorithm.
    ///
    /// The header need not match the algorithm. A missing key is generated and published.
    #[must_use]
    pub fn mint_with(&self, header: &impl Serialize, claims: &impl Serialize, algorithm: Algorithm) -> String {
        self.mint_raw(&text(header), text(claims).as_bytes(), algorithm)
    }

    /// Mints a token of these raw bytes, signed likewise.
    #[must_use]
    pub fn mint_raw(&self, header: &str, payload: &[u8], algorithm: Algorithm) -> String {
        let _ = self.key_id(algorithm);
        let keys = self.state.keys();
        match keys.iter().rfind(|key| key.family == algorithm.family()) {
            Some(key) => sign(key, algorithm, header, payload),
            None => String::new(),
        }
    }

    /// Returns the `kid` of the newest key for an algorithm. A missing key is generated and published.
    #[must_use]
    pub fn key_id(&self, algorithm: Algorithm) -> String {
        let keys = self.state.keys();
        if let Some(key) = keys.iter().rfind(|key| key.family == algorithm.family()) {
            return key.key_id.clone();
        }
        match SigningKey::generate(algorithm.family()) {
            Ok(key) => {
                let key_id = key.key_id.clone();
                self.state.add_key(key);
                key_id
            }
            // Tokens without a signature fail every test that needs one.
            Err(_) => String::new(),
        }
    }

    /// Returns the usual header of a token for this algorithm.
    #[must_use]
    pub fn header(&self, algorithm: Algorithm) -> Value {
        json!({ "alg": algorithm.name(), "kid": self.key_id(algorithm), "typ": "JWT" })
    }

    /// Forges a token with `alg: none` and no signature.
    #[must_use]
    pub fn forge_unsigned(&self, claims: &impl Serialize) -> String {
        let header = json!({ "alg": "none", "typ": "JWT" });
        format!("{}.", signing_input(&header.to_string(), text(claims).as_bytes()))
    }

    /// Forges an HS256 token that uses the public key as its secret.
    #[must_use]
    pub fn forge_symmetric(&self, claims: &impl Serialize) -> String {
        let keys = self.state.keys();
        let Some(key) = keys.last() else { return String::new() };
        let header = json!({ "alg": "HS256", "kid": key.key_id, "typ": "JWT" });
        let input = signing_input(&header.to_string(), text(claims).as_bytes());
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_jwk().to_string().as_bytes());
        let signature = hmac::sign(&secret, input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Forges a token signed with another key under the published `kid`.
    #[must_use]
    pub fn forge_signature(&self, claims: &impl Serialize) -> String {
        let keys = self.state.keys();
        let Some(key) = keys.last() else { return String::new() };
        let Ok(stranger) = SigningKey::generate(key.family) else { return String::new() };
        let algorithm = usual_algorithm(key.family);
        let header = json!({ "alg": algorithm.name(), "kid": key.key_id, "typ": "JWT" });
        sign(&stranger, algorithm, &header.to_string(), text(claims).as_bytes())
    }

    /// Mints a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4) for a subject, a session or both.
    #[must_use]
    pub fn logout_claims(&self, token_id: &str, subject: Option<&str>, session: Option<&str>) -> Claims {
        let mut claims = self.claims("");
        for name in ["azp", "uid", "auth_time", "email", "email_verified", "name", "groups", "sub", "sid"] {
            claims = claims.without(name);
        }
        claims = claims
            .with("jti", token_id)
            .with("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        if let Some(subject) = subject {
            claims = claims.with("sub", subject);
        }
        if let Some(session) = session {
            claims = claims.with("sid", session);
        }
        claims
    }
}

fn usual_algorithm(family: KeyFamily) -> Algorithm {
    match family {
        KeyFamily::Rsa => Algorithm::Rs256,
        KeyFamily::P256 => Algorithm::Es256,
        KeyFamily::P384 => Algorithm::Es384,
        KeyFamily::Ed25519 => Algorithm::EdDsa,
    }
}

fn sign(key: &SigningKey, algorithm: Algorithm, header: &str, payload: &[u8]) -> String {
    let input = signing_input(header, payload);
    // A token without a signature fails every test that needs one.
    let signature = key.sign(algorithm, input.as_bytes()).unwrap_or_default();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signing_input(header: &str, payload: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// Serializes to JSON. A value that cannot be JSON is a defect of the test and yields a token that is refused.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
