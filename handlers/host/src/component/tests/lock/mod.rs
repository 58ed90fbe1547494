//! The second lock: a component that asks for more than the caller of its request may have, or for effects out of turn.

mod callers;
mod reading;
mod together;
mod trail;
mod writing;

use serde_json::{Value, json};

use super::world::World;
use crate::component::Isolation;

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

/// Nothing was got: a refusal, or what is absent.
fn nothing(outcome: &Value) -> bool {
    !outcome["error"].is_null()
        || outcome["ok"].is_null() && outcome.get("ok").is_some()
        || outcome["ok"].as_array().is_some_and(Vec::is_empty)
        || outcome["ok"] == 0
}

fn refused(outcome: &Value) -> bool {
    outcome["error"]["refused"].is_string()
}

/// The step in which a component asks for the effect of its request.
fn perform() -> Value {
    json!({"call": "perform"})
}

/// Nothing was done: the host refused to run the request, or the request was refused.
fn without_effect(outcome: &Value) -> bool {
    !outcome["error"].is_null() || outcome["ok"]["status"].as_u64().is_some_and(|status| status >= 400)
}
