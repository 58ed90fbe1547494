//! Tests of keys that match a token, and of refused ones.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dezky::{
    authn::{keys::KeySet, token::Algorithm, verify_with},
    clock::Clock,
    test_kit::DevelopmentIssuer,
};
use serde_json::{Value, json};

use super::Fixture;

#[tokio::test]
async fn refuses_keys_that_do_not_fit() {
    let fixture = Fixture::new().await;
    let claims = fixture.claims();
    let token = fixture.issuer.mint(&claims);
    let es256 = fixture.issuer.jwks()["keys"][0].clone();
    let code = |keys: Value| match KeySet::from_json(json!({ "keys": keys }).to_string().as_bytes()) {
        Ok(keys) => {
            verify_with(&fixture.settings, &keys, fixture.clock.now(), &token).map_or_else(|e| e.code(), |_| "ok")
        }
        Err(_) => "no usable key",
    };
    let changed = |name: &str, value: Value| {
        let mut key = es256.clone();
        key[name] = value;
        key
    };
    // A usable key, so that the set is accepted.
    let other = changed("kid", json!("other"));
    assert_eq!(code(json!([es256])), "ok");
    assert_eq!(code(json!([es256, es256])), "ok");
    for (refusal, unfit) in [
        ("token_key_purpose", changed("use", json!("enc"))),
        ("token_key_purpose", changed("key_ops", json!(["sign"]))),
        ("token_key_purpose", changed("key_ops", json!("verify"))),
        ("token_key_unfit", changed("alg", json!("ES384"))),
        ("token_key_unfit", changed("alg", json!("HS256"))),
        ("token_key_unfit", changed("kty", json!("RSA"))),
        ("token_key_unfit", changed("crv", json!("P-384"))),
        ("token_key_unfit", changed("x", json!("AA"))),
        ("token_key_unfit", changed("x", es256["y"].clone())),
        ("token_key_unfit", changed("d", json!("AA"))),
    ] {
        assert_eq!(code(json!([unfit])), "no usable key", "{unfit}");
        assert_eq!(code(json!([unfit, other])), refusal, "{unfit}");
    }
    // A genuine key of another type under the same `kid` does not match this algorithm.
    let mut rsa_only = DevelopmentIssuer::start().await.unwrap().jwks()["keys"][0].clone();
    rsa_only["kid"] = es256["kid"].clone();
    assert_eq!(code(json!([rsa_only])), "token_key_unfit");
    // Another key under the same `kid`: either of them may have signed it.
    let mut twin = Fixture::new().await.issuer.jwks()["keys"][0].clone();
    twin["kid"] = es256["kid"].clone();
    assert_eq!(code(json!([es256, twin])), "ok");
    assert_eq!(code(json!([twin, es256])), "ok");
    assert_eq!(code(json!([twin])), "token_signature");
}

#[tokio::test]
async fn refuses_short_rsa_keys() {
    // 1024 and 2047 bits, and invalid exponents.
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff_u8; bits.div_ceil(8)];
        bytes[0] = 0xff >> (bytes.len() * 8 - bits);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let set = |n: String, e: &str| {
        KeySet::from_json(json!({ "keys": [{ "kty": "RSA", "n": n, "e": e }] }).to_string().as_bytes())
    };
    assert!(set(modulus(1024), "AQAB").is_err());
    assert!(set(modulus(2047), "AQAB").is_err());
    assert!(set(modulus(2048), "AQAB").is_ok());
    assert!(set(format!("AAAA{}", modulus(1032)), "AQAB").is_err());
    assert!(set(modulus(16_384), "AQAB").is_err());
    for exponent in ["", "AA", "AQ", "Ag", "AQAA", "AQAAAAAB"] {
        assert!(set(modulus(2048), exponent).is_err(), "{exponent}");
    }
}

#[tokio::test]
async fn needs_no_key_id_when_few_keys_fit() {
    let fixture = Fixture::new().await;
    let token = fixture.issuer.mint_with(&json!({ "alg": "ES256" }), &fixture.claims(), Algorithm::Es256);
    assert!(fixture.verify(&token).is_ok());
    let _ = fixture.issuer.key_id(Algorithm::EdDsa);
    assert!(fixture.verify(&token).is_ok(), "a key of another kind does not fit");
    let before = fixture.issuer.mint_with(&json!({ "alg": "EdDSA" }), &fixture.claims(), Algorithm::EdDsa);
    for number in 2..=4 {
        fixture.issuer.rotate().unwrap();
        assert!(fixture.verify(&before).is_ok(), "after a rotation to {number} keys, of which each is tried");
    }
    fixture.issuer.rotate().unwrap();
    assert_eq!(fixture.code(&before), "token_key_ambiguous");
}

/// Returns a set of `count` keys, of which the last one is the issuer's.
fn keys(fixture: &Fixture, count: usize) -> KeySet {
    let genuine = fixture.issuer.jwks()["keys"][0].clone();
    let mut keys: Vec<Value> = (1..count)
        .map(|number| {
            let mut key = genuine.clone();
            key["kid"] = json!(format!("old key {number}"));
            key
        })
        .collect();
    keys.push(genuine);
    KeySet::from_json(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn finds_the_key_in_a_set_of_a_thousand_and_tells_when_there_are_more() {
    let fixture = Fixture::new().await;
    let token = fixture.issuer.mint(&fixture.claims());
    let code = |keys: &KeySet| {
        verify_with(&fixture.settings, keys, fixture.clock.now(), &token).map_or_else(|error| error.code(), |_| "ok")
    };
    for count in [100, 101, 150, 1_000] {
        let keys = keys(&fixture, count);
        assert_eq!((code(&keys), keys.len(), keys.published(), keys.skipped().len()), ("ok", count, count, 0));
    }
    let keys = keys(&fixture, 1_003);
    assert_eq!((code(&keys), keys.len(), keys.published()), ("token_key_unknown", 1_000, 1_003));
    assert_eq!(keys.skipped(), ["all keys after the first 1000: 3 of them"]);
}

#[tokio::test]
async fn tells_of_each_key_that_is_left_out_why_and_of_very_many_how_many() {
    let fixture = Fixture::new().await;
    let es256 = fixture.issuer.jwks()["keys"][0].clone();
    let skipped = |text: &str| {
        let set = format!("{{\"keys\":[{es256},{text}]}}");
        KeySet::from_json(set.as_bytes()).unwrap().skipped().to_vec()
    };
    for (key, told) in [
        (r#"{"kty":"RSA","kid":"a","x5c":["AAAA"]}"#, "key `a`: `n` is missing, and `x5c` does not stand for it"),
        (r#"{"kty":"RSA","kid":"a","x5c":[]}"#, "key `a`: `n` is missing"),
        (r#"{"kty":"RSA","kid":"a","kty":"EC"}"#, "key `a`: a member stands twice"),
        (r#"{"kty":"RSA","kid":"a","kid":"b"}"#, "key 1: a member stands twice"),
        (r#"{"kty":null,"kid":"a"}"#, "key `a`: `kty` is missing"),
        (r#"{"kty":"oct","kid":null,"k":"AA"}"#, "key 1: a symmetric key, which must never be published"),
        (r#"{"kty":"EC","kid":"\u001b[31m","crv":"P-521"}"#, "key `\\u{1b}[31m`: `crv` is not accepted"),
    ] {
        assert_eq!(skipped(key), [told], "{key}");
    }
    let many = skipped(&vec![r#"{"kty":"oct"}"#; 500].join(","));
    assert_eq!((many.len(), many[20].as_str()), (21, "480 further keys"));
}

#[test]
fn reads_elliptic_coordinates_however_their_leading_zeros_are_written() {
    // 379 times and 43 times the base point of P-256: `x` of the one and `y` of the other begin with a zero.
    let (short_x, x, y) = (
        "VUOJSvPQDtfXQKvb11yWsGh3t4fbX3Dup4uQqNfACg",
        "AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo",
        "u0yFo9jqKe-q-iRAaRLdhNWxTcMr9lbvbGvVil2UP5I",
    );
    let (other_x, short_y, other_y) = (
        "mGriUG8f8QTQQjCGHY9LSY9LxMbQCbMPdUTcEpuC0o0",
        "PMzApkYOCuMopNl9PHth2G_GKJwYnyUlEQxEG7B-lw",
        "ADzMwKZGDgrjKKTZfTx7YdhvxiicGJ8lJREMRBuwfpc",
    );
    let longer = |number: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(number).unwrap();
        URL_SAFE_NO_PAD.encode([&[0, 0][..], &bytes].concat())
    };
    let read = |x: &str, y: &str| {
        let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": x, "y": y }] });
        KeySet::from_json(set.to_string().as_bytes()).map(|set| set.thumbprints().next().unwrap().2)
    };
    let genuine = read(x, y).unwrap();
    assert_eq!([read(short_x, y).unwrap(), read(&longer(x), &longer(y)).unwrap()], [genuine, genuine]);
    assert_eq!(read(other_x, short_y).unwrap(), read(other_x, other_y).unwrap());
    for (x, y) in [("", y), ("AA", y), (x, "AA"), (y, x), (&format!("AQ{x}"), y), (short_x, short_y)] {
        assert!(read(x, y).is_err(), "{x} {y}");
    }
}
