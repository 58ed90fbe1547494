//! Billing through a payment provider: links for owners, events from the provider, and what follows from them.

mod bill;
mod checkout;
pub(crate) mod follow;
mod portal;
mod provider;
mod receive;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use bill::read_price;
pub use checkout::Checkout;
pub use provider::{BillingProvider, Signed};

use super::Service;
use crate::{
    domain::{Subscription, Tenant},
    error::{Code, Error, Result},
};

/// A link to a page of the payment provider. It is for the caller, and good for a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub struct BillingLink {
    /// Address to send the browser to.
    pub url: String,
}

impl Service {
    /// Returns the payment provider.
    pub(crate) fn billing(&self) -> Result<&dyn BillingProvider> {
        self.billing.as_deref().ok_or_else(|| {
            let message = "this process reaches no payment provider: set `DEZKY_STRIPE_SECRET`, or send the request to a process that has it";
            Error::new(Code::BILLING_NOT_CONFIGURED, message)
        })
    }
}

/// Returns the customer that a tenant is at the provider, as far as it is stored.
fn known_customer(tenant: &Tenant, current: Option<&Subscription>) -> Option<String> {
    let of_subscription = || current.and_then(|current| current.stripe_customer_id.clone());
    tenant.stripe_customer_id.clone().or_else(of_subscription)
}
