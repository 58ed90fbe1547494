//! Queries, and how the registry cuts pages out.

use serde_json::{Map, Value, json};

use super::{MethodError, enforce, ids};
use crate::emulators::{Exchange, stalwart::state::State};

/// Number of ids in one answer.
const MAXIMUM_IDS: usize = 5_000;

pub(super) fn query(
    state: &State,
    exchange: &Exchange,
    object: &str,
    arguments: &Map<String, Value>,
) -> Result<Map<String, Value>, MethodError> {
    enforce(state, object, "Query", "You are not authorized to perform this action")?;
    let filter = arguments.get("filter").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut matches = Vec::new();
    for (id, created) in all(state, object) {
        let mut hit = created <= exchange.listed_until;
        for (property, value) in &filter {
            hit &= matches_filter(state, object, id, property, value)?;
        }
        if hit {
            matches.push(id);
        }
    }
    let sort = arguments.get("sort").and_then(|sort| sort.get(0));
    let property = sort.and_then(|sort| sort.get("property")).and_then(Value::as_str).unwrap_or("id");
    if property != "id" {
        return Err(("unsupportedSort", format!("Property {property} is not supported for sorting")));
    }
    // Without a wish the newest come first.
    let ascending = sort.is_some_and(|sort| sort.get("isAscending").is_none_or(|ascending| ascending == &json!(true)));
    let number =
        |name: &str| arguments.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let position = number("position");
    let limit = number("limit").unwrap_or(MAXIMUM_IDS).min(MAXIMUM_IDS);
    let total = arguments.get("calculateTotal") == Some(&json!(true));
    let length = matches.len();
    let page: Vec<u32> = if total || position == Some(0) {
        if !ascending {
            matches.reverse();
        }
        matches.into_iter().skip(position.unwrap_or(0)).take(limit).collect()
    } else {
        // Cut out of the ascending list, and sorted only then: pages of a descending list overlap.
        let mut page: Vec<u32> = matches.into_iter().skip(position.unwrap_or(0)).take(limit).collect();
        if !ascending {
            page.reverse();
        }
        page
    };
    let mut answer = Map::new();
    answer.insert("queryState".to_owned(), json!("n"));
    answer.insert("canCalculateChanges".to_owned(), json!(true));
    answer.insert("position".to_owned(), json!(position.unwrap_or(0)));
    answer.insert("ids".to_owned(), page.into_iter().map(ids::write).collect());
    if total {
        answer.insert("total".to_owned(), json!(length));
    }
    Ok(answer)
}

/// Returns ids and times of creation, ascending.
fn all(state: &State, object: &str) -> Vec<(u32, crate::clock::Timestamp)> {
    match object {
        "Domain" => state.domains.iter().map(|(id, domain)| (*id, domain.created)).collect(),
        "Account" => state.accounts.iter().map(|(id, account)| (*id, account.created)).collect(),
        _ => state.signatures.iter().map(|(id, signature)| (*id, signature.created)).collect(),
    }
}

/// Compares exactly: stored names are in lower case, and what is asked for is not changed.
fn matches_filter(state: &State, object: &str, id: u32, property: &str, value: &Value) -> Result<bool, MethodError> {
    let unsupported = || ("unsupportedFilter", format!("Filter on property {property} is not supported or invalid"));
    let text = value.as_str().ok_or_else(unsupported)?;
    match (object, property) {
        ("Domain", "name") => Ok(state.domains.get(&id).is_some_and(|domain| domain.name == text)),
        ("Account", "name") => Ok(state.accounts.get(&id).is_some_and(|account| account.local_part == text)),
        ("Account", "domainId") => {
            let domain = ids::read(text).ok_or_else(unsupported)?;
            Ok(state.accounts.get(&id).is_some_and(|account| account.domain == domain))
        }
        ("DkimSignature", "domainId") => {
            let domain = ids::read(text).ok_or_else(unsupported)?;
            let name = state.domains.get(&domain).map(|domain| &domain.name);
            Ok(state.signatures.get(&id).is_some_and(|signature| Some(&signature.domain) == name))
        }
        _ => Err(unsupported()),
    }
}
