//! Lists audit events.

use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{
        AuditEvent, UserId,
        audit::{
            AUDIT_BY_ACTION, AUDIT_BY_TIME, AUDIT_EVENTS, AUDIT_OF_TENANT, AUDIT_OF_TENANT_AND_USER,
            AUDIT_OF_TENANT_BY_ACTION, AUDIT_OF_USER,
        },
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope, views::AuditEventView},
    store::{Filter, Position, Query, Repository},
};

/// Selects audit events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only events of this tenant, by id or slug. Without it, the platform's own audit trail.
    pub tenant: Option<TenantReference>,
    /// Only events about this person.
    pub user_id: Option<UserId>,
    /// Only events of this action, such as `tenant.update`.
    pub action: Option<String>,
    /// Only events at or after this time.
    pub from: Option<Timestamp>,
    /// Only events before this time.
    pub until: Option<Timestamp>,
}

impl Service {
    /// Lists audit events, the newest first.
    ///
    /// Owners and admins may list those of their tenant, the platform all.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_audit(
        &self,
        call: &Call,
        filter: &AuditFilter,
        request: &ListRequest,
    ) -> Result<Page<AuditEventView>> {
        let mut query = Query::new(&AUDIT_EVENTS).descending();
        let actions = [Action::ReadTenantAudit, Action::ReadPlatformAudit];
        let access = self.access_to_tenant_or_platform(call, filter.tenant.as_ref(), actions, &[]).await?;
        let tenant = access.tenant.as_ref().map(|tenant| tenant.id);
        if let Some(tenant) = tenant {
            query = query.equal("tenantId", tenant.0);
        }
        let tenant = tenant.map(|tenant| tenant.to_string());
        let user = filter.user_id.map(|user| user.to_string());
        let times = [filter.from, filter.until].map(|time| time.map(|time| time.to_string()));
        let [from, until] = &times;
        let filters = [
            ("tenant", tenant.as_deref()),
            ("user", user.as_deref()),
            ("action", filter.action.as_deref()),
            ("from", from.as_deref()),
            ("until", until.as_deref()),
        ];
        let scope = CursorScope::new(call, "audit", &filters);
        let limit = request.limit()?;
        let after = scope.decode(request.cursor.as_deref(), 1)?;
        query = query.after(after).limit(limit.saturating_add(1)).sort(match (&tenant, &user, &filter.action) {
            (Some(_), Some(_), _) => &AUDIT_OF_TENANT_AND_USER,
            (Some(_), None, Some(_)) => &AUDIT_OF_TENANT_BY_ACTION,
            (Some(_), None, None) => &AUDIT_OF_TENANT,
            (None, Some(_), _) => &AUDIT_OF_USER,
            (None, None, Some(_)) => &AUDIT_BY_ACTION,
            (None, None, None) => &AUDIT_BY_TIME,
        });
        if let Some(user) = filter.user_id {
            query = query.equal("userId", user.0);
        }
        if let Some(action) = &filter.action {
            query = query.equal("action", action.as_str());
        }
        if filter.from.is_some() || filter.until.is_some() {
            let (from, until) = (filter.from.map(Into::into), filter.until.map(Into::into));
            query = query.filter(Filter::Range { field: "at", from, until });
        }
        let events: Vec<AuditEvent> = self.store.load_all(&call.context, &query).await?;
        let position = |event: &AuditEvent| Position { values: vec![event.at.into()], id: event.id.0 };
        scope.page(events, limit, position, AuditEventView::from)
    }
}
