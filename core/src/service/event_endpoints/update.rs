//! Changes an event endpoint.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{EventEndpointId, EventEndpointView, UpdateEventEndpoint},
    error::Result,
    service::{Call, Service, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match},
};

impl Service {
    /// Changes an event endpoint.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `version_changed` or `invalid_fields`.
    pub async fn update_event_endpoint(
        &self,
        call: &Call,
        id: EventEndpointId,
        input: UpdateEventEndpoint,
    ) -> Result<EventEndpointView> {
        self.settle(call, |moment| self.try_update_event_endpoint(call, moment, id, input.clone())).await
    }

    async fn try_update_event_endpoint(
        &self,
        call: &Call,
        moment: Moment,
        id: EventEndpointId,
        input: UpdateEventEndpoint,
    ) -> Result<EventEndpointView> {
        let found = self.endpoint_access(call, id, Action::UpdateEventEndpoint, &input.fields()).await?;
        let (access, before) = found;
        check_if_match(call, &EventEndpointView::through(&access, before.clone(), None).tagged())?;
        let mut after = before.clone();
        input.change(&mut after);
        super::types::check_types(&after.types)?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        if work.update(Action::UpdateEventEndpoint, KIND, subject(&before), &before, &mut after)? {
            access.guard(&mut work);
            self.carry_out(work).await?;
        }
        Ok(EventEndpointView::through(&access, after, None))
    }
}
