//! Reads the caller's profile.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::{ProfileDocuments, SyncedCaller, memberships::living};
use crate::{
    domain::{MembershipRole, Subscription, Tenant, TenantId, subscription::SUBSCRIPTIONS, tenant::TENANTS},
    error::Result,
    service::{
        Call, Service,
        tenants::TenantFilter,
        views::{ProfileView, SubscriptionView, TenantView, UserView},
    },
    store::{Document, Entity, Filter, Query, Repository, StoreError, StoreResult},
};

/// A query that [`Service::profile_of`] would make, with its answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReadAhead {
    /// The query.
    pub query: Query,
    /// The documents that it finds.
    pub documents: Vec<Document>,
}

impl Service {
    /// Returns the caller's user, tenants (the first 100 by name) and those tenants' subscriptions.
    ///
    /// Syncs the caller's memberships with the token's claims first.
    ///
    /// # Errors
    /// As [`Service::sync_claims`].
    pub async fn profile(&self, call: &Call) -> Result<ProfileView> {
        let (caller, tenants, subscriptions) = self.sync(call).await?.into_caller()?;
        profile(call, caller, decoded(&tenants)?, decoded(&subscriptions)?)
    }

    /// Creates or updates the caller's user, and syncs `platformAdmin` and memberships with the token's groups.
    ///
    /// Returns the caller, and what [`Service::profile_of`] would read for them, which the same round trip has read.
    ///
    /// # Errors
    /// `user_disabled`, `user_deleted`, `session_ended`, `token_revoked`, or `person_required` for a system actor.
    pub async fn sync_claims(&self, call: &Call) -> Result<(SyncedCaller, Vec<ReadAhead>)> {
        let (caller, tenants, subscriptions) = self.sync(call).await?.into_caller()?;
        // Of more tenants than are shown, more were read.
        let ahead = match profile_reads(&caller) {
            Some(queries) if caller.next.is_none() => {
                let answers = queries.into_iter().zip([tenants, subscriptions]);
                answers.map(|(query, documents)| ReadAhead { query, documents }).collect()
            }
            _ => Vec::new(),
        };
        Ok((caller, ahead))
    }

    /// Returns the profile of a caller whose claims were synced elsewhere.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn profile_of(&self, call: &Call, mut caller: SyncedCaller) -> Result<ProfileView> {
        if let Some(ProfileDocuments { tenants, subscriptions }) = caller.documents.take() {
            return profile(call, caller, parsed(&tenants)?, parsed(&subscriptions)?);
        }
        let Some(queries) = profile_reads(&caller) else { return profile(call, caller, Vec::new(), Vec::new()) };
        let mut answers = self.store.load_together(&call.context, &queries.map(Into::into)).await?;
        profile(call, caller, answers.all()?, answers.all()?)
    }
}

fn decoded<E: Entity>(documents: &[Document]) -> StoreResult<Vec<E>> {
    documents.iter().map(|document| document.decode(E::COLLECTION)).collect()
}

fn parsed<E: Entity>(texts: &[Box<RawValue>]) -> StoreResult<Vec<E>> {
    let parsed: serde_json::Result<_> = texts.iter().map(|text| serde_json::from_str(text.get())).collect();
    parsed.map_err(|error| StoreError::Corrupt { collection: E::COLLECTION.name, id: None, detail: error.to_string() })
}

/// Returns the queries for the tenants of a caller, and for their subscriptions; `None` without tenants.
fn profile_reads(caller: &SyncedCaller) -> Option<[Query; 2]> {
    if caller.roles.is_empty() {
        return None;
    }
    let limit = u32::try_from(caller.roles.len()).unwrap_or(u32::MAX);
    let ids = caller.roles.iter().map(|(tenant, _)| tenant.0.into()).collect();
    let keys = caller.roles.iter().map(|(tenant, _)| Subscription::current_key(*tenant)).collect();
    let queries = [
        Query::new(&TENANTS).filter(Filter::In("id", ids)),
        Query::new(&SUBSCRIPTIONS).filter(Filter::UniqueKeyIn(keys)),
    ];
    Some(queries.map(|query| query.limit(limit)))
}

fn profile(
    call: &Call,
    caller: SyncedCaller,
    tenants: Vec<Tenant>,
    subscriptions: Vec<Subscription>,
) -> Result<ProfileView> {
    let SyncedCaller { user, roles: memberships, next, .. } = caller;
    let mut tenants = living(tenants);
    let platform = false;
    let mut roles: HashMap<TenantId, MembershipRole> = HashMap::with_capacity(memberships.len());
    let mut tenant_ids = Vec::with_capacity(memberships.len());
    let mut views = Vec::with_capacity(memberships.len());
    for (tenant, role) in memberships {
        if let Some(tenant) = tenants.remove(&tenant) {
            roles.insert(tenant.id, role);
            tenant_ids.push(tenant.id);
            views.push(TenantView::of_own(tenant, Some(role)));
        }
    }
    let mut shown = Vec::with_capacity(subscriptions.len());
    for subscription in subscriptions {
        if let Some(role) = roles.get(&subscription.tenant_id) {
            shown.push(SubscriptionView::new(subscription, Some(*role), platform));
        }
    }
    let next_cursor =
        next.map(|next| Service::own_tenants_scope(call, &TenantFilter::default()).encode(next)).transpose()?;
    Ok(ProfileView { user: UserView::new(user, tenant_ids), tenants: views, subscriptions: shown, next_cursor })
}
