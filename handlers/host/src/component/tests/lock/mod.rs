//! Tests of the second lock, with a component that exceeds its caller's rights or requests effects out of turn.

mod callers;
mod reading;
mod together;
mod trail;
mod writing;

use serde_json::{Value, json};

use super::world::World;
use crate::component::Isolation;

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

/// Returns `true` if nothing was obtained: a refusal, or an absent result.
fn nothing(outcome: &Value) -> bool {
    !outcome["error"].is_null()
        || outcome["ok"].is_null() && outcome.get("ok").is_some()
        || outcome["ok"].as_array().is_some_and(Vec::is_empty)
        || outcome["ok"] == 0
}

fn refused(outcome: &Value) -> bool {
    outcome["error"]["refused"].is_string()
}

/// Returns the script step that requests the effect.
fn perform() -> Value {
    json!({"call": "perform"})
}

/// Returns `true` if nothing was done: the host refused to run the request, or the request was refused.
fn without_effect(outcome: &Value) -> bool {
    !outcome["error"].is_null() || outcome["ok"]["status"].as_u64().is_some_and(|status| status >= 400)
}
