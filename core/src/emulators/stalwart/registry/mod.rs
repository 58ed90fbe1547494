//! The JMAP registry of 0.16.

mod accounts;
mod domains;
mod objects;
mod passwords;
mod query;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};

use super::{
    answers::{json, request_problem},
    ids,
    state::State,
};
use crate::{clock::Timestamp, emulators::Exchange};

/// Number of calls in one request.
const MAXIMUM_CALLS: usize = 16;

/// Account of the recovery administrator, by whose credential requests come.
const OWN_ACCOUNT: u32 = u32::MAX;

/// A failure of a call as a whole: type and description.
type MethodError = (&'static str, String);

/// Returns the session resource. Its addresses name the machine as it knows itself.
pub(super) fn session(state: &State, registry: bool) -> Value {
    let account = ids::write(OWN_ACCOUNT);
    let host = super::zone::HOST;
    let core = json!({
        "maxSizeUpload": 50_000_000, "maxConcurrentUpload": 4, "maxSizeRequest": 10_000_000, "maxConcurrentRequests": 4,
        "maxCallsInRequest": MAXIMUM_CALLS, "maxObjectsInGet": state.page, "maxObjectsInSet": 500,
        "collationAlgorithms": ["i;ascii-numeric", "i;ascii-casemap", "i;unicode-casemap"],
    });
    let mail = json!({ "urn:ietf:params:jmap:mail": {} });
    let mut capabilities = if registry { json!({ "urn:stalwart:jmap": {} }) } else { json!({}) };
    let mut primary = if registry { json!({ "urn:stalwart:jmap": account }) } else { json!({}) };
    merge(&mut capabilities, mail);
    merge(&mut primary, json!({ "urn:ietf:params:jmap:mail": account }));
    json!({
        "capabilities": { "urn:ietf:params:jmap:core": core, "urn:ietf:params:jmap:mail": {} },
        "accounts": {
            &account: { "name": "admin", "isPersonal": true, "isReadOnly": false, "accountCapabilities": capabilities },
        },
        "primaryAccounts": primary,
        "username": "admin",
        "apiUrl": format!("https://{host}/jmap/"),
        "downloadUrl": format!("https://{host}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}"),
        "uploadUrl": format!("https://{host}/jmap/upload/{{accountId}}/"),
        "eventSourceUrl": format!("https://{host}/jmap/eventsource/?types={{types}}&closeafter={{closeafter}}&ping={{ping}}"),
        "state": "7f7f7f",
    })
}

fn merge(into: &mut Value, other: Value) {
    if let (Value::Object(into), Value::Object(other)) = (into, other) {
        into.extend(other);
    }
}

/// Returns what the credential may do, as the page of its account shows it.
pub(super) fn account(state: &State) -> Value {
    let objects = ["Domain", "DkimSignature", "Account", "AppPassword", "AccountSettings", "SystemSettings"];
    let rights = ["Get", "Query", "Create", "Update", "Destroy"];
    let all = objects.iter().flat_map(|object| rights.iter().map(move |right| format!("sys{object}{right}")));
    let all = all.chain(["authenticate".to_owned(), "impersonate".to_owned()]);
    let permissions: Vec<String> = all.filter(|right| state.allows(right)).collect();
    json!({ "permissions": permissions, "edition": "oss", "locale": "en-US" })
}

/// Answers a request for calls.
pub(super) fn answer(state: &mut State, exchange: &Exchange) -> Response<Bytes> {
    let media_type = exchange.headers.get(http::header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let is_json = |media_type: &str| media_type.split(';').next().unwrap_or_default().trim() == "application/json";
    if media_type.is_some_and(|media_type| !is_json(media_type)) {
        return request_problem("notJSON", "The Content-Type header must be application/json.");
    }
    let Ok(request) = serde_json::from_slice::<Value>(&exchange.body) else {
        return request_problem("notJSON", "The content of the request was not JSON.");
    };
    let Some(calls) = calls(&request) else {
        return request_problem("notRequest", "The request did not match the type signature of the Request object.");
    };
    if calls.len() > MAXIMUM_CALLS {
        return request_problem("limit", "The request exceeds the maximum number of calls.");
    }
    let mut responses: Vec<Value> = Vec::new();
    for (method, arguments, id) in calls {
        let outcome = resolve(arguments, &responses).and_then(|arguments| {
            let arguments = renamed(&state.renamed, arguments, true);
            call(state, exchange, method, arguments)
        });
        responses.push(match outcome {
            Ok(answer) => json!([method, renamed(&state.renamed, answer, false), id]),
            Err((kind, description)) => json!(["error", { "type": kind, "description": description }, id]),
        });
    }
    json(&json!({ "methodResponses": responses, "sessionState": "7f7f7f" }))
}

/// A call: method, arguments and id.
type Call<'a> = (&'a str, Map<String, Value>, &'a str);

fn calls(request: &Value) -> Option<Vec<Call<'_>>> {
    request.get("using")?.as_array()?;
    let calls = request.get("methodCalls")?.as_array()?;
    let call = |call| match Value::as_array(call)?.as_slice() {
        [method, arguments, id] => Some((method.as_str()?, arguments.as_object()?.clone(), id.as_str()?)),
        _ => None,
    };
    calls.iter().map(call).collect()
}

/// Replaces references to earlier answers (RFC 8620 §3.7).
fn resolve(arguments: Map<String, Value>, responses: &[Value]) -> Result<Map<String, Value>, MethodError> {
    let broken = || ("invalidResultReference", "Failed to evaluate a result reference.".to_owned());
    let mut resolved = Map::new();
    for (key, value) in arguments {
        let Some(name) = key.strip_prefix('#') else {
            resolved.insert(key, value);
            continue;
        };
        let of = |field: &str| value.get(field).and_then(Value::as_str);
        let (Some(result_of), Some(method), Some(path)) = (of("resultOf"), of("name"), of("path")) else {
            return Err(broken());
        };
        let is_it =
            |response: &&Value| response.get(0) == Some(&json!(method)) && response.get(2) == Some(&json!(result_of));
        let found = responses.iter().find(is_it).and_then(|response| response.get(1)?.pointer(path));
        resolved.insert(name.to_owned(), found.cloned().ok_or_else(broken)?);
    }
    Ok(resolved)
}

/// Gives fields the names of another release, in requests back.
fn renamed<T: serde::Serialize + serde::de::DeserializeOwned>(names: &[(String, String)], value: T, back: bool) -> T {
    fn rename(value: Value, names: &[(String, String)], back: bool) -> Value {
        let name = |key: String| {
            let old_and_new = names.iter().find(|(old, new)| key == *old || (back && key == *new));
            match old_and_new {
                // Nothing has the old name any more.
                Some((old, _)) if back && key == *old => format!("{old} of before"),
                Some((old, _)) if back => old.clone(),
                Some((_, new)) => new.clone(),
                None => key,
            }
        };
        match value {
            Value::Object(map) => map.into_iter().map(|(key, value)| (name(key), rename(value, names, back))).collect(),
            Value::Array(items) if back => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Value::String(name(text)),
                    other => rename(other, names, back),
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| rename(item, names, back)).collect(),
            other => other,
        }
    }
    if names.is_empty() {
        return value;
    }
    let changed = serde_json::to_value(&value).ok().map(|value| rename(value, names, back));
    changed.and_then(|changed| serde_json::from_value(changed).ok()).unwrap_or(value)
}

fn call(
    state: &mut State,
    exchange: &Exchange,
    method: &str,
    arguments: Map<String, Value>,
) -> Result<Value, MethodError> {
    let unknown = || ("unknownMethod", method.to_owned());
    let (object, action) = method.strip_prefix("x:").and_then(|method| method.split_once('/')).ok_or_else(unknown)?;
    let own = ids::write(OWN_ACCOUNT);
    let account = arguments.get("accountId").and_then(Value::as_str).unwrap_or(&own).to_owned();
    if account != own && !state.allows("impersonate") {
        return Err(("forbidden", "You do not have access to this account".to_owned()));
    }
    let mut answer = match (object, action) {
        ("Domain" | "Account" | "DkimSignature", "query") => query::query(state, exchange, object, &arguments)?,
        ("Domain" | "Account" | "DkimSignature", "get") => objects::get(state, object, &arguments)?,
        ("AppPassword", "get") => passwords::get(state, &account, &arguments)?,
        ("Domain", "set") => set(state, object, &arguments, exchange.now, &domains::Domains)?,
        ("Account", "set") => set(state, object, &arguments, exchange.now, &accounts::Accounts)?,
        ("DkimSignature", "set") => set(state, object, &arguments, exchange.now, &domains::Signatures)?,
        ("AppPassword", "set") => {
            set(state, object, &arguments, exchange.now, &passwords::Passwords { account: &account })?
        }
        _ => return Err(unknown()),
    };
    answer.insert("accountId".to_owned(), json!(account));
    Ok(answer.into())
}

/// Checks a right.
fn enforce(state: &State, object: &str, right: &str, description: &str) -> Result<(), MethodError> {
    if state.allows(&format!("sys{object}{right}")) {
        return Ok(());
    }
    Err(("forbidden", description.to_owned()))
}

/// Changes of the objects of one kind. An error is why one object was not changed.
trait Changes {
    fn create(&self, state: &mut State, object: &Map<String, Value>, now: Timestamp) -> Result<Value, Value>;
    fn update(&self, state: &mut State, id: u32, patch: &Map<String, Value>) -> Result<(), Value>;
    fn destroy(&self, state: &mut State, id: u32) -> Result<(), Value>;
}

/// Answers a `set` call. Lists that would be empty are left out, and ids that are none are passed over in silence.
fn set(
    state: &mut State,
    object: &str,
    arguments: &Map<String, Value>,
    now: Timestamp,
    changes: &dyn Changes,
) -> Result<Map<String, Value>, MethodError> {
    let map = |name: &str| arguments.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (create, update) = (map("create"), map("update"));
    let destroy: Vec<String> = arguments
        .get("destroy")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    for (is_empty, right, verb) in [
        (create.is_empty(), "Create", "create"),
        (update.is_empty(), "Update", "update"),
        (destroy.is_empty(), "Destroy", "destroy"),
    ] {
        if !is_empty {
            enforce(state, object, right, &format!("You are not authorized to {verb} objects of this type"))?;
        }
    }
    let mut answer = Map::new();
    let mut put = |list: &str, key: String, value: Value| {
        let map = answer.entry(list.to_owned()).or_insert_with(|| json!({}));
        if let Some(map) = map.as_object_mut() {
            map.insert(key, value);
        }
    };
    for (key, object) in create {
        match changes.create(state, object.as_object().unwrap_or(&Map::new()), now) {
            Ok(created) => put("created", key, created),
            Err(error) => put("notCreated", key, error),
        }
    }
    for (id, patch) in update {
        let Some(number) = ids::read(&id) else { continue };
        match changes.update(state, number, patch.as_object().unwrap_or(&Map::new())) {
            Ok(()) => put("updated", id, Value::Null),
            Err(error) => put("notUpdated", id, error),
        }
    }
    let mut destroyed = Vec::new();
    for id in destroy {
        let Some(number) = ids::read(&id) else { continue };
        match changes.destroy(state, number) {
            Ok(()) => destroyed.push(id),
            Err(error) => put("notDestroyed", id, error),
        }
    }
    if !destroyed.is_empty() {
        answer.insert("destroyed".to_owned(), json!(destroyed));
    }
    Ok(answer)
}

/// Returns why an object is refused, with the property at fault.
fn refused(kind: &str, property: &str, description: &str) -> Value {
    json!({ "type": kind, "description": description, "properties": [property] })
}

fn not_found() -> Value {
    json!({ "type": "notFound" })
}

/// Returns the refusal of a name or an address that another object has.
fn taken(property: &str, object: &str, id: u32) -> Value {
    json!({ "type": "primaryKeyViolation", "properties": [property], "objectId": reference(object, id) })
}

fn reference(object: &str, id: u32) -> Value {
    json!({ "object": object, "id": ids::write(id) })
}

/// Returns the refusal of a property that no object has.
fn unknown_property() -> Value {
    refused("invalidPatch", "", "Invalid key for object")
}
