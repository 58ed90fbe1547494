//! Gives an event endpoint another secret.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{EventEndpointId, EventEndpointView},
    error::{Error, Result},
    service::{
        Call, Service,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable, shown_once},
        moment::Moment,
        unit_of_work::UnitOfWork,
        views::check_if_match,
    },
};

impl Service {
    /// Gives an event endpoint another secret, which the answer shows once. For 24 hours webhooks are signed with the
    /// previous one as well.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended`, `secret_shown_once` or `version_changed`.
    pub async fn rotate_event_endpoint(
        &self,
        call: &Call,
        id: EventEndpointId,
    ) -> Result<Replayable<EventEndpointView>> {
        self.settle(call, |moment| self.try_rotate_event_endpoint(call, moment, id)).await
    }

    async fn try_rotate_event_endpoint(
        &self,
        call: &Call,
        moment: Moment,
        id: EventEndpointId,
    ) -> Result<Replayable<EventEndpointView>> {
        let found = self.endpoint_access(call, id, Action::RotateEventEndpoint, &[]).await?;
        let (access, before) = found;
        let slot = match self.begin::<EventEndpointView>(call, &moment).await? {
            Begun::Before(answer) => return Err(shown_once(&answer.value.id, "rotate it")),
            Begun::New(slot) => slot,
        };
        check_if_match(call, &EventEndpointView::through(&access, before.clone(), None).tagged())?;
        // A component draws no secrets: its host does.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let mut after = before.clone();
        after.rotate(moment.now());
        let secret = self.webhook_secret(call, after.id, after.rotations).await?.shown();
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.update(Action::RotateEventEndpoint, KIND, subject(&before), &before, &mut after)?;
        access.guard(&mut work);
        let mut view = EventEndpointView::through(&access, after, None);
        slot.keep(&mut work, 200, &view)?;
        self.carry_out(work).await?;
        view.secret = Some(secret);
        Ok(Replayable::new(view))
    }
}
