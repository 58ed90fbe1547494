//! Subscriptions. Only the platform writes them; members read those of their tenants.

mod create;
mod delete;
pub(crate) mod lifecycle;
mod list;
mod read;
mod update;

pub use list::SubscriptionFilter;

use super::unit_of_work::Subject;
use crate::domain::Subscription;

/// The kind of resource in audit events.
pub(super) const KIND: &str = "subscription";

pub(super) fn subject(subscription: &Subscription) -> Subject {
    Subject { tenant: Some(subscription.tenant_id), user: None }
}
