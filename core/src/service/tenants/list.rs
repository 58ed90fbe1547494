//! Lists tenants.

use std::collections::HashMap;

use crate::{
    authz::{Action, Resource},
    domain::{
        Choice as _, MembershipRole, Open, Tenant, TenantId, TenantStatus,
        tenant::{TENANTS, TENANTS_BY_NAME, TENANTS_BY_PLAN, TENANTS_BY_STATUS, TENANTS_BY_WORD},
    },
    error::{Code, Error, Result},
    service::{
        Call, ListRequest, Page, Service,
        access::{CallerFacts, check},
        cursor::CursorScope,
        filter::StatusCheck,
        profile::OwnPage,
        views::TenantView,
    },
    store::{Filter, Form, Position, Query, Repository, terms},
};

/// Selects tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantFilter {
    /// Only tenants with this status. Without it, all except deleted ones.
    pub status: Option<Open<TenantStatus>>,
    /// Only tenants with this plan.
    pub plan: Option<String>,
    /// Only tenants with words in their name that begin with the words of this search, ignoring case.
    pub search: Option<String>,
}

impl TenantFilter {
    fn admits(&self, tenant: &Tenant) -> bool {
        let status = match &self.status {
            Some(status) => tenant.status == *status,
            None => tenant.status != TenantStatus::Deleted,
        };
        let search = self.search.as_deref().is_none_or(|search| {
            // As the store searches: by words, or by the whole name if the search has no words.
            let by_words = !terms::searched(search).is_empty();
            let found = || terms::matches(search, std::iter::once(tenant.name.as_str()));
            if by_words { found() } else { tenant.name_key.starts_with(&Form::Name.of(search)) }
        });
        status && search && self.plan.as_ref().is_none_or(|plan| tenant.plan == *plan)
    }

    fn scope(&self, call: &Call, name: &str) -> CursorScope {
        let filters = [
            ("status", self.status.as_ref().map(Open::name)),
            ("plan", self.plan.as_deref()),
            ("search", self.search.as_deref()),
        ];
        CursorScope::new(call, name, &filters)
    }
}

impl Service {
    /// Maximum number of reads for a page of a filtered list of one's own tenants.
    ///
    /// After them a partly filled page is returned.
    const MAXIMUM_ROUNDS: usize = 5;

    /// Lists tenants by name: all for the platform, their own for everybody else.
    ///
    /// # Errors
    /// `invalid_cursor` or `invalid_fields`.
    pub async fn list_tenants(
        &self,
        call: &Call,
        filter: &TenantFilter,
        request: &ListRequest,
    ) -> Result<Page<TenantView>> {
        let caller = self.caller(call).await?;
        check(&caller, Action::ListTenants, &Resource::default())?;
        let status_check = StatusCheck::new(&TENANTS, filter.status.as_ref(), caller.is_platform())?;
        if caller.is_platform() {
            self.list_all_tenants(call, &caller, filter, request, &status_check).await
        } else {
            self.list_own_tenants(call, &caller, filter, request).await
        }
    }

    async fn list_all_tenants(
        &self,
        call: &Call,
        caller: &CallerFacts,
        filter: &TenantFilter,
        request: &ListRequest,
        status_check: &StatusCheck,
    ) -> Result<Page<TenantView>> {
        let scope = filter.scope(call, "tenants");
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let mut query = Query::new(&TENANTS).after(position).limit(limit.saturating_add(1));
        query = match (&filter.status, &filter.plan) {
            (Some(status), None) => query.sort(&TENANTS_BY_STATUS).equal("status", status.name()),
            (Some(status), Some(plan)) => {
                query.sort(&TENANTS_BY_PLAN).equal("plan", plan.as_str()).equal("status", status.name())
            }
            (None, plan) => {
                // All others, including those in a state that Dezky does not define.
                let query = query.filter(Filter::NotEqual("status", TenantStatus::Deleted.name().into()));
                match plan {
                    Some(plan) => query.sort(&TENANTS_BY_PLAN).equal("plan", plan.as_str()),
                    None => query.sort(&TENANTS_BY_NAME),
                }
            }
        };
        if let Some(search) = &filter.search {
            query = match query.clone().words("_words", "", search) {
                Some(searched) => searched.sort(&TENANTS_BY_WORD),
                None => query.begins("nameKey", search),
            };
        }
        let mut reads = vec![query.into()];
        status_check.add_to(&mut reads);
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let tenants: Vec<Tenant> = answers.all()?;
        status_check.finish::<TenantStatus>(&mut answers)?;
        let position = |tenant: &Tenant| Position { values: vec![tenant.name_key.clone().into()], id: tenant.id.0 };
        scope.page(tenants, limit, position, |tenant| self.view_tenant_for_platform(caller, None, tenant))
    }

    /// Lists the caller's own tenants, by name.
    ///
    /// # Errors
    /// As [`Service::list_tenants`].
    pub async fn list_my_tenants(
        &self,
        call: &Call,
        filter: &TenantFilter,
        request: &ListRequest,
    ) -> Result<Page<TenantView>> {
        let caller = self.caller(call).await?;
        if caller.api_key_id().is_some() {
            return Err(Error::new(
                Code::PERSON_REQUIRED,
                "an API key has no tenants of its own: list tenants instead",
            ));
        }
        StatusCheck::new(&TENANTS, filter.status.as_ref(), false)?;
        self.list_own_tenants(call, &caller, filter, request).await
    }

    async fn list_own_tenants(
        &self,
        call: &Call,
        caller: &CallerFacts,
        filter: &TenantFilter,
        request: &ListRequest,
    ) -> Result<Page<TenantView>> {
        let scope = Self::own_tenants_scope(call, filter);
        let limit = usize::try_from(request.limit()?).unwrap_or(usize::MAX);
        let mut position = scope.decode(request.cursor.as_deref(), 1)?;
        let mut items = Vec::new();
        for _ in 0..Self::MAXIMUM_ROUNDS {
            let wanted = u32::try_from(limit - items.len()).unwrap_or(u32::MAX);
            let search = filter.search.as_deref();
            let OwnPage { memberships, next, mut tenants, .. } =
                self.own_page(call, caller, search, position.clone(), wanted, false).await?;
            let roles: HashMap<TenantId, MembershipRole> =
                memberships.iter().map(|membership| (membership.tenant_id, membership.role)).collect();
            let ordered = memberships.iter().filter_map(|membership| tenants.remove(&membership.tenant_id));
            let admitted = ordered.filter(|tenant| filter.admits(tenant));
            items.extend(admitted.map(|tenant| {
                let role = roles.get(&tenant.id).copied();
                TenantView::of_own(tenant, role)
            }));
            position = next;
            if position.is_none() || items.len() >= limit {
                break;
            }
        }
        let next_cursor = position.map(|position| scope.encode(position)).transpose()?;
        Ok(Page { items, next_cursor })
    }

    /// Returns the scope of cursors through the caller's own tenants.
    pub(crate) fn own_tenants_scope(call: &Call, filter: &TenantFilter) -> CursorScope {
        filter.scope(call, "own-tenants")
    }
}
