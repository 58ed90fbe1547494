//! Lists subscriptions.

use std::collections::HashMap;

use crate::{
    authz::{Action, Resource, TargetFacts},
    domain::{
        Open, Subscription, SubscriptionStatus, TenantId,
        subscription::{
            SUBSCRIPTIONS, SUBSCRIPTIONS_BY_AGE, SUBSCRIPTIONS_BY_PLAN, SUBSCRIPTIONS_BY_STATUS,
            SUBSCRIPTIONS_OF_TENANT,
        },
    },
    error::Result,
    service::{
        Call, ListRequest, Page, Service,
        access::{CallerFacts, TenantReference, check},
        cursor::CursorScope,
        filter::StatusCheck,
        profile::OwnPage,
        views::SubscriptionView,
    },
    store::{Position, Query, Repository},
};

/// Selects subscriptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionFilter {
    /// Only those of this tenant.
    pub tenant_id: Option<TenantId>,
    /// Only those with this status.
    pub status: Option<Open<SubscriptionStatus>>,
    /// Only those with this plan.
    pub plan: Option<String>,
}

impl SubscriptionFilter {
    fn scope(&self, call: &Call, name: &str, tenant: Option<&str>) -> CursorScope {
        let status = self.status.as_ref().map(Open::name);
        CursorScope::new(call, name, &[("tenant", tenant), ("status", status), ("plan", self.plan.as_deref())])
    }

    fn admits(&self, subscription: &Subscription) -> bool {
        self.status.as_ref().is_none_or(|status| subscription.status == *status)
            && self.plan.as_ref().is_none_or(|plan| subscription.plan == *plan)
    }
}

fn position(subscription: &Subscription) -> Position {
    Position { values: vec![subscription.created_at.into()], id: subscription.id.0 }
}

impl Service {
    /// Lists subscriptions that the caller may see.
    ///
    /// The platform gets all and a tenant's members get those of the tenant, both by age. Without a tenant, other
    /// callers get the current ones (or those with the requested status) of their own tenants, by name of tenant.
    ///
    /// # Errors
    /// `not_found` for a tenant that the caller may not see, `invalid_cursor` or `invalid_fields`.
    pub async fn list_subscriptions(
        &self,
        call: &Call,
        filter: &SubscriptionFilter,
        request: &ListRequest,
    ) -> Result<Page<SubscriptionView>> {
        if let Some(tenant) = filter.tenant_id {
            let access = self.tenant_access(call, &TenantReference::Id(tenant)).await?;
            access.authorize_with(Action::ReadSubscription, TargetFacts::default(), &[])?;
            let (role, platform) = (access.role(), access.caller.is_platform());
            let status_check = StatusCheck::new(&SUBSCRIPTIONS, filter.status.as_ref(), platform)?;
            let view = |subscription| SubscriptionView::new(subscription, role, platform);
            return self.find_subscriptions(call, filter, request, &status_check, view).await;
        }
        let caller = self.caller(call).await?;
        check(&caller, Action::ListSubscriptions, &Resource::default())?;
        let status_check = StatusCheck::new(&SUBSCRIPTIONS, filter.status.as_ref(), caller.is_platform())?;
        if caller.is_platform() {
            let view = |subscription| SubscriptionView::new(subscription, None, true);
            self.find_subscriptions(call, filter, request, &status_check, view).await
        } else {
            self.own_subscriptions(call, &caller, filter, request).await
        }
    }

    async fn find_subscriptions(
        &self,
        call: &Call,
        filter: &SubscriptionFilter,
        request: &ListRequest,
        status_check: &StatusCheck,
        view: impl FnMut(Subscription) -> SubscriptionView,
    ) -> Result<Page<SubscriptionView>> {
        let tenant = filter.tenant_id.map(|tenant| tenant.to_string());
        let scope = filter.scope(call, "subscriptions", tenant.as_deref());
        let limit = request.limit()?;
        let after = scope.decode(request.cursor.as_deref(), 1)?;
        let mut query = Query::new(&SUBSCRIPTIONS).after(after).limit(limit.saturating_add(1));
        query = query.sort(match (&filter.tenant_id, &filter.status, &filter.plan) {
            (Some(_), ..) => &SUBSCRIPTIONS_OF_TENANT,
            (None, Some(_), _) => &SUBSCRIPTIONS_BY_STATUS,
            (None, None, Some(_)) => &SUBSCRIPTIONS_BY_PLAN,
            (None, None, None) => &SUBSCRIPTIONS_BY_AGE,
        });
        if let Some(tenant) = filter.tenant_id {
            query = query.equal("tenantId", tenant.0);
        }
        if let Some(status) = &filter.status {
            query = query.equal("status", status.name());
        }
        if let Some(plan) = &filter.plan {
            query = query.equal("plan", plan.as_str());
        }
        let mut reads = vec![query.into()];
        status_check.add_to(&mut reads);
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let found: Vec<Subscription> = answers.all()?;
        status_check.finish::<SubscriptionStatus>(&mut answers)?;
        scope.page(found, limit, position, view)
    }

    /// A tenant has at most one such subscription, so a page of memberships is a page of subscriptions.
    async fn own_subscriptions(
        &self,
        call: &Call,
        caller: &CallerFacts,
        filter: &SubscriptionFilter,
        request: &ListRequest,
    ) -> Result<Page<SubscriptionView>> {
        let scope = filter.scope(call, "own-subscriptions", None);
        let after = scope.decode(request.cursor.as_deref(), 1)?;
        let OwnPage { memberships, next, tenants, subscriptions } =
            self.own_page(call, caller, None, after, request.limit()?, true).await?;
        let living = subscriptions.into_iter().filter(|found| tenants.contains_key(&found.tenant_id));
        let mut found: HashMap<TenantId, Subscription> =
            living.map(|subscription| (subscription.tenant_id, subscription)).collect();
        let items = memberships
            .iter()
            .filter_map(|membership| Some((found.remove(&membership.tenant_id)?, membership.role)))
            .filter(|(subscription, _)| filter.admits(subscription))
            .map(|(subscription, role)| SubscriptionView::new(subscription, Some(role), false))
            .collect();
        let next_cursor = next.map(|next| scope.encode(next)).transpose()?;
        Ok(Page { items, next_cursor })
    }
}
