//! Routes of billing: links for owners, and the webhook of the payment provider.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    domain::SubscriptionId,
    error::{Code, Error, Result},
    http::{
        HttpState,
        body::{JsonBody, RawBody},
        extract::{Caller, Context, PathParameters},
        respond,
    },
    service::{
        access::TenantReference,
        billing::{Checkout, Signed, read_price},
    },
};

/// Header with the signature of a webhook.
const SIGNATURE: &str = "stripe-signature";

pub(crate) async fn checkout(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let input = Checkout::read(body.value(&mut call)?)?;
    let answer = state.service.begin_checkout(&call, &TenantReference::from(path.text(0)), input).await?;
    respond::acted(&answer).map(unkept)
}

pub(crate) async fn portal(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    body.nothing(&mut call)?;
    respond::acted(&state.service.open_billing_portal(&call, &TenantReference::from(path.text(0))).await?).map(unkept)
}

pub(crate) async fn bill(
    State(state): State<Arc<HttpState>>,
    Caller(mut call): Caller,
    path: PathParameters,
    body: JsonBody,
) -> Result<Response> {
    let price = read_price(body.value(&mut call)?)?;
    let id: SubscriptionId = path.id(0)?;
    respond::changed(&state.service.bill_subscription(&call, id, price).await?)
}

pub(crate) async fn receive(
    State(state): State<Arc<HttpState>>,
    Context(context): Context,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response> {
    let mut signatures = headers.get_all(SIGNATURE).iter();
    let signature = match (signatures.next(), signatures.next()) {
        (first, None) => first.and_then(|value| value.to_str().ok()),
        (_, Some(_)) => {
            let message = "the webhook has two `Stripe-Signature`: pass on the one that Stripe sent";
            return Err(Error::new(Code::WEBHOOK_SIGNATURE_MISSING, message));
        }
    };
    state.service.receive_provider_event(&context, Signed { signature, body: &body }).await?;
    let mut response = respond::nothing();
    *response.status_mut() = StatusCode::OK;
    Ok(unkept(response))
}

/// Keeps a response out of caches.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
