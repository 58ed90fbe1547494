//! Removes an event endpoint.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{EventEndpointId, EventEndpointView},
    error::Result,
    service::{Call, Service, moment::Moment, unit_of_work::UnitOfWork, views::check_if_match},
};

impl Service {
    /// Removes an event endpoint. What waits for it is not delivered any more.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `version_changed`.
    pub async fn delete_event_endpoint(&self, call: &Call, id: EventEndpointId) -> Result<()> {
        self.settle(call, |moment| self.try_delete_event_endpoint(call, moment, id)).await
    }

    async fn try_delete_event_endpoint(&self, call: &Call, moment: Moment, id: EventEndpointId) -> Result<()> {
        let (access, endpoint) = self.endpoint_access(call, id, Action::DeleteEventEndpoint, &[]).await?;
        check_if_match(call, &EventEndpointView::through(&access, endpoint.clone(), None).tagged())?;
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.delete(Action::DeleteEventEndpoint, KIND, subject(&endpoint), &endpoint)?;
        access.guard(&mut work);
        self.carry_out(work).await
    }
}
