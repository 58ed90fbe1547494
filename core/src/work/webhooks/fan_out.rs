//! Makes deliveries of events, in the order of the log.

use std::collections::{BTreeMap, BTreeSet};

use super::call;
use crate::{
    domain::{
        Cursor, Event, EventDelivery, EventEndpoint, EventEndpointId, ObjectId, OutboxEvent,
        event_endpoint::{ENDPOINTS_OF_AUDIENCE, EVENT_ENDPOINTS, MOST_ENDPOINTS},
        outbox::{OUTBOX, OUTBOX_BY_AGE},
    },
    error::Result,
    service::Service,
    store::{Commit, Filter, Query, Repository as _},
    work::{
        consumer::{after, is_full},
        cursor, is_overtaken, log, time,
    },
};

/// Events that have no deliveries yet.
struct Waiting {
    cursor: Cursor,
    events: Vec<Event>,
    deliveries: Vec<EventDelivery>,
    /// Endpoints that get some of them and whose line is not held up.
    reached: BTreeSet<EventEndpointId>,
    /// `true` if there are endpoints that might have got one of the events.
    decided: bool,
}

impl Waiting {
    /// Returns `true` if the cursor has to move.
    ///
    /// What an endpoint does not get it does not get later either, however it is changed. Where there are none, a few events
    /// are passed over without a write: endpoints that are created later get none of them.
    fn moves(&self) -> bool {
        self.decided || is_full(self.events.len())
    }
}

/// Returns `true` if there are events whose deliveries are to be made.
pub(super) async fn waits(service: &Service) -> Result<bool> {
    let query = Query::new(&OUTBOX).sort(&OUTBOX_BY_AGE).limit(1);
    let unnumbered: Vec<OutboxEvent> = service.store().load_all(&call().context, &query).await?;
    Ok(!unnumbered.is_empty() || waiting(service).await?.moves())
}

/// Numbers new events, and makes the deliveries of those that have none. Returns the endpoints that got some.
///
/// Deliveries and the move of the cursor are one commit, so that each event has one for each endpoint.
pub(super) async fn step(service: &Service) -> Result<BTreeSet<EventEndpointId>> {
    log::sequence(service).await?;
    let mut reached = BTreeSet::new();
    loop {
        let waiting = waiting(service).await?;
        if !waiting.moves() {
            return Ok(reached);
        }
        let Waiting { cursor, events, deliveries, reached: mut some, .. } = waiting;
        let Some(last) = events.last() else { return Ok(reached) };
        reached.append(&mut some);
        let mut commit = Commit::new();
        for delivery in &deliveries {
            commit.insert(delivery)?;
        }
        cursor::advance(&mut commit, cursor, last.sequence, time(service).await)?;
        match service.store().commit(&call().context, &commit).await {
            // Another process that was paused makes them too: go on from there.
            Err(error) if is_overtaken(&error) => {}
            outcome => outcome?,
        }
    }
}

async fn waiting(service: &Service) -> Result<Waiting> {
    let now = time(service).await;
    let call = call();
    let cursor = cursor::load(service, &call, Cursor::WEBHOOKS, now).await?;
    let events: Vec<Event> = service.store().load_all(&call.context, &after(&cursor)).await?;
    let endpoints = endpoints(service, &events).await?;
    let (mut deliveries, mut reached) = (Vec::new(), BTreeSet::new());
    for event in &events {
        let audiences = [Some(EventEndpoint::PLATFORM), event.tenant_id.map(|tenant| tenant.0)];
        let of_event = audiences.into_iter().flatten().filter_map(|audience| endpoints.get(&audience)).flatten();
        for endpoint in of_event.filter(|endpoint| endpoint.gets(event)) {
            deliveries.push(EventDelivery::of(event, endpoint, now));
            if endpoint.resumes_at.is_none_or(|at| at <= now) {
                reached.insert(endpoint.id);
            }
        }
    }
    Ok(Waiting { cursor, events, deliveries, reached, decided: !endpoints.is_empty() })
}

/// Returns the endpoints of the platform and of the tenants that events concern, by audience.
async fn endpoints(service: &Service, events: &[Event]) -> Result<BTreeMap<ObjectId, Vec<EventEndpoint>>> {
    let mut found: BTreeMap<ObjectId, Vec<EventEndpoint>> = BTreeMap::new();
    if events.is_empty() {
        return Ok(found);
    }
    let mut audiences: Vec<ObjectId> =
        events.iter().filter_map(|event| event.tenant_id).map(|tenant| tenant.0).collect();
    audiences.push(EventEndpoint::PLATFORM);
    audiences.sort_unstable();
    audiences.dedup();
    let most = MOST_ENDPOINTS.saturating_mul(u32::try_from(audiences.len()).unwrap_or(u32::MAX));
    let query = Query::new(&EVENT_ENDPOINTS)
        .sort(&ENDPOINTS_OF_AUDIENCE)
        .filter(Filter::In("audience", audiences.into_iter().map(Into::into).collect()))
        .limit(most);
    let endpoints: Vec<EventEndpoint> = service.store().load_all(&call().context, &query).await?;
    for endpoint in endpoints {
        found.entry(endpoint.audience).or_default().push(endpoint);
    }
    Ok(found)
}
