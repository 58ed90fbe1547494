//! The REST interface of 0.15. Its failures come with status 200.

mod changes;
mod principals;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    answers::{forbidden, json, not_found, problem},
    state::{Account, Signature, State},
    zone,
};
use crate::emulators::Exchange;

/// A failure: its name, and what goes with it.
pub(super) type Failure = Value;

/// Answers a request below `/api`.
pub(super) fn answer(state: &mut State, exchange: &Exchange) -> Response<Bytes> {
    let path: Vec<String> = exchange.uri.path().split('/').skip(2).map(decoded).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let get = exchange.method == Method::GET;
    let post = exchange.method == Method::POST;
    match path.as_slice() {
        ["principal"] if get => principals::list(state, exchange),
        ["principal"] if post => principals::create(state, exchange, false),
        ["principal", "deploy"] if post => principals::create(state, exchange, true),
        ["principal", name] => principals::one(state, exchange, name),
        ["dkim"] if post => create_key(state, exchange),
        ["dns", "records", domain] if get => {
            let records = zone::records_before(state, domain).into_iter();
            data(
                &records
                    .map(|(kind, name, content)| json!({ "type": kind, "name": name, "content": content }))
                    .collect(),
            )
        }
        ["settings"] if post => update_settings(state, exchange),
        _ => not_found(),
    }
}

/// Undoes percent-encoding. A plus sign is none of it in a path.
fn decoded(segment: &str) -> String {
    let form = segment.replace('+', "%2B");
    form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// Returns the addresses of an account: its own first, and the others in order.
pub(super) fn addresses(state: &State, account: &Account) -> Vec<String> {
    principals::emails(state, account)
}

/// Returns what was asked for.
fn data(value: &Value) -> Response<Bytes> {
    json(&json!({ "data": value }))
}

/// Returns a result. Failures have status 200.
fn result(outcome: Result<Value, Failure>) -> Response<Bytes> {
    match outcome {
        Ok(value) => data(&value),
        Err(failure) => json(&failure),
    }
}

fn bad_parameters(detail: &str) -> Response<Bytes> {
    problem(StatusCode::BAD_REQUEST, "Invalid parameters", detail)
}

fn missing(item: &str) -> Failure {
    json!({ "error": "notFound", "item": item })
}

fn taken(field: &str, value: &str) -> Failure {
    json!({ "error": "fieldAlreadyExists", "field": field, "value": value })
}

fn other(details: &str, reason: &str) -> Failure {
    json!({ "error": "other", "details": details, "reason": reason })
}

/// Makes a key. For one that is there already the answer repeats the private key.
fn create_key(state: &mut State, exchange: &Exchange) -> Response<Bytes> {
    if !state.allows("dkim-signature-create") {
        return forbidden();
    }
    let Ok(request) = serde_json::from_slice::<Value>(&exchange.body) else { return bad_parameters("no JSON") };
    let text = |field: &str| request.get(field).and_then(Value::as_str);
    let (algorithm, suffix) = match text("algorithm") {
        Some("Rsa") => ("rsa", "r"),
        Some("Ed25519") => ("ed25519", "e"),
        _ => return bad_parameters("unknown variant, expected `Rsa` or `Ed25519`"),
    };
    let Some(domain) = text("domain") else { return bad_parameters("missing field `domain`") };
    let is_it = |signature: &Signature| signature.domain == domain && signature.algorithm == algorithm;
    if state.signatures.values().any(is_it) {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n";
        return json(&taken(&format!("signature.{algorithm}-{domain}.private-key"), key));
    }
    let month: String = exchange.now.to_string().chars().take(7).filter(char::is_ascii_digit).collect();
    let selector = text("selector").map_or_else(|| format!("{month}{suffix}"), str::to_owned);
    state.add_signature(domain, algorithm, selector, exchange.now);
    data(&Value::Null)
}

/// Deletes settings, by their keys or by the beginning of them. Only those of DKIM keys are kept.
fn update_settings(state: &mut State, exchange: &Exchange) -> Response<Bytes> {
    if !state.allows("settings-update") {
        return forbidden();
    }
    let Ok(changes) = serde_json::from_slice::<Vec<Value>>(&exchange.body) else { return bad_parameters("no list") };
    let key = |signature: &Signature| format!("signature.{}-{}.private-key", signature.algorithm, signature.domain);
    for change in changes {
        let prefix = change.get("prefix").and_then(Value::as_str);
        let keys = change.get("keys").and_then(Value::as_array);
        match (change.get("type").and_then(Value::as_str), prefix, keys) {
            (Some("clear"), Some(prefix), _) => {
                state.signatures.retain(|_, signature| !key(signature).starts_with(prefix))
            }
            (Some("delete"), _, Some(keys)) => {
                state.signatures.retain(|_, signature| !keys.contains(&Value::String(key(signature))));
            }
            _ => return bad_parameters("unknown variant"),
        }
    }
    data(&Value::Null)
}
