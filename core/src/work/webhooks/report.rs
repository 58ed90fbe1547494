//! Endpoints that events do not reach, for whoever looks after the platform.

use std::{collections::BTreeMap, time::Duration};

use super::call;
use crate::{
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

/// Number of deliveries of a kind that are looked at.
const MOST: u32 = 200;

/// Age from which a delivery in line is late.
const LATE: Duration = Duration::from_secs(5 * 60);

/// Time for which a dead letter is reported.
const RECENT: Duration = Duration::from_secs(24 * 60 * 60);

/// An endpoint whose deliveries fail or are late.
#[derive(Debug, Clone)]
pub struct EndpointReport {
    /// The endpoint; none if it was removed meanwhile.
    pub endpoint: Option<EventEndpoint>,
    /// Its id.
    pub id: EventEndpointId,
    /// Number of deliveries in line for more than five minutes.
    pub late: usize,
    /// Number of deliveries that have failed and are tried again.
    pub retrying: usize,
    /// Number of deliveries that were given up in the last day.
    pub given_up: usize,
    /// Reason of the last failure.
    pub failure: Option<String>,
}

impl EndpointReport {
    /// Reads the endpoints that have deliveries which fail or are late. Up to 200 deliveries of each kind are counted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn troubled(service: &Service) -> Result<Vec<Self>> {
        let (now, context) = (time(service).await, call().context);
        let of = |status: DeliveryStatus| {
            let query = Query::new(&EVENT_DELIVERIES).sort(&DELIVERIES_BY_DUE).equal("status", status.name());
            query.limit(MOST)
        };
        let late = Filter::Range { field: "dueAt", from: None, until: Some(now.minus(LATE).into()) };
        let recent = Filter::Range { field: "dueAt", from: Some(now.minus(RECENT).into()), until: None };
        let reads = [
            of(DeliveryStatus::Waiting).filter(late).into(),
            of(DeliveryStatus::Retrying).into(),
            of(DeliveryStatus::Failed).filter(recent).into(),
        ];
        let mut answers = service.store().load_together(&context, &reads).await?;
        let mut reports: BTreeMap<EventEndpointId, Self> = BTreeMap::new();
        for _ in &reads {
            let deliveries: Vec<EventDelivery> = answers.all()?;
            for delivery in deliveries {
                let id = delivery.endpoint_id;
                reports.entry(id).or_insert_with(|| Self::of(id)).count(delivery);
            }
        }
        let query = Query::by_ids(&EVENT_ENDPOINTS, reports.keys().map(|id| id.0));
        let endpoints: Vec<EventEndpoint> =
            if reports.is_empty() { Vec::new() } else { service.store().load_all(&context, &query).await? };
        for endpoint in endpoints {
            if let Some(report) = reports.get_mut(&endpoint.id) {
                report.endpoint = Some(endpoint);
            }
        }
        Ok(reports.into_values().collect())
    }

    fn of(id: EventEndpointId) -> Self {
        Self { endpoint: None, id, late: 0, retrying: 0, given_up: 0, failure: None }
    }

    fn count(&mut self, delivery: EventDelivery) {
        let number = match delivery.status {
            DeliveryStatus::Waiting => &mut self.late,
            DeliveryStatus::Retrying => &mut self.retrying,
            DeliveryStatus::Failed => &mut self.given_up,
            DeliveryStatus::Delivered => return,
        };
        *number = number.saturating_add(1);
        self.failure = delivery.failure.or_else(|| self.failure.take());
    }
}
