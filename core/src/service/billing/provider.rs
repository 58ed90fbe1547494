//! Port to the payment provider.

use std::fmt;

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    context::RequestContext,
    domain::billing::{Announcement, NewCheckout, NewCustomer, NewSubscription, ProviderPage, ProviderSubscription},
    error::Result,
};

/// A webhook of the provider as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The signature, if there is one.
    pub signature: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// The payment provider. Prices, taxes and amounts are its own: Dezky computes none.
#[async_trait]
pub trait BillingProvider: fmt::Debug + Send + Sync {
    /// Checks the signature of a webhook, and reads what it announces.
    ///
    /// # Errors
    /// `webhook_signature_missing`, `webhook_signature_refused`, `webhook_stale` or `webhook_unreadable`.
    fn announcement(&self, signed: Signed<'_>, now: Timestamp) -> Result<Announcement>;

    /// Reads a subscription; `None` if the provider has none of this id.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while the provider does not answer.
    async fn subscription(&self, context: &RequestContext, id: &str) -> Result<Option<ProviderSubscription>>;

    /// Lists the subscriptions that have not ended, all or those of a customer.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn subscriptions(
        &self,
        context: &RequestContext,
        customer: Option<&str>,
        after: Option<&str>,
    ) -> Result<ProviderPage>;

    /// Creates the customer of a tenant, once however often it is asked. Returns its id.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn create_customer(&self, context: &RequestContext, new: &NewCustomer) -> Result<String>;

    /// Creates a page on which a customer subscribes. Returns its address.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn checkout(&self, context: &RequestContext, new: &NewCheckout) -> Result<String>;

    /// Creates a subscription that is billed by mail, once for its idempotency key.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn subscribe(&self, context: &RequestContext, new: &NewSubscription) -> Result<ProviderSubscription>;

    /// Creates a page on which a customer sees invoices, pays, changes and cancels. Returns its address.
    /// It leads back to the tenant of this slug.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn portal(&self, context: &RequestContext, customer: &str, slug: &str) -> Result<String>;

    /// Ends a subscription at once. One that has ended, or is not there, has ended.
    ///
    /// # Errors
    /// As [`BillingProvider::subscription`].
    async fn cancel(&self, context: &RequestContext, id: &str) -> Result<()>;
}

#[cfg(feature = "outbound")]
#[async_trait]
impl BillingProvider for crate::connectors::stripe::Stripe {
    fn announcement(&self, signed: Signed<'_>, now: Timestamp) -> Result<Announcement> {
        Self::announcement(self, signed.signature, signed.body, now)
    }

    async fn subscription(&self, context: &RequestContext, id: &str) -> Result<Option<ProviderSubscription>> {
        Self::subscription(self, context, id).await
    }

    async fn subscriptions(
        &self,
        context: &RequestContext,
        customer: Option<&str>,
        after: Option<&str>,
    ) -> Result<ProviderPage> {
        Self::subscriptions(self, context, customer, after).await
    }

    async fn create_customer(&self, context: &RequestContext, new: &NewCustomer) -> Result<String> {
        Self::create_customer(self, context, new).await
    }

    async fn checkout(&self, context: &RequestContext, new: &NewCheckout) -> Result<String> {
        Self::checkout(self, context, new).await
    }

    async fn subscribe(&self, context: &RequestContext, new: &NewSubscription) -> Result<ProviderSubscription> {
        Self::subscribe(self, context, new).await
    }

    async fn portal(&self, context: &RequestContext, customer: &str, slug: &str) -> Result<String> {
        Self::portal(self, context, customer, slug).await
    }

    async fn cancel(&self, context: &RequestContext, id: &str) -> Result<()> {
        Self::cancel(self, context, id).await
    }
}
