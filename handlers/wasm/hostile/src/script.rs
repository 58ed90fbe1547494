//! Calls of the host listed by a request.

use std::{cell::RefCell, pin::Pin, sync::Mutex, task::Poll};

use serde_json::{Value, json};

use crate::behaviour;
use crate::platform::{effect, identity, launcher, messages::Response, problems::Problem, store};

/// The instance's memory of earlier requests.
static REMEMBERED: Mutex<Vec<Value>> = Mutex::new(Vec::new());

fn remember(value: Value) {
    if let Ok(mut remembered) = REMEMBERED.lock() {
        remembered.push(value);
    }
}

thread_local! {
    /// Calls that were started and not finished.
    static BEGUN: RefCell<Vec<Pin<Box<dyn Future<Output = Value>>>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a script, for a request whose body had this length.
pub(crate) async fn run(script: &str, length: usize) -> String {
    let script = serde_json::from_str::<Value>(script).unwrap_or_default();
    let mut outcomes = Vec::new();
    for step in script.as_array().into_iter().flatten() {
        let outcome = if text(step, "call") == "length" { Value::from(length) } else { perform(step).await };
        outcomes.push(outcome);
    }
    Value::Array(outcomes).to_string()
}

async fn perform(step: &Value) -> Value {
    match text(step, "call").as_str() {
        "caller" => outcome(identity::caller().await.map(|caller| json!([caller.issuer, caller.subject])), problem),
        "sync" => outcome(identity::sync().await.map(Value::String), problem),
        "launcher" => {
            outcome(launcher::lookup(launcher::Address::Slug(text(step, "slug"))).await.map(Value::String), problem)
        }
        "get" => outcome(store::get(text(step, "collection"), text(step, "id")).await.map(document), failure),
        "find" => {
            let found = store::find(query(step)).await;
            outcome(found.map(|found| found.into_iter().map(|one| document(Some(one))).collect()), failure)
        }
        "perform" => outcome(effect::perform().await.map(answer), problem),
        "remember" => {
            remember(step.clone());
            Value::Null
        }
        "recall" => REMEMBERED.lock().map(|remembered| Value::Array(remembered.clone())).unwrap_or_default(),
        // Continues after the answer is sent, and remembers the result.
        "linger" => {
            let step = step.get("then").cloned().unwrap_or_default();
            spin_sdk::wit_bindgen::rt::async_support::spawn(async move {
                // By then the answer is sent.
                spin_sdk::wasip3::clocks::monotonic_clock::wait_for(300_000_000).await;
                let got = Box::pin(perform(&step)).await;
                remember(got);
            });
            Value::Null
        }
        // Starts a call in this request, to be finished in another.
        "begin" => {
            let step = step.get("then").cloned().unwrap_or_default();
            let mut begun: Pin<Box<dyn Future<Output = Value>>> = Box::pin(async move {
                spin_sdk::wasip3::clocks::monotonic_clock::wait_for(50_000_000).await;
                Box::pin(perform(&step)).await
            });
            std::future::poll_fn(|context| {
                let _pending = begun.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
            BEGUN.with_borrow_mut(|all| all.push(begun));
            Value::Null
        }
        "end" => match BEGUN.with_borrow_mut(Vec::pop) {
            Some(begun) => begun.await,
            None => json!({ "error": "nothing was begun" }),
        },
        "trap" => Value::String(behaviour::trap()),
        "many" => {
            let mut outcomes = Vec::new();
            for _ in 0..step.get("count").and_then(Value::as_u64).unwrap_or_default() {
                outcomes.push(Box::pin(perform(step.get("then").unwrap_or(&Value::Null))).await);
            }
            outcomes.pop().unwrap_or_default()
        }
        _ => json!({ "error": "unknown" }),
    }
}

fn text(step: &Value, name: &str) -> String {
    step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(step: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    step.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn outcome<E>(result: Result<Value, E>, error: impl Fn(E) -> Value) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(failed) => json!({ "error": error(failed) }),
    }
}

fn problem(problem: Problem) -> Value {
    json!(problem.code)
}

/// Returns the status and body of an answer.
fn answer(answer: Response) -> Value {
    json!({ "status": answer.status, "body": serde_json::from_slice::<Value>(&answer.body).unwrap_or_default() })
}

fn failure(failure: store::Failure) -> Value {
    match failure {
        store::Failure::Refused(why) => json!({ "refused": why }),
        other => json!(format!("{other:?}")),
    }
}

fn document(document: Option<store::Document>) -> Value {
    document.map_or(Value::Null, |document| serde_json::from_str(&document.json).unwrap_or_default())
}

fn value(value: &Value) -> store::Value {
    match value {
        Value::Bool(truth) => store::Value::Boolean(*truth),
        Value::Number(number) => store::Value::Integer(number.as_i64().unwrap_or_default()),
        Value::String(id) if id.len() == 24 => store::Value::Id(id.clone()),
        other => store::Value::Text(other.as_str().unwrap_or_default().to_owned()),
    }
}

fn query(step: &Value) -> store::Query {
    let mut filters = Vec::new();
    for one in list(step, "equal") {
        let compared = value(one.get(1).unwrap_or(&Value::Null));
        let field = one.get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
        filters.push(store::Filter::Equal(store::Comparison { field, value: compared }));
    }
    let keys: Vec<String> = list(step, "keys").filter_map(Value::as_str).map(str::to_owned).collect();
    if !keys.is_empty() {
        filters.push(store::Filter::UniqueKey(keys));
    }
    let ids: Vec<store::Value> = list(step, "ids").map(value).collect();
    if !ids.is_empty() {
        filters.push(store::Filter::OneOf(store::Choice { field: "id".to_owned(), values: ids }));
    }
    for one in list(step, "range") {
        let bound = |place: usize| one.get(place).filter(|bound| !bound.is_null()).map(value);
        let field = one.get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
        filters.push(store::Filter::Range(store::Span { field, lower: bound(1), upper: bound(2) }));
    }
    for one in list(step, "prefix") {
        let text = |place: usize| one.get(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        filters.push(store::Filter::Prefix(store::Beginning { field: text(0), text: text(1) }));
    }
    let after = step
        .get("after")
        .map(|after| store::Position { values: list(after, "values").map(value).collect(), id: text(after, "id") });
    store::Query {
        collection: text(step, "collection"),
        filters,
        sort: step.get("sort").and_then(Value::as_str).map(str::to_owned),
        descending: step.get("descending") == Some(&Value::Bool(true)),
        after,
        limit: step.get("limit").and_then(Value::as_u64).and_then(|limit| u32::try_from(limit).ok()).unwrap_or(100),
    }
}
