//! Tests that no input panics, and that only genuine tokens verify.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::LazyLock;

use dezky::{
    authn::{IssuerSettings, keys::KeySet, verify_with},
    clock::{Clock, SystemClock},
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions},
};
use proptest::prelude::*;

struct Genuine {
    settings: IssuerSettings,
    keys: KeySet,
    token: String,
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let family = dezky::authn::token::KeyFamily::Ed25519;
        let options = DevelopmentIssuerOptions { family, ..Default::default() };
        let issuer = DevelopmentIssuer::start_with(options).await.unwrap();
        let keys = KeySet::from_json(issuer.jwks().to_string().as_bytes()).unwrap();
        let token = issuer.mint(&issuer.claims("alice"));
        Genuine { settings: issuer.settings("default"), keys, token }
    })
});

fn verifies(token: &str) -> bool {
    verify_with(&GENUINE.settings, &GENUINE.keys, SystemClock.now(), token).is_ok()
}

/// Uses a fixed seed, so that failures are reproducible.
fn settings() -> ProptestConfig {
    ProptestConfig {
        rng_seed: proptest::test_runner::RngSeed::Fixed(5),
        failure_persistence: None,
        ..Default::default()
    }
}

#[test]
fn the_genuine_token_verifies() {
    assert!(verifies(&GENUINE.token));
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn arbitrary_text_never_verifies(text in any::<String>()) {
        prop_assert!(!verifies(&text));
    }

    #[test]
    fn arbitrary_segments_never_verify(text in "[A-Za-z0-9_-]{0,60}(\\.[A-Za-z0-9_-]{0,60}){0,5}") {
        prop_assert!(!verifies(&text));
    }

    #[test]
    fn mutated_tokens_never_verify(position in any::<prop::sample::Index>(), replacement in any::<char>()) {
        let mut characters: Vec<char> = GENUINE.token.chars().collect();
        let position = position.index(characters.len());
        prop_assume!(characters[position] != replacement);
        characters[position] = replacement;
        prop_assert!(!verifies(&characters.into_iter().collect::<String>()));
    }

    #[test]
    fn shortened_and_lengthened_tokens_never_verify(length in any::<prop::sample::Index>(), more in "[A-Za-z0-9_.=-]{1,8}") {
        let length = length.index(GENUINE.token.len());
        prop_assert!(!verifies(&GENUINE.token[..length]));
        let lengthened = format!("{}{}", GENUINE.token, more);
        prop_assert!(!verifies(&lengthened));
    }

    #[test]
    fn arbitrary_key_sets_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), member in "[a-z_]{1,7}", value in any::<i64>()) {
        let _ = KeySet::from_json(&bytes);
        let set = serde_json::json!({ "keys": [{ "kty": "RSA", "n": String::from_utf8_lossy(&bytes), "e": "AQAB", member: value }] });
        prop_assert!(KeySet::from_json(set.to_string().as_bytes()).is_err());
    }
}
