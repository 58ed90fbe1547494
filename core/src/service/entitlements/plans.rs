//! Lists the plans that a tenant can be subscribed to.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    authz::Action,
    clock::Timestamp,
    error::Result,
    service::{Call, Service, access::TenantReference},
};

/// A plan that a tenant can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlanView {
    /// Its name.
    pub name: String,
    /// Seats of a new subscription, if it names no number of its own.
    pub seats: u32,
    /// Bound of the tenant's space for files, in bytes.
    pub files_bytes: u64,
    /// Bound of each mailbox, in bytes.
    pub mailbox_bytes: u64,
    /// Names of what it includes.
    pub features: Vec<String>,
    /// Days of trial of a new subscription.
    pub trial_days: u32,
    /// Ids of its prices at the payment provider; without any, only the platform gives it.
    pub prices: Vec<String>,
}

/// The plans that a tenant can be subscribed to, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct PlansView {
    /// The plans.
    pub items: Vec<PlanView>,
}

impl Service {
    /// Returns the plans that a tenant can be subscribed to, as they are now.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant or the caller may not see it, `role_insufficient` for members.
    pub async fn list_plans(&self, call: &Call, reference: &TenantReference) -> Result<PlansView> {
        self.tenant_access(call, reference).await?.authorize(Action::ReadEntitlements)?;
        let catalogue = &self.settings.plans;
        let items = catalogue.names().filter_map(|name| {
            let plan = catalogue.plan(name)?;
            let terms = plan.terms(Timestamp::from_milliseconds(0));
            Some(PlanView {
                name: name.to_owned(),
                seats: plan.seats,
                files_bytes: terms.files_bytes,
                mailbox_bytes: terms.mailbox_bytes,
                features: terms.features,
                trial_days: plan.trial_days,
                prices: plan.prices.iter().cloned().collect(),
            })
        });
        Ok(PlansView { items: items.collect() })
    }
}
