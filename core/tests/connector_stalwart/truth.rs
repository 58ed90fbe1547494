//! The emulator answers as a Stalwart 0.16.19 did, whose exchanges are in `seen-0.16.19.jsonl`.

use std::time::Duration;

use dezky::{
    emulators::{Emulator, EmulatorOptions, stalwart::StalwartSystem},
    test_kit::ManualClock,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::world::{PASSWORD, secret};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    what: String,
    /// Seconds that pass before.
    #[serde(default)]
    after: u64,
    method: String,
    path: String,
    #[serde(default)]
    wrong_password: bool,
    #[serde(default)]
    body: Value,
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    /// Parts of the answer. `*` is any text, `{"contains": […]}` a text with these parts.
    #[serde(default)]
    answer: Value,
}

/// Returns the path of the first difference.
fn difference(expected: &Value, found: &Value, path: &str) -> Option<String> {
    match (expected, found) {
        (Value::String(any), Value::String(text)) if any == "*" => text.is_empty().then(|| format!("{path} is empty")),
        (Value::Object(parts), Value::String(text)) if parts.contains_key("contains") => {
            let missing =
                parts["contains"].as_array().unwrap().iter().find(|part| !text.contains(part.as_str().unwrap()));
            missing.map(|part| format!("{path} is without {part}"))
        }
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(key, value)| {
            let path = format!("{path}/{key}");
            match found.get(key) {
                Some(found) => difference(value, found, &path),
                None => Some(format!("{path} is missing")),
            }
        }),
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                return Some(format!("{path} has {} entries", found.len()));
            }
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(place, (expected, found))| difference(expected, found, &format!("{path}/{place}")))
        }
        (expected, found) => (expected != found).then(|| format!("{path} is {found}")),
    }
}

#[tokio::test]
async fn the_emulator_answers_as_was_seen() {
    let clock = std::sync::Arc::new(ManualClock::at("2026-11-23T10:00:00.000Z".parse().unwrap()));
    let options = EmulatorOptions { clock: clock.clone(), ..EmulatorOptions::default() };
    let emulator = Emulator::start(StalwartSystem::new(secret()), options).await.unwrap();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let lines = include_str!("seen-0.16.19.jsonl");
    let mut number = 0;
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let seen: Seen = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        clock.advance(Duration::from_secs(seen.after));
        let url = format!("{}{}", emulator.url(), seen.path);
        let password = if seen.wrong_password { "wrong" } else { PASSWORD };
        let mut request = http.request(seen.method.parse().unwrap(), url).basic_auth("admin", Some(password));
        if !seen.body.is_null() {
            request = request.header("content-type", "application/json").body(seen.body.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), seen.status, "{}", seen.what);
        for (name, expected) in &seen.headers {
            let found: Vec<&str> =
                response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            let found = if expected.is_array() { json!(found) } else { json!(found[0]) };
            assert_eq!(difference(expected, &found, name), None, "{}", seen.what);
        }
        let text = response.text().await.unwrap();
        if !seen.answer.is_null() {
            let found: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(difference(&seen.answer, &found, ""), None, "{}: {text}", seen.what);
        }
        number += 1;
    }
    assert!(number >= 20, "{number}");
}
