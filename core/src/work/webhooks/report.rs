//! Endpoints that events do not reach, for whoever looks after the platform.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{AT_A_TIME, call, lines};
use crate::{
    clock::Timestamp,
    domain::{
        Choice as _, DeliveryStatus, EventDelivery, EventEndpoint, EventEndpointId,
        event_delivery::{DELIVERIES_BY_DUE, EVENT_DELIVERIES},
        event_endpoint::EVENT_ENDPOINTS,
    },
    error::Result,
    service::Service,
    store::{Filter, Query, Repository as _},
    work::time,
};

/// Number of deliveries of a status that are looked at.
const MOST: u32 = 200;

/// Age from which the first delivery in line is late.
const LATE: Duration = Duration::from_secs(5 * 60);

/// Time for which a dead letter is reported.
const RECENT: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint whose deliveries fail or are late.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EndpointReport {
    /// Its id.
    pub id: EventEndpointId,
    /// The endpoint; none if it was removed meanwhile.
    pub endpoint: Option<EventEndpoint>,
    /// Time of the first event in line, if it has failed or is late.
    pub waits_since: Option<Timestamp>,
    /// Number of deliveries that have failed and are tried again, as far as they were counted.
    pub retrying: usize,
    /// Number of deliveries that were given up in the last day, as far as they were counted.
    pub given_up: usize,
    /// Reason of the last failure.
    pub failure: Option<String>,
    failed_at: Option<Timestamp>,
}

impl EndpointReport {
    /// Reads the endpoints that have deliveries which fail or are late.
    ///
    /// Up to 256 endpoints whose line waits, and up to 200 deliveries of all endpoints that are retried or given up, are looked at.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn troubled(service: &Service) -> Result<Vec<Self>> {
        let now = time(service).await;
        let mut reports: BTreeMap<EventEndpointId, Self> = BTreeMap::new();
        for (id, line) in lines(service, &BTreeSet::new(), AT_A_TIME).await? {
            if line.first.holds_up() || line.first.due_at < now.minus(LATE) {
                let report = reports.entry(id).or_insert_with(|| Self::of(id));
                report.endpoint = line.endpoint;
                report.waits_since = Some(line.first.occurred_at);
                if line.first.holds_up() {
                    report.note(&line.first);
                }
            }
        }
        let of = |status: DeliveryStatus| {
            let query = Query::new(&EVENT_DELIVERIES).sort(&DELIVERIES_BY_DUE).descending();
            query.equal("status", status.name()).limit(MOST)
        };
        let recent = Filter::Range { field: "dueAt", from: Some(now.minus(RECENT).into()), until: None };
        let reads = [of(DeliveryStatus::Retrying).into(), of(DeliveryStatus::Failed).filter(recent).into()];
        let mut answers = service.store().load_together(&call().context, &reads).await?;
        let (retrying, given_up): (Vec<EventDelivery>, Vec<EventDelivery>) = (answers.all()?, answers.all()?);
        for delivery in retrying.iter().chain(&given_up) {
            let id = delivery.endpoint_id;
            reports.entry(id).or_insert_with(|| Self::of(id)).count(delivery);
        }
        Self::with_endpoints(service, reports).await
    }

    /// Adds the endpoints that are not known yet.
    async fn with_endpoints(service: &Service, mut reports: BTreeMap<EventEndpointId, Self>) -> Result<Vec<Self>> {
        let unknown: Vec<_> =
            reports.values().filter(|report| report.endpoint.is_none()).map(|report| report.id.0).collect();
        if !unknown.is_empty() {
            let query = Query::by_ids(&EVENT_ENDPOINTS, unknown);
            let endpoints: Vec<EventEndpoint> = service.store().load_all(&call().context, &query).await?;
            for endpoint in endpoints {
                if let Some(report) = reports.get_mut(&endpoint.id) {
                    report.endpoint = Some(endpoint);
                }
            }
        }
        Ok(reports.into_values().collect())
    }

    fn of(id: EventEndpointId) -> Self {
        Self { id, endpoint: None, waits_since: None, retrying: 0, given_up: 0, failure: None, failed_at: None }
    }

    fn count(&mut self, delivery: &EventDelivery) {
        let number = match delivery.status {
            DeliveryStatus::Retrying => &mut self.retrying,
            _ => &mut self.given_up,
        };
        *number = number.saturating_add(1);
        self.note(delivery);
    }

    /// Keeps the reason of the last failure.
    fn note(&mut self, delivery: &EventDelivery) {
        if delivery.failure.is_some() && self.failed_at.is_none_or(|at| at < delivery.updated_at) {
            self.failure.clone_from(&delivery.failure);
            self.failed_at = Some(delivery.updated_at);
        }
    }
}
