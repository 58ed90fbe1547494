//! Sends the deliveries of one endpoint, and stores what came of them.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use http::{HeaderName, StatusCode, header};
use tokio::time::Instant;
use url::Url;

use super::{
    Turn, call,
    values::{self, Values},
};
use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        AuditActor, Choice as _, DeliveryStatus, EventDelivery, EventEndpoint, EventEndpointId, EventMessage, Tenant,
        TenantStatus, Versioned as _, WebhookSecret,
        event_delivery::{Attempt, DELIVERIES_DUE_OF_ENDPOINT, DELIVERIES_IN_ORDER, EVENT_DELIVERIES},
    },
    error::{Error, Result},
    outbound::{Client, OutboundError, OutboundErrorKind, Pause as _, Request, SystemPause},
    service::{
        Service,
        event_endpoints::{KIND, subject},
        moment::Moment,
        unit_of_work::UnitOfWork,
    },
    store::{Commit, Filter, Query, Repository as _},
    work::{is_overtaken, time},
};

/// Number of deliveries of an endpoint that are sent before what came of them is stored.
const BATCH: u32 = 64;

/// Number of tenants whose events are sent to an endpoint at a time; those of one are sent one after the other.
const TENANTS_AT_A_TIME: usize = 8;

/// Time after which a batch is not gone on with, so that what was sent is stored.
const LONGEST_BATCH: Duration = Duration::from_secs(2);

/// Time after which an endpoint makes room for others.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// Longest text of a reason.
const LONGEST_REASON: usize = 300;

/// Reason of a refused address.
const REFUSED_ADDRESS: &str = "its address is not on the public internet, or not over TLS: webhooks are sent to neither unless the settings allow it";

/// Name in the audit trail of an endpoint's end by its own answer.
pub(in crate::work) const DISABLE: &str = crate::domain::system_action::EVENT_ENDPOINT_DISABLE;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// An endpoint that can be sent to.
struct Target {
    endpoint: EventEndpoint,
    url: Url,
    secrets: Vec<WebhookSecret>,
}

/// What is sent to an endpoint in one go, and what came of it.
struct Batch<'a> {
    service: &'a Service,
    client: &'a Client,
    target: &'a Target,
    /// Personal values of the events, if the endpoint gets any.
    values: Option<Values>,
    end: Instant,
    /// `true` once the endpoint was not available, which holds up its line.
    held: AtomicBool,
    /// `true` once it has answered that it is gone.
    gone: AtomicBool,
}

/// Makes the deliveries of an endpoint that are due.
pub(super) async fn serve(service: &Service, client: &Client, key: &str, id: EventEndpointId) -> Result<Turn> {
    let end = Instant::now() + LONGEST_TURN;
    while Instant::now() < end {
        let call = call();
        let now = time(service).await;
        let endpoint: Option<EventEndpoint> = service.store().load(&call.context, id).await?;
        let goes_on = endpoint.as_ref().and_then(|endpoint| endpoint.resumes_at).is_none_or(|at| at <= now);
        let (retries, line) = load(service, id, goes_on, now).await?;
        if retries.is_empty() && line.is_empty() {
            return Ok(Turn::Done);
        }
        let Some(endpoint) = endpoint else {
            remove(service, retries.into_iter().chain(line)).await?;
            continue;
        };
        if let Some(why) = obstacle(service, &endpoint).await? {
            close(service, retries.into_iter().chain(line), why).await?;
            continue;
        }
        let signing = endpoint.signing(now).into_iter();
        let secrets = signing.map(|rotations| WebhookSecret::derive(key, id, rotations)).collect::<Result<_>>()?;
        let url = Url::parse(&endpoint.url).map_err(|error| Error::internal(format!("a stored URL: {error}")))?;
        let target = Target { endpoint, url, secrets };
        let values = match target.endpoint.personal_values {
            true => Some(values::load(service, &target.endpoint, retries.iter().chain(&line)).await?),
            false => None,
        };
        let end = Instant::now() + LONGEST_BATCH;
        let (held, gone) = (AtomicBool::new(false), AtomicBool::new(false));
        Batch { service, client, target: &target, values, end, held, gone }.send(retries, line).await?;
    }
    Ok(Turn::Over)
}

/// Reads what is due: retries, and the front of the line if it goes on.
async fn load(
    service: &Service,
    id: EventEndpointId,
    goes_on: bool,
    now: Timestamp,
) -> Result<(Vec<EventDelivery>, Vec<EventDelivery>)> {
    let until = Filter::Range { field: "dueAt", from: None, until: Some(now.plus(Duration::from_millis(1)).into()) };
    let retries = Query::new(&EVENT_DELIVERIES)
        .sort(&DELIVERIES_DUE_OF_ENDPOINT)
        .equal("endpointId", id.0)
        .equal("status", DeliveryStatus::Retrying.name())
        .filter(until)
        .limit(BATCH);
    let line = Query::new(&EVENT_DELIVERIES)
        .sort(&DELIVERIES_IN_ORDER)
        .equal("status", DeliveryStatus::Waiting.name())
        .equal("endpointId", id.0)
        .limit(BATCH);
    let mut reads = vec![retries.into()];
    reads.extend(goes_on.then(|| line.into()));
    let mut answers = service.store().load_together(&call().context, &reads).await?;
    let retries = answers.all()?;
    Ok((retries, if goes_on { answers.all()? } else { Vec::new() }))
}

/// Returns the reason for which nothing is sent to an endpoint, if there is one.
async fn obstacle(service: &Service, endpoint: &EventEndpoint) -> Result<Option<&'static str>> {
    if !endpoint.active {
        return Ok(Some("the endpoint is not active"));
    }
    let Some(tenant) = endpoint.tenant_id else { return Ok(None) };
    let tenant: Option<Tenant> = service.store().load(&call().context, tenant).await?;
    let exists = tenant.is_some_and(|tenant| tenant.status.counts_as() != TenantStatus::Deleted);
    Ok((!exists).then_some("the tenant is deleted"))
}

impl Batch<'_> {
    async fn send(self, retries: Vec<EventDelivery>, line: Vec<EventDelivery>) -> Result<()> {
        let mut groups: BTreeMap<_, Vec<EventDelivery>> = BTreeMap::new();
        for delivery in line {
            groups.entry(delivery.event_tenant_id).or_default().push(delivery);
        }
        let groups = groups.into_values().chain(retries.into_iter().map(|delivery| vec![delivery]));
        let sent: Vec<Vec<(EventDelivery, EventDelivery)>> = stream::iter(groups)
            .map(|group| self.send_in_order(group))
            .buffer_unordered(TENANTS_AT_A_TIME)
            .collect()
            .await;
        let sent: Vec<_> = sent.into_iter().flatten().collect();
        let resumes_at = sent.iter().filter(|(_, after)| after.holds_up()).map(|(_, after)| after.due_at).max();
        store(self.service, sent).await?;
        if self.gone.load(Ordering::Relaxed) {
            return disable(self.service, self.target.endpoint.id).await;
        }
        if resumes_at.is_some() || self.target.endpoint.resumes_at.is_some() {
            return resume(self.service, self.target, resumes_at).await;
        }
        Ok(())
    }

    /// Sends deliveries one after the other, until the endpoint is not available or the time is over.
    async fn send_in_order(&self, group: Vec<EventDelivery>) -> Vec<(EventDelivery, EventDelivery)> {
        let mut sent = Vec::new();
        for before in group {
            if self.held.load(Ordering::Relaxed) || self.gone.load(Ordering::Relaxed) || Instant::now() >= self.end {
                break;
            }
            let now = time(self.service).await;
            let mut after = before.clone();
            if before.gives_up_at <= now {
                after.give_up("it was not delivered within three and a half days", now);
            } else {
                let attempt = self.attempt(&before, now).await;
                let now = time(self.service).await;
                after.note(attempt, SystemPause.fraction(), now);
                self.held.fetch_or(after.holds_up(), Ordering::Relaxed);
            }
            sent.push((before, after));
        }
        sent
    }

    async fn attempt(&self, delivery: &EventDelivery, now: Timestamp) -> Attempt {
        let request = match self.request(delivery, now) {
            Ok(request) => request,
            Err(error) => {
                return Attempt::Unavailable { status: None, why: error.message().to_owned(), retry_after: None };
            }
        };
        let answer = self.client.send(&call().context, &self.target.url, &request).await;
        match answer.and_then(|response| {
            let status = response.status();
            response.error_for_status().map(|_| status)
        }) {
            Ok(status) => Attempt::Taken(status.as_u16()),
            Err(error) => self.failure(&error),
        }
    }

    fn failure(&self, error: &OutboundError) -> Attempt {
        let status = error.status();
        match status {
            // Whatever else it answers, it has taken the webhook.
            Some(status) if status.is_success() => return Attempt::Taken(status.as_u16()),
            Some(StatusCode::GONE) => self.gone.store(true, Ordering::Relaxed),
            _ => {}
        }
        // Its own words stay out: whoever reads deliveries must not read answers through them.
        let why = match status {
            Some(status) => format!("it answered {}", status.as_u16()),
            // To which addresses names resolve here is nobody's business.
            None if error.kind() == OutboundErrorKind::RefusedAddress => REFUSED_ADDRESS.to_owned(),
            None => error.message().chars().take(LONGEST_REASON).collect(),
        };
        let passing = |status: &StatusCode| {
            status.is_server_error()
                || matches!(
                    *status,
                    StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
                )
        };
        match status {
            Some(status) if !passing(&status) => Attempt::Refused { status: status.as_u16(), why },
            status => Attempt::Unavailable {
                status: status.map(|status| status.as_u16()),
                why,
                retry_after: error.retry_after(),
            },
        }
    }

    /// Creates the request, signed at this time.
    fn request(&self, delivery: &EventDelivery, now: Timestamp) -> Result<Request> {
        let mut message = EventMessage::from(delivery.clone());
        message.data.values = self.values.as_ref().map(|values| values.get(&message.id).cloned().unwrap_or_default());
        let id = message.id.to_string();
        let body = serde_json::to_vec(&message).map_err(|error| Error::internal(error.to_string()))?;
        let sign = |secret: &WebhookSecret| secret.sign(&id, now.seconds(), &body);
        let signatures = self.target.secrets.iter().map(sign).collect::<Result<Vec<_>>>()?.join(" ");
        Ok(Request::post("")
            .with_secret_path()
            .header(ID, &id)
            .header(TIMESTAMP, &now.seconds().to_string())
            .header(SIGNATURE, &signatures)
            .header(header::USER_AGENT, "Dezky-Webhooks")
            .body("application/json", body))
    }
}

/// Stores what came of deliveries.
async fn store(service: &Service, sent: Vec<(EventDelivery, EventDelivery)>) -> Result<()> {
    let now = time(service).await;
    let mut commit = Commit::new();
    for (before, mut after) in sent.iter().cloned() {
        after.advance(now);
        commit.update(&after, before.version)?;
    }
    if commit.is_empty() {
        return Ok(());
    }
    match service.store().commit(&call().context, &commit).await {
        Err(error) if is_overtaken(&error) => {}
        outcome => return Ok(outcome?),
    }
    // One of them was asked for again meanwhile, or sent by another process too: the others are noted.
    for (before, mut after) in sent {
        let mut commit = Commit::new();
        after.advance(now);
        commit.update(&after, before.version)?;
        match service.store().commit(&call().context, &commit).await {
            Err(error) if is_overtaken(&error) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Ends deliveries without an attempt.
async fn close(service: &Service, deliveries: impl Iterator<Item = EventDelivery>, why: &'static str) -> Result<()> {
    let now = time(service).await;
    let closed = deliveries.map(|before| {
        let mut after = before.clone();
        after.give_up(why, now);
        (before, after)
    });
    store(service, closed.collect()).await
}

/// Removes deliveries to an endpoint that was removed.
async fn remove(service: &Service, deliveries: impl Iterator<Item = EventDelivery>) -> Result<()> {
    let mut commit = Commit::new();
    deliveries.for_each(|delivery| commit.delete(&delivery));
    match service.store().commit(&call().context, &commit).await {
        Err(error) if is_overtaken(&error) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Notes when the line of an endpoint goes on.
async fn resume(service: &Service, target: &Target, resumes_at: Option<Timestamp>) -> Result<()> {
    let call = call();
    service
        .settle(&call, |moment: Moment| {
            let call = &call;
            async move {
                let stored: Option<EventEndpoint> = service.store().load(&call.context, target.endpoint.id).await?;
                // Whoever has changed it since, or asked for a replay, does not want to wait.
                let unchanged = |stored: &EventEndpoint| stored.version == target.endpoint.version;
                let Some(before) = stored.filter(unchanged) else { return Ok(()) };
                let mut after = before.clone();
                after.resumes_at = resumes_at;
                let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Webhooks), &moment);
                if before != after {
                    work.refresh(&before, &mut after)?;
                }
                service.carry_out(work).await
            }
        })
        .await
}

/// Makes an endpoint inactive that has answered that it is gone.
async fn disable(service: &Service, id: EventEndpointId) -> Result<()> {
    let call = call();
    service
        .settle(&call, |moment: Moment| {
            let call = &call;
            async move {
                let stored: Option<EventEndpoint> = service.store().load(&call.context, id).await?;
                let Some(before) = stored.filter(|stored| stored.active) else { return Ok(()) };
                let mut after = before.clone();
                after.disable("it answered 410: it is gone".to_owned());
                let mut work = UnitOfWork::new(call, AuditActor::part(SystemActor::Webhooks), &moment);
                work.update(DISABLE, KIND, subject(&before), &before, &mut after)?;
                service.carry_out(work).await
            }
        })
        .await
}
