//! Lists the deliveries to an event endpoint.

use crate::{
    authz::Action,
    domain::{
        Choice as _, DeliveryStatus, EventDelivery, EventDeliveryView, EventEndpointId,
        event_delivery::{DELIVERIES_BY_STATUS, DELIVERIES_OF_ENDPOINT, EVENT_DELIVERIES},
    },
    error::Result,
    service::{Call, ListRequest, Page, Service, cursor::CursorScope, views::viewer},
    store::{Position, Query, Repository},
};

/// Selects deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those with this status.
    pub status: Option<DeliveryStatus>,
}

impl Service {
    /// Lists the deliveries to an endpoint, those of the newest events first. They are kept for 14 days.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_event_deliveries(
        &self,
        call: &Call,
        id: EventEndpointId,
        filter: &DeliveryFilter,
        request: &ListRequest,
    ) -> Result<Page<EventDeliveryView>> {
        let (access, endpoint) = self.endpoint_access(call, id, Action::ReadEventEndpoints, &[]).await?;
        let of = id.to_string();
        let status = filter.status.map(|status| status.name());
        let scope = CursorScope::new(call, "event-deliveries", &[("endpoint", Some(&of)), ("status", status)]);
        let limit = request.limit()?;
        let position = scope.decode(request.cursor.as_deref(), 1)?;
        let mut query = Query::new(&EVENT_DELIVERIES)
            .descending()
            .equal("endpointId", id.0)
            .after(position)
            .limit(limit.saturating_add(1));
        if let Some(tenant) = endpoint.tenant_id {
            query = query.equal("tenantId", tenant.0);
        }
        query = match status {
            Some(status) => query.sort(&DELIVERIES_BY_STATUS).equal("status", status),
            None => query.sort(&DELIVERIES_OF_ENDPOINT),
        };
        let deliveries: Vec<EventDelivery> = self.store.load_all(&call.context, &query).await?;
        let position =
            |delivery: &EventDelivery| Position { values: vec![delivery.occurred_at.into()], id: delivery.id.0 };
        let viewer = viewer(access.role(), access.caller.is_platform());
        scope.page(deliveries, limit, position, |delivery| EventDeliveryView::shown_to(delivery, viewer))
    }
}
