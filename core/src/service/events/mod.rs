//! The stream of events: what has changed, in the order of the log.

use crate::{
    authz::{Action, Resource},
    domain::{
        Event, EventId, EventMessage,
        event::{EVENTS, EVENTS_IN_ORDER, EVENTS_OF_TENANT},
        event_endpoint::selects,
    },
    error::{Code, Error, Result},
    service::{
        Call, ListRequest, Page, Service,
        access::{TenantReference, check, known_caller},
    },
    store::{Filter, Follow, Query, Value},
};

/// Number of events that a stream reads at a time.
const BATCH: u32 = 200;

/// Selects events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of this tenant, by id or slug. Without it, those of the whole platform.
    pub tenant: Option<TenantReference>,
    /// Only events of these types, such as `tenant.update` or `tenant.*`; all without any.
    pub types: Vec<String>,
}

/// A position of a stream in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPosition(u64);

/// Events that follow a position.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventBatch {
    /// The events.
    pub events: Vec<(EventPosition, EventMessage)>,
    /// Position after them.
    pub position: EventPosition,
    /// `true` if there may be more.
    pub more: bool,
}

/// A query of events.
enum Asked {
    /// Of one, by its id, whatever tenant it concerns.
    One(Query),
    /// Of those of the tenant, if there is one.
    InOrder(Query),
}

impl Service {
    /// Lists events in the order of the log, from the oldest that is kept or after the one whose id is the cursor.
    ///
    /// Whoever may read the audit trail of a tenant or of the platform may follow its events.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `platform_admin_required`, `invalid_cursor` or `invalid_fields`.
    pub async fn list_events(
        &self,
        call: &Call,
        filter: &EventFilter,
        request: &ListRequest,
    ) -> Result<Page<EventMessage>> {
        let limit = usize::try_from(request.limit()?).unwrap_or(usize::MAX);
        let mut position = match request.cursor.as_deref() {
            Some(cursor) => self.event_position(call, filter, Some(cursor)).await?,
            None => EventPosition(0),
        };
        let mut items = Vec::new();
        loop {
            let batch = self.events_after(call, filter, position).await?;
            position = batch.position;
            items.extend(batch.events.into_iter().map(|(_, event)| event));
            if items.len() > limit || !batch.more {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|event| event.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// Returns the position after the event with this id, or without one that after the last event.
    ///
    /// # Errors
    /// As [`Service::list_events`]; `invalid_cursor` for an event that the caller may not see, or that is not kept any more.
    pub async fn event_position(&self, call: &Call, filter: &EventFilter, last: Option<&str>) -> Result<EventPosition> {
        let query = Query::new(&EVENTS).limit(1);
        let asked = match last {
            Some(id) => Asked::One(query.equal("id", id.parse::<EventId>().map_err(|_| unknown_event())?.0)),
            None => Asked::InOrder(query.sort(order(filter)).descending()),
        };
        let found = self.authorized_events(call, filter, asked).await?;
        match (found.first(), last) {
            (Some(event), _) => Ok(EventPosition(event.sequence)),
            (None, None) => Ok(EventPosition(0)),
            (None, Some(_)) => Err(unknown_event()),
        }
    }

    /// Reads the events that follow a position, if the caller may read them now.
    ///
    /// # Errors
    /// As [`Service::list_events`].
    pub async fn events_after(&self, call: &Call, filter: &EventFilter, position: EventPosition) -> Result<EventBatch> {
        let from = Value::Integer(i64::try_from(position.0.saturating_add(1)).unwrap_or(i64::MAX));
        let rest = Filter::Range { field: "sequence", from: Some(from), until: None };
        let query = Query::new(&EVENTS).sort(order(filter)).filter(rest).limit(BATCH);
        let found = self.authorized_events(call, filter, Asked::InOrder(query)).await?;
        let more = found.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let position = found.last().map_or(position, |event| EventPosition(event.sequence));
        let selected = found.into_iter().filter(|event| selects(&filter.types, &event.action));
        let events = selected.map(|event| (EventPosition(event.sequence), EventMessage::from(event))).collect();
        Ok(EventBatch { events, position, more })
    }

    /// Reads events in the same store call as the facts that the right to see them rests on.
    async fn authorized_events(&self, call: &Call, filter: &EventFilter, asked: Asked) -> Result<Vec<Event>> {
        let (tenant, mut answers) = match &filter.tenant {
            Some(reference) => {
                let of_tenant = |tenant| {
                    Some(match &asked {
                        Asked::One(query) => query.clone().into(),
                        Asked::InOrder(query) => query.clone().follow(Follow::First("tenantId", tenant)),
                    })
                };
                let (access, answers) = self.tenant_access_and(call, reference, of_tenant).await?;
                (Some(access.authorize(Action::ReadTenantAudit)?.id), answers)
            }
            None => {
                let (Asked::One(query) | Asked::InOrder(query)) = asked;
                let (found, answers) = self.find_caller_and(call, vec![query.into()]).await?;
                check(&known_caller(call, found)?, Action::ReadPlatformAudit, &Resource::default())?;
                (None, answers)
            }
        };
        // A component does not read the log: its host does.
        self.leave_to_effect(call).await?;
        let mut events: Vec<Event> = answers.all()?;
        events.retain(|event| tenant.is_none() || event.tenant_id == tenant);
        Ok(events)
    }
}

fn order(filter: &EventFilter) -> &'static crate::store::Index {
    if filter.tenant.is_some() { &EVENTS_OF_TENANT } else { &EVENTS_IN_ORDER }
}

fn unknown_event() -> Error {
    let message =
        "no event that is kept has this id: some may have been missed, so read everything anew and begin without it";
    Error::new(Code::INVALID_CURSOR, message)
}
