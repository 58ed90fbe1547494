//! Reads the caller's profile.

use std::collections::HashMap;

use super::{
    PROFILE_TENANTS, SyncedCaller,
    memberships::{living, membership_position},
    sync::Synced,
};
use crate::{
    domain::{MembershipRole, Subscription, Tenant, TenantId, User, subscription::SUBSCRIPTIONS, tenant::TENANTS},
    error::Result,
    service::{
        Call, Service,
        tenants::TenantFilter,
        views::{ProfileView, SubscriptionView, TenantView, UserView},
    },
    store::{Filter, Position, Query, Repository},
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
        let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
        let next = match memberships.get(shown.saturating_sub(1)) {
            Some(last) if memberships.len() > shown => Some(last.position()?),
            _ => None,
        };
        let roles = memberships.iter().map(|membership| (membership.tenant_id, membership.role)).collect();
        profile(call, user, roles, next, living(tenants), subscriptions)
    }

    /// Returns the profile of a caller whose claims were synced elsewhere.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn profile_of(&self, call: &Call, synced: SyncedCaller) -> Result<ProfileView> {
        let SyncedCaller { user, memberships } = synced;
        let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
        let last = memberships.get(shown.saturating_sub(1)).filter(|_| memberships.len() > shown);
        let next = last.map(membership_position);
        let roles: Vec<_> = memberships.iter().map(|membership| (membership.tenant_id, membership.role)).collect();
        let ids: Vec<TenantId> = roles.iter().take(shown).map(|(tenant, _)| *tenant).collect();
        if ids.is_empty() {
            return profile(call, user, roles, next, HashMap::new(), Vec::new());
        }
        let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let keys = ids.iter().map(|tenant| Subscription::current_key(*tenant)).collect();
        let reads = [
            Query::new(&TENANTS).filter(Filter::In("id", ids.iter().map(|id| id.0.into()).collect())),
            Query::new(&SUBSCRIPTIONS).filter(Filter::UniqueKeyIn(keys)),
        ];
        let reads = reads.map(|query| query.limit(limit).into());
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        profile(call, user, roles, next, living(answers.all()?), answers.all()?)
    }
}

fn profile(
    call: &Call,
    user: User,
    mut memberships: Vec<(TenantId, MembershipRole)>,
    next: Option<Position>,
    mut tenants: HashMap<TenantId, Tenant>,
    subscriptions: Vec<Subscription>,
) -> Result<ProfileView> {
    let shown = usize::try_from(PROFILE_TENANTS).unwrap_or(usize::MAX);
    memberships.truncate(shown);
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
    let subscriptions = subscriptions
        .into_iter()
        .filter_map(|subscription| {
            let role = roles.get(&subscription.tenant_id).copied()?;
            Some(SubscriptionView::new(subscription, Some(role), platform))
        })
        .collect();
    let next_cursor =
        next.map(|next| Service::own_tenants_scope(call, &TenantFilter::default()).encode(next)).transpose()?;
    Ok(ProfileView { user: UserView::new(user, tenant_ids), tenants: views, subscriptions, next_cursor })
}
