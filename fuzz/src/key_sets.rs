//! JSON Web Key Sets.

use dezky::authn::{keys::KeySet, verify_signature};
use serde_json::Value;

/// Tokens with invalid signatures.
const FORGED: [&str; 3] = [
    "eyJhbGciOiJSUzI1NiJ9.e30.AAAA",
    "eyJhbGciOiJFUzI1NiJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiJFZERTQSJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

/// Asserts that parsing a set is deterministic, keeps only its declared keys, and that it verifies no forgery.
pub fn check(data: &[u8]) {
    let Ok(set) = KeySet::from_json(data) else { return };
    assert!((1..=1_000).contains(&set.len()) && !set.is_empty());
    let again = KeySet::from_json(data).expect("it was read before");
    let thumbprints: Vec<_> = set.thumbprints().collect();
    assert_eq!(thumbprints, again.thumbprints().collect::<Vec<_>>());
    for (position, key) in thumbprints.iter().enumerate() {
        assert!(!thumbprints[..position].contains(key), "a key stands in the set once for a `kid` and an algorithm");
    }
    let document: Value = serde_json::from_slice(data).expect("it was read as JSON");
    let published = document["keys"].as_array().expect("it has keys");
    assert!(set.len() <= published.len());
    assert!(published.iter().any(|key| key["kty"] != "oct"), "symmetric keys are of no use");
    for token in FORGED {
        // Ed25519 keys of small order accept signatures that nobody made (RFC 8032, section 8.9 makes the publisher
        // responsible); the other key types never do.
        if !published.iter().any(|key| key["kty"] == "OKP") {
            assert!(verify_signature(token, &set).is_err(), "a forgery is accepted");
        }
    }
    // Unknown members beside the keys have no effect. Added to the text, because a tree would lose duplicates.
    let text = String::from_utf8_lossy(data);
    let (before, members) = text.split_once('{').expect("it was read as an object");
    let extended = KeySet::from_json(format!("{before}{{\"nothing\":[1],{members}").as_bytes());
    let extended = extended.expect("unknown members are ignored");
    assert_eq!(thumbprints, extended.thumbprints().collect::<Vec<_>>());
}
