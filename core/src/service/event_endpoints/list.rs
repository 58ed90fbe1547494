//! Lists event endpoints, and reads one.

use crate::{
    authz::Action,
    domain::{
        EventEndpoint, EventEndpointId, EventEndpointView,
        event_endpoint::{ENDPOINTS_OF_AUDIENCE, ENDPOINTS_OF_TENANT, EVENT_ENDPOINTS},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Position, Query, Repository},
};

impl Service {
    /// Lists the event endpoints of a tenant, or without one those of the platform, the oldest first.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_event_endpoints(
        &self,
        call: &Call,
        tenant: Option<&TenantReference>,
        request: &ListRequest,
    ) -> Result<Page<EventEndpointView>> {
        let actions = [Action::ReadEventEndpoints, Action::ReadPlatformEventEndpoints];
        let access = self.access_to_tenant_or_platform(call, tenant, actions, &[]).await?;
        let query = match &access.tenant {
            Some(tenant) => Query::new(&EVENT_ENDPOINTS).sort(&ENDPOINTS_OF_TENANT).equal("tenantId", tenant.id.0),
            None => {
                Query::new(&EVENT_ENDPOINTS).sort(&ENDPOINTS_OF_AUDIENCE).equal("audience", EventEndpoint::PLATFORM)
            }
        };
        let of = access.tenant.as_ref().map(|tenant| tenant.id.to_string());
        let scope = CursorScope::new(call, "event-endpoints", &[("tenant", of.as_deref())]);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let query = query.after(position).limit(limit.saturating_add(1));
        let endpoints: Vec<EventEndpoint> = self.store.load_all(&call.context, &query).await?;
        let position =
            |endpoint: &EventEndpoint| Position { values: vec![endpoint.created_at.into()], id: endpoint.id.0 };
        scope.page(endpoints, limit, position, |endpoint| EventEndpointView::through(&access, endpoint, None))
    }

    /// Returns an event endpoint.
    ///
    /// # Errors
    /// `not_found` or `role_insufficient`.
    pub async fn read_event_endpoint(&self, call: &Call, id: EventEndpointId) -> Result<EventEndpointView> {
        let (access, endpoint) = self.endpoint_access(call, id, Action::ReadEventEndpoints, &[]).await?;
        Ok(EventEndpointView::through(&access, endpoint, None))
    }
}
