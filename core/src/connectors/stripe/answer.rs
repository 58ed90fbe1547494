//! Answers of Stripe, as far as they are read (<https://docs.stripe.com/api/subscriptions/object>).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    clock::Timestamp,
    domain::billing::{ProviderStatus, ProviderSubscription},
};

/// Name of the metadata that holds the tenant's id.
pub(super) const TENANT: &str = "tenant_id";

/// A list of objects.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// An object of which only the id is read.
#[derive(Deserialize)]
pub(super) struct Created {
    pub(super) id: String,
}

/// A page for a browser.
#[derive(Deserialize)]
pub(super) struct PageAt {
    pub(super) url: Option<String>,
}

/// The error of a refused request.
#[derive(Deserialize)]
pub(super) struct Refusal {
    pub(super) error: Reason,
}

#[derive(Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
}

/// An id, or the whole object that has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Id(String),
    Object(Created),
}

#[derive(Deserialize)]
pub(super) struct Subscription {
    id: String,
    customer: Reference,
    status: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    items: List<Item>,
    trial_end: Option<i64>,
    /// Of API versions before 2025-03-31, where items have none.
    current_period_end: Option<i64>,
    cancel_at: Option<i64>,
    #[serde(default)]
    cancel_at_period_end: bool,
    ended_at: Option<i64>,
}

#[derive(Deserialize)]
struct Item {
    price: Created,
    quantity: Option<u64>,
    current_period_end: Option<i64>,
}

impl Subscription {
    pub(super) fn into_domain(self) -> ProviderSubscription {
        let time = |seconds: Option<i64>| seconds.map(Timestamp::from_seconds);
        let of_items = self.items.data.iter().filter_map(|item| item.current_period_end).min();
        let period_ends_at = time(of_items.or(self.current_period_end));
        let ends_at = time(self.cancel_at).or(period_ends_at.filter(|_| self.cancel_at_period_end));
        let items = self.items.data.into_iter().map(|item| {
            let quantity = item.quantity.map_or(1, |quantity| u32::try_from(quantity).unwrap_or(u32::MAX));
            (item.price.id, quantity)
        });
        ProviderSubscription {
            items: items.collect(),
            id: self.id,
            customer: match self.customer {
                Reference::Id(id) | Reference::Object(Created { id }) => id,
            },
            status: status(self.status),
            tenant_id: self.metadata.get(TENANT).and_then(|id| id.parse().ok()),
            trial_ends_at: time(self.trial_end),
            period_ends_at,
            ends_at,
            ended_at: time(self.ended_at),
        }
    }
}

fn status(name: String) -> ProviderStatus {
    match name.as_str() {
        "incomplete" => ProviderStatus::Incomplete,
        "incomplete_expired" => ProviderStatus::IncompleteExpired,
        "trialing" => ProviderStatus::Trialing,
        "active" => ProviderStatus::Active,
        "past_due" => ProviderStatus::PastDue,
        "unpaid" => ProviderStatus::Unpaid,
        "paused" => ProviderStatus::Paused,
        "canceled" => ProviderStatus::Cancelled,
        _ => ProviderStatus::Other(name),
    }
}
