//! Tokens: signed ones with arbitrary headers and claims, and arbitrary texts.
//!
//! The header is before the first NUL byte, the claims after it. Both are signed with the issuer's key, so that the
//! checks after the signature are reached. The whole input is also tried as a token, which must never be accepted.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dezky::{
    ErrorKind,
    authn::{
        IssuerSettings, Profile,
        keys::KeySet,
        token::{Algorithm, KeyFamily, LEEWAY, MAXIMUM_TOKEN_LIFE, MAXIMUM_TOKEN_SIZE, unverified_payload},
        verify_signature, verify_with,
    },
    clock::Timestamp,
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions},
};

/// 2026-03-01T12:00:00Z, as in the shared cases.
const NOW: Timestamp = Timestamp::from_seconds(1_772_366_400);

struct Fixture {
    issuer: DevelopmentIssuer,
    settings: IssuerSettings,
    keys: KeySet,
    key_id: String,
    /// The runtime that the issuer runs on.
    _runtime: tokio::runtime::Runtime,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let options = DevelopmentIssuerOptions { family: KeyFamily::Ed25519, ..Default::default() };
    let issuer = runtime.block_on(DevelopmentIssuer::start_with(options)).expect("an issuer");
    let keys = KeySet::from_json(issuer.jwks().to_string().as_bytes()).expect("its keys");
    let mut settings = IssuerSettings::new("default", "https://auth.example.eu/", "dezky");
    settings.profile = Profile::Any;
    let key_id = issuer.key_id(Algorithm::EdDsa);
    Fixture { issuer, settings, keys, key_id, _runtime: runtime }
});

/// Checks a token from the two halves, and the whole input as a token.
pub fn check(data: &[u8]) {
    let fixture = &*FIXTURE;
    if let Ok(text) = std::str::from_utf8(data) {
        let outcome = verify_with(&fixture.settings, &fixture.keys, NOW, text);
        assert!(outcome.is_err(), "a token that nobody signed is accepted");
        refused(&outcome.expect_err("refused"));
        let _ = unverified_payload(text);
    }
    let (header, claims) = super::halves(data);
    let Ok(header) = std::str::from_utf8(header) else { return };
    let header = header.replace("KID", &fixture.key_id);
    let token = fixture.issuer.mint_raw(&header, claims, Algorithm::EdDsa);
    let signed = verify_signature(&token, &fixture.keys);
    match verify_with(&fixture.settings, &fixture.keys, NOW, &token) {
        Err(error) => refused(&error),
        Ok(accepted) => {
            assert!(token.len() <= MAXIMUM_TOKEN_SIZE);
            assert_eq!(signed.expect("an accepted token is signed"), claims, "the payload is what was signed");
            let segments: Vec<&str> = token.split('.').collect();
            assert_eq!(segments.len(), 3);
            for segment in segments {
                let bytes = URL_SAFE_NO_PAD.decode(segment).expect("canonical base64url");
                assert_eq!(URL_SAFE_NO_PAD.encode(bytes), segment, "a token has one spelling");
            }
            assert!((1..=255).contains(&accepted.subject.len()) && !accepted.subject.chars().any(char::is_control));
            assert!(accepted.issued_at <= NOW.plus(LEEWAY) && NOW < accepted.expires_at.plus(LEEWAY));
            assert!(accepted.issued_at < accepted.expires_at);
            assert!(accepted.expires_at <= accepted.issued_at.plus(MAXIMUM_TOKEN_LIFE));
            assert!(accepted.not_before.is_none_or(|start| start <= NOW.plus(LEEWAY)));
            assert!(accepted.email.as_deref().is_none_or(is_plain) && accepted.name.as_deref().is_none_or(is_plain));
            altered(&token);
        }
    }
}

/// Asserts that a token with one changed bit of its signature is refused.
fn altered(token: &str) {
    let (rest, signature) = token.rsplit_once('.').expect("three segments");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("canonical base64url");
    if let Some(byte) = bytes.first_mut() {
        *byte ^= 1;
    }
    let altered = format!("{rest}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert!(verify_with(&FIXTURE.settings, &FIXTURE.keys, NOW, &altered).is_err());
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text == text.trim() && !text.chars().any(char::is_control)
}

/// Asserts that a refusal is one of the token errors, with a code.
fn refused(error: &dezky::Error) {
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.code().starts_with("token_"), "{}", error.code());
    assert!(!error.message().is_empty());
}
