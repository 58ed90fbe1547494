//! Lists API keys.

use std::collections::HashMap;

use super::{uses, view};
use crate::{
    authz::Action,
    domain::{
        ApiKey, ApiKeyUse, ApiKeyView,
        api_key::{API_KEYS, API_KEYS_BY_AGE, API_KEYS_OF_TENANT},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Query, Repository as _},
};

/// Selects API keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// Only keys of this tenant, by id or slug. Without it, all keys, for the platform.
    pub tenant: Option<TenantReference>,
}

impl Service {
    /// Lists API keys, the oldest first: a tenant's for its owners and administrators, all for the platform.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_api_keys(
        &self,
        call: &Call,
        filter: &ApiKeyFilter,
        request: &ListRequest,
    ) -> Result<Page<ApiKeyView>> {
        let actions = [Action::ReadApiKeys, Action::ReadPlatformApiKeys];
        let access = self.access_to_tenant_or_platform(call, filter.tenant.as_ref(), actions, &[]).await?;
        let query = match &access.tenant {
            Some(tenant) => Query::new(&API_KEYS).sort(&API_KEYS_OF_TENANT).equal("tenantId", tenant.id.0),
            None => Query::new(&API_KEYS).sort(&API_KEYS_BY_AGE),
        };
        let tenant = access.tenant.as_ref().map(|tenant| tenant.id.to_string());
        let scope = CursorScope::new(call, "api-keys", &[("tenant", tenant.as_deref())]);
        let limit = request.limit()?;
        let after = scope.decode(request.cursor.as_deref(), 1)?;
        let query = query.after(after).limit(limit.saturating_add(1));
        let keys: Vec<ApiKey> = self.store.load_all(&call.context, &query).await?;
        let mut answers = self.store.load_together(&call.context, &[uses(keys.iter().map(|key| key.id))]).await?;
        let uses: Vec<ApiKeyUse> = answers.all()?;
        let uses: HashMap<_, _> = uses.into_iter().map(|one| (one.id, one)).collect();
        let position = |key: &ApiKey| Position { values: vec![key.created_at.into()], id: key.id.0 };
        scope.page(keys, limit, position, |key| {
            let last = uses.get(&key.id);
            view(&access, key, last, None)
        })
    }
}
