//! Tests that each code has one kind, and so one status, so that a code determines the status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use dezky::ErrorKind;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Functions that create errors of one kind from a code, which is their first argument.
const MAKERS: &[(&str, &str, &str)] = &[
    ("core/src/http/", "bad_request(", "BadRequest"),
    ("core/src/http/", "bad_header(", "BadRequest"),
    ("core/src/service/access.rs", "forbidden(", "Forbidden"),
    ("core/src/migration/copy.rs", "refused(", "Conflict"),
    ("core/src/authn/refusal.rs", "=>", "Unauthenticated"),
];

/// Expressions in place of a code: functions listed above, or the code of another error.
const NO_TEXT: &[&str] = &["code", "refusal", "error", "CONFLICT", "OVERLOADED", "dezky"];

/// Returns the Rust files of everything that creates errors, without tests.
fn sources() -> Vec<(String, String)> {
    let mut folders = vec![root().join("core/src")];
    for part in ["handlers", "bindings"] {
        let parts = fs::read_dir(root().join(part)).unwrap().map(|entry| entry.unwrap().path().join("src"));
        folders.extend(parts.filter(|folder| folder.is_dir()));
    }
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                if !name.contains("tests") {
                    found.push((name, own));
                }
            }
        }
    }
    found
}

/// Returns the text literal at the beginning, or else the first word.
fn first(text: &str) -> Result<&str, &str> {
    let text = text.trim_start();
    match text.strip_prefix('"') {
        Some(rest) => Ok(rest.split('"').next().unwrap()),
        None => Err(text.split(|character: char| !(character.is_alphanumeric() || character == '_')).next().unwrap()),
    }
}

/// Returns every code with its kinds, and their places in the code.
fn codes() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut codes: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut add = |code: &str, kind: &str, file: &str| {
        codes.entry(code.to_owned()).or_default().insert(kind.to_owned(), file.to_owned());
    };
    for (file, text) in sources() {
        for part in text.split("Error::new(").skip(1) {
            let part = part.trim_start().trim_start_matches("crate::").trim_start_matches("dezky::");
            let Some(rest) = part.strip_prefix("ErrorKind::") else { continue };
            let Some((kind, rest)) = rest.split_once(',') else { continue };
            if !ErrorKind::ALL.iter().any(|known| format!("{known:?}") == kind) {
                continue;
            }
            match first(rest) {
                Ok(code) => add(code, kind, &file),
                Err(word) => assert!(NO_TEXT.contains(&word), "{file}: `{word}` is the code of an error: name it here"),
            }
        }
        for (_, maker, kind) in MAKERS.iter().filter(|(place, ..)| file.starts_with(place)) {
            for part in text.split(maker).skip(1) {
                if let Ok(code) = first(part) {
                    add(code, kind, &file);
                }
            }
        }
    }
    codes
}

#[test]
fn each_code_has_one_kind() {
    let codes = codes();
    assert!(codes.len() > 80, "only {} codes were found", codes.len());
    for known in
        ["user_deleted", "already_deleted", "request_timeout", "server_timeout", "token_expired", "store_timeout"]
    {
        assert!(codes.contains_key(known), "{known} was not found");
    }
    for (code, kinds) in codes {
        assert_eq!(kinds.len(), 1, "`{code}` has several kinds: {kinds:?}");
    }
}

#[test]
fn each_code_has_one_status_in_the_shared_cases() {
    let mut statuses: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for entry in fs::read_dir(root().join("core/tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        for step in file["cases"].as_array().unwrap().iter().flat_map(|case| case["steps"].as_array().unwrap()) {
            // A logout token is not a credential of its sender, so an invalid one is a bad request (OpenID Connect
            // Back-Channel Logout 1.0, section 2.8).
            if step["request"].as_str().is_some_and(|request| request.ends_with("/oidc/backchannel-logout")) {
                continue;
            }
            let (status, code) = match &step["expect"] {
                Value::String(text) => {
                    let (status, code) = text.split_once(' ').unwrap();
                    (status.parse().unwrap(), code.to_owned())
                }
                Value::Object(expect) if expect.contains_key("code") => {
                    (expect["status"].as_u64().unwrap(), expect["code"].as_str().unwrap().to_owned())
                }
                _ => continue,
            };
            statuses.entry(code).or_default().insert(status);
        }
    }
    assert!(statuses.len() > 30, "only {} codes were found", statuses.len());
    for (code, statuses) in statuses {
        assert_eq!(statuses.len(), 1, "`{code}` has several statuses: {statuses:?}");
    }
}
