//! Fields that a caller does not see of documents that they may see, as the views of the API have it.

use std::collections::BTreeMap;

use dezky::{
    domain::{MembershipRole, membership::MEMBERSHIPS, subscription::SUBSCRIPTIONS, tenant::TENANTS, user::USERS},
    store::{Collection, Document, StoreError, StoreResult},
};
use serde_json::value::{RawValue, to_raw_value};

/// What owners and admins see of their tenant, and members do not.
const OF_TENANT: &[&str] =
    &["billingInfo", "authentikGroup", "ocisSpaceId", "stalwartDomain", "formerSlugs", "suspendedFrom"];

/// What owners see of a subscription, and nobody else of the tenant.
const OF_SUBSCRIPTION: &[&str] = &["stripeCustomerId", "stripeSubscriptionId"];

/// What owners and admins see of fellow members, and members do not.
const OF_MEMBERSHIP: &[&str] = &["userEmail", "userEmailKey"];

/// What owners and admins see of the person behind a membership: what a grant copies, and whether they can act.
const OF_PERSON: &[&str] =
    &["id", "version", "email", "emailKey", "name", "nameKey", "status", "deletedAt", "createdAt", "updatedAt"];

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
            members.retain(|name, _| OF_PERSON.contains(&name.as_str()));
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
        members.retain(|name, _| !hidden.contains(&name.as_str()));
        if collection == &MEMBERSHIPS {
            // Every membership has one.
            members.insert("userEmailKey".to_owned(), to_raw_value("")?);
        }
        Ok(())
    })
}

/// The members of an object, whose values nobody has to look into.
type Members = BTreeMap<String, Box<RawValue>>;

fn rewrite(
    collection: &'static Collection,
    document: &mut Document,
    change: impl FnOnce(&mut Members) -> serde_json::Result<()>,
) -> StoreResult<()> {
    let mut members: Members = document.decode(collection)?;
    let rewritten = change(&mut members).and_then(|()| serde_json::to_string(&members));
    document.json = rewritten.map_err(|error| StoreError::Corrupt {
        collection: collection.name,
        id: Some(document.id),
        detail: error.to_string(),
    })?;
    Ok(())
}
