//! Creates an event endpoint.

use super::{KIND, subject};
use crate::{
    authz::Action,
    domain::{
        CreateEventEndpoint, Cursor, EventEndpoint, EventEndpointView,
        event_endpoint::{ENDPOINTS_OF_AUDIENCE, EVENT_ENDPOINTS, MOST_ENDPOINTS},
    },
    error::{Code, Error, Result},
    service::{
        Call, Service,
        access::TenantReference,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable, shown_once},
        moment::Moment,
        place,
        unit_of_work::UnitOfWork,
    },
    store::{Query, Repository},
};

impl Service {
    /// Creates an endpoint for the events of a tenant, or of the whole platform. The answer has its secret, which is shown
    /// once.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `tenant_suspended`, `event_endpoint_limit_reached`,
    /// `secret_shown_once` or `invalid_fields`.
    pub async fn create_event_endpoint(
        &self,
        call: &Call,
        input: CreateEventEndpoint,
    ) -> Result<Replayable<EventEndpointView>> {
        self.settle(call, |moment| self.try_create_event_endpoint(call, moment, input.clone())).await
    }

    async fn try_create_event_endpoint(
        &self,
        call: &Call,
        moment: Moment,
        input: CreateEventEndpoint,
    ) -> Result<Replayable<EventEndpointView>> {
        let tenant = input.tenant_id.map(TenantReference::Id);
        let actions @ [of_tenant, of_platform] = [Action::CreateEventEndpoint, Action::CreatePlatformEventEndpoint];
        let access = self.access_to_tenant_or_platform(call, tenant.as_ref(), actions, &input.fields()).await?;
        let action = if access.tenant.is_some() { of_tenant } else { of_platform };
        let slot = match self.begin::<EventEndpointView>(call, &moment).await? {
            Begun::Before(answer) => return Err(shown_once(&answer.value.id, "rotate it")),
            Begun::New(slot) => slot,
        };
        // A component draws no secrets: its host does.
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let query = Query::new(&EVENT_ENDPOINTS)
            .sort(&ENDPOINTS_OF_AUDIENCE)
            .equal("audience", EventEndpoint::audience_of(input.tenant_id))
            .limit(MOST_ENDPOINTS);
        let others: Vec<EventEndpoint> = self.store.load_all(&call.context, &query).await?;
        let Some(place) = place::free(others.iter().map(|other| other.place), MOST_ENDPOINTS) else {
            let message = format!("there are at most {MOST_ENDPOINTS} event endpoints: remove one that is not used");
            return Err(Error::new(Code::EVENT_ENDPOINT_LIMIT_REACHED, message));
        };
        let endpoint = input.into_endpoint(place, moment.now());
        super::types::check_types(&endpoint.types)?;
        let secret = self.webhook_secret(call, endpoint.id, endpoint.rotations).await?.shown();
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        work.insert(action, KIND, subject(&endpoint), &endpoint)?;
        // From here on the log keeps its events until their deliveries are made.
        let cursor: Option<Cursor> = self.store.load_unique(&call.context, Cursor::key(Cursor::WEBHOOKS)).await?;
        if cursor.is_none() {
            work.commit.insert(&Cursor { version: 1, ..Cursor::start(Cursor::WEBHOOKS, moment.now()) })?;
        }
        access.guard(&mut work);
        let mut view = EventEndpointView::through(&access, endpoint, None);
        slot.keep(&mut work, 201, &view)?;
        self.carry_out(work).await?;
        view.secret = Some(secret);
        Ok(Replayable::new(view))
    }
}
