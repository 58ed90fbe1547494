//! Creation of memberships from `users.tenantIds`, which stays unchanged.

use std::collections::{HashMap, HashSet};

use ::mongodb::{Database, bson::RawDocumentBuf, bson::doc};
use bson::{Bson, Document as BsonDocument, RawBsonRef, RawDocument};

use super::{
    UpgradeSettings,
    document::{examine, membership_source},
    report::{Finding, FindingKind, Report},
    run::Run,
};
use crate::{
    clock::Timestamp,
    domain::{
        GrantSource, Membership, MembershipRole, ObjectId, Tenant, TenantId, User, UserId, membership::MEMBERSHIPS,
    },
    store::{
        Entity, StoreError, StoreResult,
        mongodb::{
            UNIQUE_KEYS_FIELD, canonical,
            encode::{object_id, terms},
            transfer::{add, repeated},
        },
    },
};

/// Batch size of memberships looked up and created together.
const BATCH: usize = 500;

/// Inputs for creating memberships.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) database: &'a Database,
    pub(super) settings: &'a UpgradeSettings,
    /// Tenants with unresolved findings.
    pub(super) held_tenants: &'a HashSet<ObjectId>,
    pub(super) run: &'a Run,
}

/// Returns the tenants of a user of the replaced service, without duplicates.
pub(super) fn tenant_ids(id: ObjectId, raw: &RawDocument, report: &mut Report) -> Vec<ObjectId> {
    let Ok(array) = raw.get_array("tenantIds") else { return Vec::new() };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for item in array.into_iter().flatten() {
        let tenant = match item {
            RawBsonRef::ObjectId(tenant) => Some(ObjectId::from_bytes(tenant.bytes())),
            RawBsonRef::String(text) => text.parse().ok(),
            _ => None,
        };
        match tenant {
            Some(tenant) if seen.insert(tenant) => found.push(tenant),
            Some(_) => {}
            None => report.find(Finding {
                kind: FindingKind::InvalidTenantId,
                collection: "users",
                id: Some(id),
                detail: format!("an item of `tenantIds` is {:?}", item.element_type()),
            }),
        }
    }
    found
}

/// Creates the missing memberships.
pub(super) async fn make(context: &Context<'_>, pairs: &[(User, ObjectId)], report: &mut Report) -> StoreResult<()> {
    for pairs in pairs.chunks(BATCH) {
        let tenants = tenants(context, pairs).await?;
        let existing = existing(context.database, pairs).await?;
        let mut made = Vec::new();
        for (user, tenant) in pairs {
            let find = |kind| Finding { kind, collection: "users", id: Some(user.id.0), detail: tenant.to_string() };
            if existing.contains(&Membership::key(TenantId(*tenant), user.id)) {
                report.memberships.existing += 1;
            } else if context.held_tenants.contains(tenant) {
                report.find(find(FindingKind::MembershipHeldBack));
            } else if let Some(tenant) = tenants.get(tenant) {
                made.push(membership(tenant, user, context.run.now(), report)?);
            } else {
                report.find(find(FindingKind::DanglingTenantId));
            }
        }
        if !context.settings.dry_run && !made.is_empty() {
            context.run.begin().await?;
            add(context.database, MEMBERSHIPS.name, &made).await?;
        }
    }
    Ok(())
}

fn membership(tenant: &Tenant, user: &User, now: Timestamp, report: &mut Report) -> StoreResult<BsonDocument> {
    let source = membership_source(tenant);
    match source {
        GrantSource::Claim => report.memberships.made_by_claim += 1,
        GrantSource::Grant | GrantSource::Invitation => report.memberships.made_by_grant += 1,
    }
    let membership = Membership::new(tenant, user, MembershipRole::Member, source, now);
    let unsupported = |detail: String| StoreError::Unsupported { detail };
    let json = serde_json::to_string(&membership).map_err(|error| unsupported(error.to_string()))?;
    let mut document = doc! { "_id": object_id(membership.id()) };
    document.extend(canonical::to_bson(&MEMBERSHIPS, &json).map_err(unsupported)?);
    document.extend(terms(&MEMBERSHIPS, &json)?);
    document.insert(UNIQUE_KEYS_FIELD, membership.unique_keys());
    Ok(document)
}

async fn tenants(context: &Context<'_>, pairs: &[(User, ObjectId)]) -> StoreResult<HashMap<ObjectId, Tenant>> {
    let ids: HashSet<ObjectId> = pairs.iter().map(|(_, tenant)| *tenant).collect();
    let found = by_ids(context.database, "tenants", ids.into_iter().collect()).await?;
    let tenants = found.into_iter().filter_map(|(id, raw)| {
        let tenant = examine::<Tenant>(id, &raw, context.settings).entity?;
        Some((id, tenant))
    });
    Ok(tenants.collect())
}

/// Loads documents by their ids.
pub(super) async fn by_ids(
    database: &Database,
    collection: &str,
    ids: Vec<ObjectId>,
) -> StoreResult<Vec<(ObjectId, RawDocumentBuf)>> {
    let ids: Vec<Bson> = ids.into_iter().map(|id| Bson::ObjectId(object_id(id))).collect();
    let documents = database.collection::<RawDocumentBuf>(collection);
    repeated(|| async {
        let mut cursor = documents.find(doc! { "_id": { "$in": ids.clone() } }).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            let raw = cursor.current();
            if let Ok(id) = raw.get_object_id("_id") {
                found.push((ObjectId::from_bytes(id.bytes()), raw.to_owned()));
            }
        }
        Ok(found)
    })
    .await
}

async fn existing(database: &Database, pairs: &[(User, ObjectId)]) -> StoreResult<HashSet<String>> {
    let keys: Vec<String> = pairs.iter().map(|(user, tenant)| Membership::key(TenantId(*tenant), user.id)).collect();
    let documents = database.collection::<BsonDocument>(MEMBERSHIPS.name);
    repeated(|| async {
        let filter = doc! { UNIQUE_KEYS_FIELD: { "$in": keys.clone() } };
        let mut cursor = documents.find(filter).projection(doc! { "tenantId": 1, "userId": 1 }).await?;
        let mut found = HashSet::new();
        while cursor.advance().await? {
            let raw = cursor.current();
            if let (Ok(tenant), Ok(user)) = (raw.get_object_id("tenantId"), raw.get_object_id("userId")) {
                let (tenant, user) = (ObjectId::from_bytes(tenant.bytes()), ObjectId::from_bytes(user.bytes()));
                found.insert(Membership::key(TenantId(tenant), UserId(user)));
            }
        }
        Ok(found)
    })
    .await
}
