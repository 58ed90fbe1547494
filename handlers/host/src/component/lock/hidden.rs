//! Removes fields that a caller does not see in a visible document, as the API's views do.

use std::{borrow::Cow, fmt};

use dezky::{
    callers::Callers,
    domain::MembershipRole,
    store::{Collection, Document, Field, Scope, StoreError, StoreResult},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Removes the fields of a document that a caller in this role does not see.
///
/// The document belongs to their tenant, or to a person known there.
///
/// The declaration of each field lists its readers. Undeclared fields stay in documents of a tenant, where the replaced
/// service may have left them, and are removed from those of people.
pub(super) fn take_away(
    collection: &'static Collection,
    role: Option<MembershipRole>,
    document: &mut Document,
) -> StoreResult<()> {
    let of_people = matches!(collection.scope, Scope::Person(_));
    // Anybody whose tenant knows a person is at least a member of that tenant.
    let reader = if of_people { Callers::MEMBER } else { MembershipRole::caller(role) };
    let is_hidden = |field: &&Field| !field.readers.includes(reader);
    let hidden = || collection.fields.iter().filter(is_hidden);
    // Without a backslash in the text, a name cannot be escaped.
    let may_have = |field: &Field| document.json.contains('\\') || document.json.contains(field.name);
    if !of_people && !hidden().any(may_have) {
        return Ok(());
    }
    rewrite(collection, document, |members| {
        members.retain(|(name, _)| match collection.field(&name.0) {
            Some(field) => !is_hidden(&field),
            None => !of_people || name.0 == "id",
        });
        if !of_people {
            // Every document has the derived forms of its texts.
            for derived in hidden().filter(|field| field.derived.is_some()) {
                members.push((Name(Cow::Borrowed(derived.name)), serde_json::from_str("\"\"")?));
            }
        }
        Ok(())
    })
}

/// Capacity for the members of most documents.
const MEMBERS: usize = 32;

/// The members of an object in order, whose values are not parsed.
struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// The name of a member, which borrows from the text unless it is escaped.
#[derive(Deserialize, Serialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct ReadMembers;

impl<'de> Visitor<'de> for ReadMembers {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(MEMBERS);
        while let Some(member) = object.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadMembers)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn rewrite(
    collection: &'static Collection,
    document: &mut Document,
    change: impl for<'a> FnOnce(&mut Vec<(Name<'a>, &'a RawValue)>) -> serde_json::Result<()>,
) -> StoreResult<()> {
    let rewritten = serde_json::from_str(&document.json).and_then(|Members(mut members)| {
        change(&mut members)?;
        serde_json::to_string(&Members(members))
    });
    document.json = rewritten.map_err(|error| StoreError::Corrupt {
        collection: collection.name,
        id: Some(document.id),
        detail: error.to_string(),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use dezky::domain::{ObjectId, tenant::TENANTS, user::USERS};

    use super::*;

    #[test]
    fn what_is_hidden_goes_however_it_is_written_and_all_else_stays_as_it_was() -> StoreResult<()> {
        let json = r#"{"slug":"acme","\u0062illingInfo":{"vatId":"DE1"},"name":"A \"B\" \u00e9","quota":1.50,"ocisSpaceId":null}"#;
        let mut document = Document { id: ObjectId::from_bytes([1; 12]), version: 3, json: json.to_owned() };
        // Only the name that is written with an escape is written anew.
        take_away(&TENANTS, Some(MembershipRole::Admin), &mut document)?;
        assert_eq!(document.json, json.replace("\\u0062", "b"));
        take_away(&TENANTS, Some(MembershipRole::Member), &mut document)?;
        assert_eq!(document.json, r#"{"slug":"acme","name":"A \"B\" \u00e9","quota":1.50}"#);
        Ok(())
    }

    #[test]
    fn what_is_no_object_is_corrupt() {
        for json in ["[]", "{\"billingInfo\":", "\"billingInfo\"", ""] {
            let mut document = Document { id: ObjectId::from_bytes([1; 12]), version: 3, json: json.to_owned() };
            let taken = take_away(&USERS, None, &mut document);
            assert!(matches!(taken, Err(StoreError::Corrupt { collection: "users", .. })), "{json}: {taken:?}");
        }
    }
}
