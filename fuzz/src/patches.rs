//! Bodies and merge patches: the body before the first NUL byte creates a document, the patch after it changes it.

use dezky::{
    Error, ErrorKind,
    clock::Timestamp,
    domain::{CreateTenant, CreateUser, RevokedBy, Tenant, UpdateTenant, UpdateUser, User},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_772_366_400);

/// Asserts that patches are idempotent, an empty one has no effect, and results can be stored.
pub fn check(data: &[u8]) {
    let (body, patch) = super::halves(data);
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let Ok(patch) = serde_json::from_slice::<Value>(patch) else { return };
    tenant(body.clone(), &patch);
    user(body, &patch);
}

fn tenant(body: Value, patch: &Value) {
    let read = CreateTenant::read(body).and_then(|create| create.into_tenant(NOW));
    let tenant = read.unwrap_or_else(|error| {
        refused(&error);
        let body = json!({ "slug": "acme", "name": "Acme", "domains": ["acme.eu"] });
        CreateTenant::read(body).and_then(|create| create.into_tenant(NOW)).expect("a tenant")
    });
    kept(&tenant);
    let change = |tenant: &Tenant, patch: &Value| -> Result<Tenant, Error> {
        let mut changed = tenant.clone();
        UpdateTenant::read(patch.clone())?.apply(&mut changed)?;
        Ok(changed)
    };
    assert_eq!(change(&tenant, &json!({})).expect("nothing"), tenant);
    match change(&tenant, patch) {
        Err(error) => refused(&error),
        Ok(once) => {
            kept(&once);
            assert_eq!(change(&once, patch).expect("what was accepted is accepted again"), once);
            let names: Vec<&str> = once.domain_verifications.iter().map(|domain| domain.name.as_str()).collect();
            assert!(names.iter().all(|name| once.domains.iter().any(|domain| domain == name)), "{names:?}");
            let fields = UpdateTenant::read(patch.clone()).expect("it was read").fields().to_vec();
            let members = patch.as_object().expect("an object");
            assert_eq!(fields.len(), members.len(), "every member of an accepted patch is known");
        }
    }
}

fn user(body: Value, patch: &Value) {
    let user = CreateUser::read(body).map(|create| create.into_user(NOW)).unwrap_or_else(|error| {
        refused(&error);
        CreateUser::read(json!({ "authentikSubjectId": "anna" })).expect("a user").into_user(NOW)
    });
    kept(&user);
    let change = |user: &User, patch: &Value| -> Result<User, Error> {
        let mut changed = user.clone();
        UpdateUser::read(patch.clone())?.apply(&mut changed, RevokedBy::Person, NOW);
        Ok(changed)
    };
    assert_eq!(change(&user, &json!({})).expect("nothing"), user);
    match change(&user, patch) {
        Err(error) => refused(&error),
        Ok(once) => {
            kept(&once);
            assert_eq!(change(&once, patch).expect("what was accepted is accepted again"), once);
        }
    }
}

/// Asserts that a stored document is read back unchanged.
fn kept<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(document: &T) {
    let text = serde_json::to_string(document).expect("a document can be written");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("and be read"), document);
}

/// Asserts that a body is refused with every invalid field named.
fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(!error.fields().is_empty() && error.fields().iter().all(|field| !field.message.is_empty()));
}
