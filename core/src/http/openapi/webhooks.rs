//! The catalogue of event types, as the document's webhooks: each type with the schema of its message.
//!
//! A type is the name of an action that changes something: one of an operation's, or of the platform's own.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{RefOr, Schema},
};

use crate::{
    authz::Action,
    domain::{
        EventMessage,
        system_action::SYSTEM_ACTIONS,
        trail::{collection_of, kind_of},
    },
    http::operation::{Access, Operation},
    store::News,
};

/// Returns the schemas that the catalogue refers to.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(EventMessage::name().into_owned(), EventMessage::schema())];
    EventMessage::schemas(&mut schemas);
    schemas
}

/// Returns the types of events that operations cause, and those that the platform causes itself, with what has happened.
pub(super) fn types<'a>(operations: impl Iterator<Item = &'a Operation>) -> BTreeMap<&'static str, &'a str> {
    let mut types: BTreeMap<&'static str, &'a str> =
        SYSTEM_ACTIONS.iter().map(|(name, about)| (*name, *about)).collect();
    for operation in operations.filter(|operation| operation.method != http::Method::GET) {
        let Access::May(actions) = operation.access else { continue };
        // What may be done in every state of a tenant, other than revoking, changes nothing.
        let changes = |action: &&Action| {
            let rule = action.rule();
            operation.method == http::Method::DELETE || !(rule.while_suspended && rule.when_deleted)
        };
        for action in actions.iter().filter(changes) {
            types.entry(action.name()).or_insert(operation.summary);
        }
    }
    types
}

/// Returns the `webhooks` of the document.
pub(super) fn webhooks(types: &BTreeMap<&'static str, &str>) -> Map<String, Value> {
    types.iter().map(|(name, about)| ((*name).to_owned(), webhook(name, about))).collect()
}

fn webhook(name: &str, about: &str) -> Value {
    let fields = changing_fields(name);
    let message = if fields.is_empty() {
        json!({ "type": { "const": name } })
    } else {
        let data = json!({ "properties": { "changedFields": { "items": { "enum": fields } } } });
        json!({ "type": { "const": name }, "data": data })
    };
    let reference = format!("#/components/schemas/{}", EventMessage::name());
    let schema = json!({ "$ref": reference, "properties": message });
    json!({
        "post": {
            "summary": about.trim().trim_end_matches('.'),
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": { "2XX": { "description": "Taken" } },
        }
    })
}

/// Returns the fields that events of a type may name: those of the collection of its kind.
fn changing_fields(name: &str) -> Vec<&'static str> {
    // Other kinds name what was done, and not fields.
    let is_change = SYSTEM_ACTIONS.iter().all(|(own, _)| *own != name);
    let collection = collection_of(kind_of(name)).filter(|_| is_change);
    let fields = collection.into_iter().flat_map(|collection| collection.fields);
    fields.filter(|field| field.news != News::Never).map(|field| field.name).collect()
}
