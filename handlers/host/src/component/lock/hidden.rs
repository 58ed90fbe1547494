//! Fields that a caller does not see of documents that they may see, as the views of the API have it.

use std::{borrow::Cow, fmt};

use dezky::{
    domain::{MembershipRole, membership::MEMBERSHIPS, subscription::SUBSCRIPTIONS, tenant::TENANTS, user::USERS},
    store::{Collection, Document, StoreError, StoreResult},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// What owners and admins see of their tenant, and members do not.
const OF_TENANT: &[&str] =
    &["billingInfo", "authentikGroup", "ocisSpaceId", "stalwartDomain", "formerSlugs", "suspendedFrom"];

/// What owners see of a subscription, and nobody else of the tenant.
const OF_SUBSCRIPTION: &[&str] = &["stripeCustomerId", "stripeSubscriptionId"];

/// What owners and admins see of fellow members, and members do not.
const OF_MEMBERSHIP: &[&str] = &["userEmail", "userEmailKey"];

/// What owners and admins see of the person behind a membership: whether they can act. What they are called, the copies in the
/// membership say.
const OF_PERSON: &[&str] = &["id", "version", "status", "deletedAt", "createdAt", "updatedAt"];

/// Takes away what somebody in this role does not see of a document of their tenant, or of a person whom it knows.
pub(super) fn take_away(
    collection: &'static Collection,
    role: Option<MembershipRole>,
    document: &mut Document,
) -> StoreResult<()> {
    let hidden = if collection == &TENANTS && role < Some(MembershipRole::Admin) {
        OF_TENANT
    } else if collection == &SUBSCRIPTIONS && role < Some(MembershipRole::Owner) {
        OF_SUBSCRIPTION
    } else if collection == &MEMBERSHIPS && role < Some(MembershipRole::Admin) {
        OF_MEMBERSHIP
    } else if collection == &USERS {
        return rewrite(collection, document, |members| {
            members.retain(|(name, _)| OF_PERSON.contains(&&*name.0));
            Ok(())
        });
    } else {
        return Ok(());
    };
    // A name could only be written otherwise with a backslash.
    if !document.json.contains('\\') && !hidden.iter().any(|name| document.json.contains(name)) {
        return Ok(());
    }
    rewrite(collection, document, |members| {
        members.retain(|(name, _)| !hidden.contains(&&*name.0));
        if collection == &MEMBERSHIPS {
            // Every membership has one.
            members.push((Name(Cow::Borrowed("userEmailKey")), serde_json::from_str("\"\"")?));
        }
        Ok(())
    })
}

/// Room for as many members as most documents have.
const MEMBERS: usize = 32;

/// The members of an object in their order, whose values nobody has to look into.
struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// The name of a member, which is part of the text unless it is written with a backslash.
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
    use dezky::domain::ObjectId;

    use super::*;

    #[test]
    fn what_is_hidden_goes_however_it_is_written_and_all_else_stays_as_it_was() -> StoreResult<()> {
        let json = r#"{"slug":"acme","\u0062illingInfo":{"vatId":"DE1"},"name":"A \"B\" \u00e9","quota":1.50,"ocisSpaceId":null}"#;
        let mut document = Document { id: ObjectId::from_bytes([1; 12]), version: 3, json: json.to_owned() };
        take_away(&TENANTS, Some(MembershipRole::Admin), &mut document)?;
        assert_eq!(document.json, json);
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
