//! Has events delivered to an endpoint again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{KIND, subject};
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{
        Choice as _, DeliveryStatus, EventDelivery, EventEndpointId, EventId, Reader, Versioned as _,
        event_delivery::{DELIVERIES_BY_STATUS, EVENT_DELIVERIES},
        fields::{choice, object_id, time},
    },
    error::{Error, FieldCode, FieldError, Result},
    service::{
        Call, Service,
        effect::ELSEWHERE,
        idempotency::{Begun, Replayable},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
    store::{Filter, Query, Repository},
};

/// Number of deliveries that one request has delivered again at most.
const MOST_AT_ONCE: usize = 200;

/// Deliveries that are to be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// That of one event.
    Event(EventId),
    /// Those with a status.
    Status {
        /// The status.
        status: DeliveryStatus,
        /// Only those of events since this time.
        since: Option<Timestamp>,
    },
}

/// Result of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Replayed {
    /// Number of deliveries that are made again.
    pub replayed: usize,
    /// `since` of the next request, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub next_since: Option<Timestamp>,
}

impl Replay {
    /// Reads a body: `{"eventId": "…"}`, or `{"status": "…", "since": "…"}`, by default everything that has failed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] naming each invalid field.
    pub fn read(body: Value) -> Result<Self> {
        let mut reader = Reader::new(body)?;
        let event = reader.optional("eventId", object_id);
        let since = reader.optional("since", time);
        let status = reader.optional("status", choice);
        reader.finish()?;
        match (event, since, status) {
            (Some(event), None, None) => Ok(Self::Event(event)),
            (None, since, status) => Ok(Self::Status { status: status.unwrap_or(DeliveryStatus::Failed), since }),
            _ => {
                let message = "give either `eventId`, or `status` and `since`";
                Err(Error::invalid(vec![FieldError::new("eventId", FieldCode::INVALID_CHOICE, message)]))
            }
        }
    }
}

impl Service {
    /// Has stored deliveries made again, in the order of their events, up to 200 in one request.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `tenant_suspended` or `invalid_fields`.
    pub async fn replay_events(
        &self,
        call: &Call,
        id: EventEndpointId,
        replay: Replay,
    ) -> Result<Replayable<Replayed>> {
        self.settle(call, |moment| self.try_replay_events(call, moment, id, replay)).await
    }

    async fn try_replay_events(
        &self,
        call: &Call,
        moment: Moment,
        id: EventEndpointId,
        replay: Replay,
    ) -> Result<Replayable<Replayed>> {
        let (access, before) = self.endpoint_access(call, id, Action::ReplayEvents, &[]).await?;
        let slot = match self.begin(call, &moment).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::New(slot) => slot,
        };
        self.leave_to_effect(call).await?;
        if ELSEWHERE {
            return Err(Error::internal("a component writes nothing, and nobody carries its changes out"));
        }
        let mut deliveries = self.replayed(call, id, replay).await?;
        let next = deliveries.get(MOST_AT_ONCE).map(|delivery| delivery.occurred_at);
        deliveries.truncate(MOST_AT_ONCE);
        let answer = Replayed { replayed: deliveries.len(), next_since: next };
        let now = moment.now();
        let mut work = UnitOfWork::new(call, access.caller.audit_actor(), &moment);
        for before in &deliveries {
            let mut after = before.clone();
            after.replay(now);
            after.advance(now);
            work.commit.update(&after, before.version)?;
        }
        if !deliveries.is_empty() {
            let done = vec!["deliveries".to_owned()];
            work.note(Action::ReplayEvents.name(), KIND, before.id.0, subject(&before), done)?;
            if before.resumes_at.is_some() {
                let mut after = before.clone();
                after.resumes_at = None;
                work.refresh(&before, &mut after)?;
            }
        }
        access.guard(&mut work);
        slot.keep(&mut work, 200, &answer)?;
        self.carry_out(work).await?;
        Ok(Replayable::new(answer))
    }

    /// Reads the deliveries that are to be made again, and one more than a request makes.
    async fn replayed(&self, call: &Call, id: EventEndpointId, replay: Replay) -> Result<Vec<EventDelivery>> {
        let (since, status) = match replay {
            Replay::Event(event) => {
                let found = self.store.load_unique(&call.context, EventDelivery::key(id, event)).await?;
                return Ok(vec![found.ok_or_else(Error::not_found)?]);
            }
            Replay::Status { status, since } => (since, status),
        };
        let mut query = Query::new(&EVENT_DELIVERIES)
            .sort(&DELIVERIES_BY_STATUS)
            .equal("endpointId", id.0)
            .equal("status", status.name())
            .limit(u32::try_from(MOST_AT_ONCE).unwrap_or(u32::MAX).saturating_add(1));
        if let Some(since) = since {
            query = query.filter(Filter::Range { field: "occurredAt", from: Some(since.into()), until: None });
        }
        Ok(self.store.load_all(&call.context, &query).await?)
    }
}
