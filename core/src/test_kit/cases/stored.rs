//! Checks the stored documents at the end of a case.

use serde_json::{Value, json};

use super::{
    format::{After, ExpectedEvent},
    matching::{Mode, differences},
    symbols::Symbols,
};
use crate::{
    context::RequestContext,
    domain::audit::AUDIT_EVENTS,
    store::{Collection, Query, Store},
};

/// Maximum number of documents of a collection that are checked.
const MAXIMUM: u32 = 2_000;

/// Returns the deviations.
pub(super) async fn check(after: &After, symbols: &Symbols, store: &dyn Store) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (name, patterns) in &after.documents {
        let documents = documents(store, collection(name)?).await?;
        for pattern in patterns {
            let pattern = symbols.fill_json(pattern)?;
            if !documents.iter().any(|document| matches(&pattern, document)) {
                found.push(format!("`{name}`: no document is like {pattern}; there are\n{}", listing(&documents)));
            }
        }
    }
    for (name, patterns) in &after.absent {
        let documents = documents(store, collection(name)?).await?;
        for pattern in patterns {
            let pattern = symbols.fill_json(pattern)?;
            if let Some(document) = documents.iter().find(|document| matches(&pattern, document)) {
                found.push(format!("`{name}`: nothing should be like {pattern}, and there is {document}"));
            }
        }
    }
    for (name, wanted) in &after.count {
        let documents = documents(store, collection(name)?).await?;
        if documents.len() != *wanted {
            found.push(format!("`{name}`: expected {wanted}, got {}:\n{}", documents.len(), listing(&documents)));
        }
    }
    if let Some(events) = &after.audit {
        found.extend(check_audit(events, symbols, &documents(store, &AUDIT_EVENTS).await?)?);
    }
    Ok(found)
}

fn check_audit(wanted: &[ExpectedEvent], symbols: &Symbols, events: &[Value]) -> Result<Vec<String>, String> {
    let mut left: Vec<&Value> = events.iter().collect();
    let mut found = Vec::new();
    for expected in wanted {
        let pattern = pattern(expected, symbols)?;
        match left.iter().position(|event| matches(&pattern, event)) {
            Some(position) => {
                left.remove(position);
            }
            None => found.push(format!("audit: no event is like {pattern}")),
        }
    }
    found.extend(left.iter().map(|event| format!("audit: an event is not expected: {event}")));
    Ok(found)
}

fn pattern(expected: &ExpectedEvent, symbols: &Symbols) -> Result<Value, String> {
    let actor = match expected.by.split_once(':') {
        Some(("system", name)) => json!({ "kind": "system", "name": name }),
        Some(("key", prefix)) => json!({ "kind": "api_key", "name": symbols.fill(prefix)? }),
        _ => json!({ "kind": "user", "userId": symbols.get(&expected.by)? }),
    };
    let mut pattern = json!({
        "action": expected.action, "actor": actor, "at": { "$any": "time" }, "requestId": { "$any": "text" },
    });
    if let Value::Object(members) = &mut pattern {
        for (field, symbol) in [("tenantId", &expected.tenant), ("userId", &expected.user)] {
            if let Some(symbol) = symbol {
                members.insert(field.to_owned(), json!(symbols.get(symbol)?));
            }
        }
        if let Some(changed) = &expected.changed {
            members.insert("changedFields".to_owned(), json!({ "$unordered": changed }));
        }
        if let Some(request) = &expected.request {
            members.insert("requestId".to_owned(), json!(symbols.fill(request)?));
        }
    }
    Ok(pattern)
}

fn matches(pattern: &Value, document: &Value) -> bool {
    differences(pattern, Some(document), Mode::Subset).is_empty()
}

fn listing(documents: &[Value]) -> String {
    let shown: Vec<String> = documents.iter().take(20).map(|document| format!("        {document}")).collect();
    if shown.is_empty() { "        (none)".to_owned() } else { shown.join("\n") }
}

fn collection(name: &str) -> Result<&'static Collection, String> {
    let found = crate::COLLECTIONS.iter().find(|collection| collection.name == name);
    found.copied().ok_or_else(|| format!("there is no collection `{name}`"))
}

async fn documents(store: &dyn Store, collection: &'static Collection) -> Result<Vec<Value>, String> {
    let context = RequestContext::system("cases");
    let query = Query::new(collection).limit(MAXIMUM);
    let documents = store.find(&context, &query).await.map_err(|error| error.to_string())?;
    documents.iter().map(|document| serde_json::from_str(&document.json).map_err(|error| error.to_string())).collect()
}
