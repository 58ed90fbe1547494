//! Stripe as the payment provider (<https://docs.stripe.com/api>, version 2026-10-28).

mod answer;
pub mod event;
pub mod signature;

use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde::de::DeserializeOwned;

use self::{
    answer::{Created, List, PageAt, Refusal, TENANT},
    signature::WebhookSecrets,
};
use crate::{
    clock::Timestamp,
    context::RequestContext,
    domain::billing::{Announcement, NewCheckout, NewCustomer, NewSubscription, ProviderPage, ProviderSubscription},
    error::{Code, Error, Result},
    outbound::{
        AllowedAddresses, CertificateAuthorities, Client, Credential, OriginClient, OutboundError, OutboundOptions,
        PlainHttp, Request, RetryPolicy, Url,
    },
};

/// Version of the API that requests ask for.
pub const API_VERSION: &str = "2026-10-28.endive";

/// Address of the API.
pub const API: &str = "https://api.stripe.com";

const VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Number of subscriptions of a page.
const PAGE: &str = "100";

/// Days after which an invoice that is mailed is late.
const DAYS_UNTIL_DUE: &str = "14";

/// Wait that callers are told where Stripe tells none.
const WAIT: Duration = Duration::from_secs(5);

/// Settings of the client.
#[derive(Debug, Clone)]
pub struct StripeSettings {
    /// Address of the API. Default: [`API`].
    pub url: Url,
    /// Secret or restricted key (`sk_…`, `rk_…`).
    pub key: super::Secret,
    /// Signing secrets of the webhook.
    pub webhook_secrets: WebhookSecrets,
    /// Address of the portal, to which Stripe's pages lead back.
    pub portal: Url,
    /// Has Stripe compute taxes. Default: no, since it needs Stripe Tax.
    pub automatic_tax: bool,
    /// Certificate authorities besides the system's.
    pub authorities: CertificateAuthorities,
}

/// A client of Stripe.
#[derive(Debug)]
pub struct Stripe {
    client: OriginClient,
    webhook_secrets: WebhookSecrets,
    portal: Url,
    automatic_tax: bool,
}

impl Stripe {
    /// Creates a client. Nothing is sent.
    ///
    /// # Errors
    /// [`OutboundError`] when the address or the key cannot be used.
    pub fn new(settings: &StripeSettings) -> Result<Self, OutboundError> {
        let credential = match &settings.key {
            super::Secret::Bearer(key) => Credential::bearer(key),
            super::Secret::Basic { user, password } => Credential::basic(user, password),
        }?;
        let options = OutboundOptions {
            addresses: AllowedAddresses::PUBLIC.and_private().and_loopback(),
            plain_http: PlainHttp::OnLoopback,
            authorities: settings.authorities.clone(),
            timeout: Duration::from_secs(20),
            maximum_body: 4 * 1024 * 1024,
            // Every request that changes something has an idempotency key, so that it may be repeated.
            retries: RetryPolicy::default(),
            ..OutboundOptions::default()
        };
        Ok(Self {
            client: Client::new(options).for_origin(settings.url.clone(), Some(credential))?,
            webhook_secrets: settings.webhook_secrets.clone(),
            portal: settings.portal.clone(),
            automatic_tax: settings.automatic_tax,
        })
    }

    /// Sends a request; `None` for what is not there.
    async fn ask<T: DeserializeOwned>(&self, context: &RequestContext, request: Request) -> Result<Option<T>> {
        let request = request.header(VERSION, API_VERSION);
        let response = self.client.send(context, &request).await.map_err(unavailable)?;
        match response.status() {
            status if status.is_success() => response.json().map(Some).map_err(unavailable),
            StatusCode::NOT_FOUND => Ok(None),
            // Stripe gives 409 for the repetition of a request that is still running.
            StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED => {
                Err(refused(response.json::<Refusal>().map_err(unavailable)?.error))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                tracing::warn!(status = %response.status(), "the payment provider refuses the key, or the key lacks a right");
                let message = "the payment provider refuses the key of this platform, or the key lacks a right: the operator has to correct it";
                Err(Error::new(Code::BILLING_REFUSED, message))
            }
            _ => Err(response
                .error_for_status()
                .map_or_else(unavailable, |_| Error::internal("an answer that is not a success has no error"))),
        }
    }

    async fn make<T: DeserializeOwned>(&self, context: &RequestContext, request: Request) -> Result<T> {
        self.ask(context, request).await?.ok_or_else(|| {
            let message =
                "the payment provider does not have what the request names: see that plans name prices of this account";
            Error::new(Code::BILLING_REFUSED, message)
        })
    }

    /// Returns the page of the tenant's subscription.
    fn page_of(&self, slug: &str) -> Url {
        let mut page = self.portal.clone();
        if let Ok(mut segments) = page.path_segments_mut() {
            segments.pop_if_empty().extend(["tenants", slug, "subscription"]);
        }
        page
    }

    fn back(&self, slug: &str, outcome: &str) -> String {
        let mut page = self.page_of(slug);
        page.query_pairs_mut().append_pair("checkout", outcome);
        page.into()
    }
}

/// Fields of a form, as Stripe nests them: `a[b]`.
fn lines(new: &NewCheckout, prefix: &str) -> Vec<(String, String)> {
    vec![(format!("{prefix}[0][price]"), new.price.clone()), (format!("{prefix}[0][quantity]"), new.seats.to_string())]
}

fn field(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

impl Stripe {
    /// Checks the signature of a webhook, and reads what it announces.
    ///
    /// # Errors
    /// `webhook_signature_missing`, `webhook_signature_refused`, `webhook_stale` or `webhook_unreadable`.
    pub fn announcement(&self, signature: Option<&str>, body: &[u8], now: Timestamp) -> Result<Announcement> {
        self.webhook_secrets.check(signature, body, now)?;
        event::read(body)
    }

    /// Reads a subscription; `None` if Stripe has none of this id.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn subscription(&self, context: &RequestContext, id: &str) -> Result<Option<ProviderSubscription>> {
        let request = Request::get("/v1/subscriptions").segment(id.to_owned());
        let found: Option<answer::Subscription> = self.ask(context, request).await?;
        Ok(found.map(answer::Subscription::into_domain))
    }

    /// Lists the subscriptions that have not ended, all or those of a customer.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn subscriptions(
        &self,
        context: &RequestContext,
        customer: Option<&str>,
        after: Option<&str>,
    ) -> Result<ProviderPage> {
        let mut request = Request::get("/v1/subscriptions").query("limit", PAGE);
        for (name, value) in [("customer", customer), ("starting_after", after)] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        let page: Option<List<answer::Subscription>> = self.ask(context, request).await?;
        let Some(page) = page else { return Ok(ProviderPage::default()) };
        let subscriptions: Vec<_> = page.data.into_iter().map(answer::Subscription::into_domain).collect();
        let next = subscriptions.last().filter(|_| page.has_more).map(|last| last.id.clone());
        Ok(ProviderPage { subscriptions, next })
    }

    /// Creates the customer of a tenant, once for the same name and address. Returns its id.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn create_customer(&self, context: &RequestContext, new: &NewCustomer) -> Result<String> {
        let mut fields = vec![field("name", &new.name), field(&format!("metadata[{TENANT}]"), new.tenant)];
        fields.extend(new.email.iter().map(|email| field("email", email)));
        let key = format!("dezky-customer-{}-{}", new.tenant, digest(&fields));
        let request = Request::post("/v1/customers").form(fields).idempotency_key(&key);
        Ok(self.make::<Created>(context, request).await?.id)
    }

    /// Creates a Checkout session. Returns the address of its page.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn checkout(&self, context: &RequestContext, new: &NewCheckout) -> Result<String> {
        let mut fields = vec![
            field("mode", "subscription"),
            field("customer", &new.customer),
            field("client_reference_id", new.tenant),
            field("success_url", self.back(&new.slug, "done")),
            field("cancel_url", self.back(&new.slug, "left")),
            field(&format!("subscription_data[metadata][{TENANT}]"), new.tenant),
            // Stripe asks for the VAT id, and for name and address that belong to it.
            field("tax_id_collection[enabled]", true),
            field("customer_update[name]", "auto"),
            field("customer_update[address]", "auto"),
        ];
        fields.extend(lines(new, "line_items"));
        fields.extend(new.free_until.map(|end| field("subscription_data[trial_end]", end.seconds())));
        if self.automatic_tax {
            fields.push(field("automatic_tax[enabled]", true));
        }
        let request = Request::post("/v1/checkout/sessions").form(fields).idempotency_key(&fresh(context));
        page(self.make(context, request).await?)
    }

    /// Creates a subscription whose invoices are mailed, once for its idempotency key.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn subscribe(&self, context: &RequestContext, new: &NewSubscription) -> Result<ProviderSubscription> {
        let NewSubscription { checkout, idempotency_key } = new;
        let mut fields = vec![
            field("customer", &checkout.customer),
            field("collection_method", "send_invoice"),
            field("days_until_due", DAYS_UNTIL_DUE),
            field(&format!("metadata[{TENANT}]"), checkout.tenant),
        ];
        fields.extend(lines(checkout, "items"));
        fields.extend(checkout.free_until.map(|end| field("trial_end", end.seconds())));
        if self.automatic_tax {
            fields.push(field("automatic_tax[enabled]", true));
        }
        let key = format!("{idempotency_key}-{}", digest(&fields));
        let request = Request::post("/v1/subscriptions").form(fields).idempotency_key(&key);
        Ok(self.make::<answer::Subscription>(context, request).await?.into_domain())
    }

    /// Creates a session of the customer portal. Returns the address of its page.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn portal(&self, context: &RequestContext, customer: &str, slug: &str) -> Result<String> {
        let page_of = self.page_of(slug);
        let fields = [("customer", customer), ("return_url", page_of.as_str())];
        let request = Request::post("/v1/billing_portal/sessions").form(fields).idempotency_key(&fresh(context));
        page(self.make(context, request).await?)
    }

    /// Ends a subscription at once. One that has ended, or is not there, has ended.
    ///
    /// # Errors
    /// `billing_refused`, or [`crate::ErrorKind::Unavailable`] while Stripe does not answer.
    pub async fn cancel(&self, context: &RequestContext, id: &str) -> Result<()> {
        let request = Request::delete("/v1/subscriptions").segment(id.to_owned());
        match self.ask::<Created>(context, request).await {
            Ok(_) => Ok(()),
            // Stripe refuses to cancel what has ended.
            Err(error) if error.is(Code::BILLING_REFUSED) => match self.subscription(context, id).await? {
                Some(found) if !found.status.is_final() => Err(error),
                _ => Ok(()),
            },
            Err(error) => Err(error),
        }
    }
}

/// Returns an idempotency key for the attempts of one request.
fn fresh(context: &RequestContext) -> String {
    format!("dezky-{}", context.request_id)
}

/// Returns a digest of the fields of a form. Another form is another request, and gets another idempotency key.
fn digest(fields: &[(String, String)]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for (name, value) in fields {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(value.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize().get(..8).unwrap_or_default())
}

fn page(page: PageAt) -> Result<String> {
    let is_page = |url: &String| url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
    page.url.filter(is_page).ok_or_else(|| {
        Error::new(Code::BILLING_REFUSED, "the payment provider made a page without an address for browsers")
    })
}

fn refused(reason: answer::Reason) -> Error {
    let message = crate::mail::one_line(&reason.message.unwrap_or_default());
    let code = reason.code.map(|code| format!(" ({})", crate::mail::one_line(&code))).unwrap_or_default();
    Error::new(Code::BILLING_REFUSED, format!("the payment provider refuses the request{code}: {message}"))
}

/// Returns the error that callers get for a failure. Details of Stripe are for the log.
fn unavailable(error: OutboundError) -> Error {
    let after = error.retry_after().unwrap_or(WAIT);
    tracing::warn!(%error, "the payment provider does not answer as it should");
    let message = "the payment provider does not answer as it should: try again later";
    Error::new(Code::UPSTREAM_UNAVAILABLE, message).with_retry_after(after)
}
