//! Delivers events to endpoints as signed webhooks (Standard Webhooks).
//!
//! One process runs the task at a time, under a lease. It makes a delivery of each event for each endpoint that gets it, in the
//! order of the log, and sends those of an endpoint one after the other for each tenant. Endpoints have nothing in common but the
//! bound on how many are served at a time, so that a slow one delays no other.

mod fan_out;
mod report;
mod send;
mod values;

pub use report::EndpointReport;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, timeout};

use super::{lease::span, time};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        Choice as _, DeliveryStatus, EventDelivery, EventEndpoint, EventEndpointId, ObjectId, PlatformSecret,
        event_delivery::{DELIVERIES_BY_DUE, DELIVERIES_IN_ORDER, EVENT_DELIVERIES},
        event_endpoint::EVENT_ENDPOINTS,
    },
    error::Result,
    outbound::{Client, OutboundOptions, RetryPolicy},
    service::{Call, Service},
    store::{Filter, Query, Repository as _},
};

/// Number of endpoints that are served at a time.
const AT_A_TIME: usize = 256;

/// Time between two looks for new events while endpoints are being served.
const LOOK: Duration = Duration::from_millis(25);

/// Time between two looks for all endpoints that have something due: replays, retries, and what another process made.
const LOOK_AROUND: Duration = Duration::from_millis(250);

/// Time for which an endpoint is left alone after its deliveries could not be stored.
const REST: Duration = Duration::from_secs(5);

/// Time limit of one request to an endpoint.
const LONGEST_REQUEST: Duration = Duration::from_secs(15);

/// Size limit of an answer, which nobody reads.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Number of requests in flight to one origin, which several endpoints may share.
const IN_FLIGHT: usize = 64;

/// Sends events to endpoints.
#[derive(Debug)]
pub struct Webhooks {
    client: Client,
}

/// End of an endpoint's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing is due any more.
    Done,
    /// It makes room for others, and there may be more.
    Over,
}

/// An endpoint whose deliveries are being made, and how that ended.
type Served<'a> = BoxFuture<'a, (EventEndpointId, Result<Turn>)>;

impl Webhooks {
    /// Creates the sender, with the addresses and certificates that these options allow. Their limits are its own.
    #[must_use]
    pub fn new(options: OutboundOptions) -> Self {
        let options = OutboundOptions {
            timeout: LONGEST_REQUEST,
            maximum_body: LARGEST_ANSWER,
            maximum_redirects: 0,
            maximum_in_flight: IN_FLIGHT,
            retries: RetryPolicy::NONE,
            ..options
        };
        Self { client: Client::new(options) }
    }

    /// Returns the time until there is something to do, zero if there is now; `None` if nothing is planned.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn next_due(&self, service: &Service) -> Result<Option<Duration>> {
        if fan_out::waits(service).await? {
            return Ok(Some(Duration::ZERO));
        }
        let now = time(service).await;
        let retry = first_retry(service).await?.map(|delivery| span(now, delivery.due_at));
        let lines = lines(service, &BTreeSet::new(), AT_A_TIME).await?;
        let line = lines.values().map(|line| resumes(line.endpoint.as_ref(), now)).min();
        Ok(retry.into_iter().chain(line).min())
    }

    /// Makes all deliveries that are due, and those that become due meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_due(&self, service: &Service) -> Result<()> {
        let key = service.platform_secret(&call(), PlatformSecret::WEBHOOKS).await?;
        let mut serving: FuturesUnordered<Served<'_>> = FuturesUnordered::new();
        let mut busy = BTreeSet::new();
        let mut resting: BTreeMap<EventEndpointId, Instant> = BTreeMap::new();
        let mut failed = None;
        // Endpoints that may have something due: a look for them costs a query for each.
        let mut waiting = BTreeSet::new();
        let mut looked: Option<Instant> = None;
        loop {
            // Requests go on while events are numbered, which may wait for another task.
            let mut ended = Vec::new();
            let step = fan_out::step(service);
            tokio::pin!(step);
            let mut reached = loop {
                tokio::select! {
                    reached = &mut step => break reached?,
                    Some(one) = serving.next(), if !serving.is_empty() => ended.push(one),
                }
            };
            waiting.append(&mut reached);
            resting.retain(|_, until| *until > Instant::now());
            let room = AT_A_TIME.saturating_sub(busy.len());
            let taken: BTreeSet<EventEndpointId> = busy.iter().chain(resting.keys()).copied().collect();
            if room > 0 && (serving.is_empty() || looked.is_none_or(|at| at.elapsed() >= LOOK_AROUND)) {
                waiting.extend(due(service, &taken, room).await?);
                looked = Some(Instant::now());
            }
            let free: Vec<EventEndpointId> = waiting.difference(&taken).copied().take(room).collect();
            for id in free {
                waiting.remove(&id);
                busy.insert(id);
                let key = &key;
                serving.push(Box::pin(async move { (id, send::serve(service, &self.client, key, id).await) }));
            }
            if serving.is_empty() && ended.is_empty() {
                return failed.map_or(Ok(()), Err);
            }
            // Whoever is done makes room at once; new events are looked for in any case.
            if ended.is_empty()
                && let Ok(Some(one)) = timeout(LOOK, serving.next()).await
            {
                ended.push(one);
            }
            for (id, outcome) in ended {
                busy.remove(&id);
                match outcome {
                    Ok(Turn::Done) => {}
                    Ok(Turn::Over) => _ = waiting.insert(id),
                    Err(error) => {
                        tracing::warn!(endpoint = %id, ?error, "deliveries to an endpoint could not be stored");
                        resting.insert(id, Instant::now() + REST);
                        failed = Some(error);
                    }
                }
            }
        }
    }
}

/// Returns endpoints that have something due and are not taken, as many as there is room for.
async fn due(service: &Service, taken: &BTreeSet<EventEndpointId>, room: usize) -> Result<Vec<EventEndpointId>> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let now = time(service).await;
    let mut found = BTreeSet::new();
    let until = Filter::Range { field: "dueAt", from: None, until: Some(now.plus(Duration::from_millis(1)).into()) };
    let retries = Query::new(&EVENT_DELIVERIES)
        .sort(&DELIVERIES_BY_DUE)
        .equal("status", DeliveryStatus::Retrying.name())
        .filter(until)
        .limit(u32::try_from(AT_A_TIME).unwrap_or(u32::MAX));
    // Those that are taken would fill the answer, and hide the others.
    let others = |query: Query, id: &EventEndpointId| query.filter(Filter::NotEqual("endpointId", id.0.into()));
    let retries = taken.iter().fold(retries, others);
    let retries: Vec<EventDelivery> = service.store().load_all(&call().context, &retries).await?;
    found.extend(retries.iter().map(|delivery| delivery.endpoint_id));
    for (id, line) in lines(service, taken, room).await? {
        if resumes(line.endpoint.as_ref(), now).is_zero() {
            found.insert(id);
        }
    }
    Ok(found.into_iter().take(room).collect())
}

/// Deliveries that wait for an endpoint.
#[derive(Debug)]
struct Line {
    first: EventDelivery,
    /// The endpoint, unless it was removed.
    endpoint: Option<EventEndpoint>,
}

/// Returns the endpoints for which deliveries wait in line, but for those that are taken.
async fn lines(
    service: &Service,
    taken: &BTreeSet<EventEndpointId>,
    most: usize,
) -> Result<BTreeMap<EventEndpointId, Line>> {
    let mut found = BTreeMap::new();
    let mut after: Option<ObjectId> = None;
    // From endpoint to endpoint by the index, however many deliveries each has.
    while found.len() < most {
        let mut query = Query::new(&EVENT_DELIVERIES)
            .sort(&DELIVERIES_IN_ORDER)
            .equal("status", DeliveryStatus::Waiting.name())
            .limit(1);
        if let Some(next) = after {
            query = query.filter(Filter::Range { field: "endpointId", from: Some(next.into()), until: None });
        }
        let first: Vec<EventDelivery> = service.store().load_all(&call().context, &query).await?;
        let Some(first) = first.into_iter().next() else { break };
        let endpoint = first.endpoint_id;
        if !taken.contains(&endpoint) {
            found.insert(endpoint, Line { first, endpoint: None });
        }
        let Some(next) = endpoint.0.next() else { break };
        after = Some(next);
    }
    if !found.is_empty() {
        let query = Query::by_ids(&EVENT_ENDPOINTS, found.keys().map(|id| id.0));
        let endpoints: Vec<EventEndpoint> = service.store().load_all(&call().context, &query).await?;
        for endpoint in endpoints {
            if let Some(line) = found.get_mut(&endpoint.id) {
                line.endpoint = Some(endpoint);
            }
        }
    }
    Ok(found)
}

/// Returns the time until the line of an endpoint goes on.
fn resumes(endpoint: Option<&EventEndpoint>, now: Timestamp) -> Duration {
    endpoint.and_then(|endpoint| endpoint.resumes_at).map_or(Duration::ZERO, |at| span(now, at))
}

async fn first_retry(service: &Service) -> Result<Option<EventDelivery>> {
    let query = Query::new(&EVENT_DELIVERIES)
        .sort(&DELIVERIES_BY_DUE)
        .equal("status", DeliveryStatus::Retrying.name())
        .limit(1);
    let first: Vec<EventDelivery> = service.store().load_all(&call().context, &query).await?;
    Ok(first.into_iter().next())
}

fn call() -> Call {
    Call::by_part(SystemActor::Webhooks)
}
