//! Reads the caller's profile.

use std::collections::HashMap;

use super::{
    PROFILE_TENANTS, SyncedCaller,
    memberships::{living, membership_position},
    sync::Synced,
};
use crate::{
    domain::{
        Membership, MembershipRole, Subscription, Tenant, TenantId, User, subscription::SUBSCRIPTIONS, tenant::TENANTS,
    },
    error::Result,
    service::{
        Call, Service,
        tenants::TenantFilter,
        views::{ProfileView, SubscriptionView, TenantView, UserView},
    },
    store::{Filter, Query, Repository},
};

impl Service {
    /// Returns the caller's user, tenants (the first 100 by name) and those tenants' subscriptions.
    ///
    /// Syncs the caller's memberships with the token's claims first.
    ///
    /// # Errors
    /// As [`Service::sync_claims`].
    pub async fn profile(&self, call: &Call) -> Result<ProfileView> {
        let Synced { user, memberships, tenants, subscriptions } = self.sync_with_tenants(call).await?;
        profile(call, user, memberships, living(tenants), subscriptions)
    }

    /// Returns the profile of a caller whose claims were synced elsewhere.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn profile_of(&self, call: &Call, synced: SyncedCaller) -> Result<ProfileView> {
        let SyncedCaller { user, memberships } = synced;
        let shown = memberships.iter().take(usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX));
        let ids: Vec<TenantId> = shown.map(|membership| membership.tenant_id).collect();
        if ids.is_empty() {
            return profile(call, user, memberships, HashMap::new(), Vec::new());
        }
        let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let keys = ids.iter().map(|tenant| Subscription::current_key(*tenant)).collect();
        let reads = [
            Query::new(&TENANTS).filter(Filter::In("id", ids.iter().map(|id| id.0.into()).collect())),
            Query::new(&SUBSCRIPTIONS).filter(Filter::UniqueKeyIn(keys)),
        ];
        let reads = reads.map(|query| query.limit(limit).into());
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        profile(call, user, memberships, living(answers.all()?), answers.all()?)
    }
}

fn profile(
    call: &Call,
    user: User,
    mut memberships: Vec<Membership>,
    mut tenants: HashMap<TenantId, Tenant>,
    subscriptions: Vec<Subscription>,
) -> Result<ProfileView> {
    let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
    let more = memberships.len() > shown;
    memberships.truncate(shown);
    let platform = false;
    let mut roles: HashMap<TenantId, MembershipRole> = HashMap::with_capacity(memberships.len());
    let mut tenant_ids = Vec::with_capacity(memberships.len());
    let mut views = Vec::with_capacity(memberships.len());
    for membership in &memberships {
        if let Some(tenant) = tenants.remove(&membership.tenant_id) {
            roles.insert(tenant.id, membership.role);
            tenant_ids.push(tenant.id);
            views.push(TenantView::new(tenant, Some(membership.role), platform));
        }
    }
    let subscriptions = subscriptions
        .into_iter()
        .filter_map(|subscription| {
            let role = roles.get(&subscription.tenant_id).copied()?;
            Some(SubscriptionView::new(subscription, Some(role), platform))
        })
        .collect();
    let next_cursor = match memberships.last() {
        Some(last) if more => {
            Some(Service::own_tenants_scope(call, &TenantFilter::default()).encode(membership_position(last))?)
        }
        _ => None,
    };
    Ok(ProfileView { user: UserView::new(user, tenant_ids), tenants: views, subscriptions, next_cursor })
}
