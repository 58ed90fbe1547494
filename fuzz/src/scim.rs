//! Filters, resources and patches of SCIM, with NUL bytes between them: the patch changes the resource, which the filter is compared
//! with before and after.

use dezky::{
    Error,
    scim::{Condition, GROUP, Resource, SCIM_TYPES, Schema, USER, patch::Patch, resource},
};
use serde_json::{Value, json};

/// Asserts that a filter and its negation never both fit, and that what is accepted is read back unchanged.
pub fn check(data: &[u8]) {
    let (filter, rest) = super::halves(data);
    let (body, patch) = super::halves(rest);
    let filter = String::from_utf8_lossy(filter);
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let patch: Value = serde_json::from_slice(patch).unwrap_or(Value::Null);
    for schema in [&USER, &GROUP] {
        held_to(schema, &filter, &body, &patch);
    }
}

fn held_to(schema: &'static Schema, filter: &str, body: &Value, patch: &Value) {
    let condition = Condition::read(schema, filter).inspect_err(refused);
    let negation = Condition::read(schema, &format!("not ({filter})"));
    let compare = |resource: &Resource| {
        if let (Ok(condition), Ok(negation)) = (&condition, &negation) {
            assert_ne!(condition.fits(resource), negation.fits(resource), "{filter}");
        }
    };
    let pushed = resource::read_group(schema, body.clone()).map(|(resource, _)| resource);
    let mut resource = pushed.unwrap_or_else(|error| {
        refused(&error);
        let plain = json!({ "userName": "anna", "displayName": "staff", "emails": [{ "value": "a@example.eu" }] });
        resource::read(schema, plain).expect("a resource")
    });
    kept(schema, &resource);
    compare(&resource);
    let before = resource.clone();
    match Patch::read(schema, patch.clone()) {
        Err(error) => refused(&error),
        Ok(patch) => {
            assert!(patch.members.added.is_disjoint(&patch.members.removed), "{:?}", patch.members);
            match patch.apply(&mut resource) {
                Err(error) => refused(&error),
                Ok(()) => {
                    kept(schema, &resource);
                    compare(&resource);
                }
            }
        }
    }
    compare(&before);
}

/// Asserts that an accepted resource is accepted again, and stays as it is.
fn kept(schema: &'static Schema, resource: &Resource) {
    let read = resource::read(schema, Value::Object(resource.clone()));
    assert_eq!(&read.expect("what was accepted is accepted"), resource);
}

/// Asserts that a refusal has a code of SCIM and says something.
fn refused(error: &Error) {
    assert!(SCIM_TYPES.iter().any(|(code, _)| error.is(*code)) && !error.message().is_empty(), "{error:?}");
}
