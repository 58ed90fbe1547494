//! Extractors of handlers: the call and the path parameters.

use std::{str::FromStr, sync::Arc};

use axum::{
    Extension,
    extract::{FromRequestParts, OriginalUri, RawPathParams},
};
use http::{HeaderMap, Method, header, request::Parts};

use super::HttpState;
use crate::{
    context::RequestContext,
    error::{Code, Error, Result},
    service::{Call, IdempotencyRequest, IfMatch, Principal},
};

/// The context that every request has.
pub(super) struct Context(pub(super) RequestContext);

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let context = parts.extensions.get::<RequestContext>().cloned();
        context.map(Self).ok_or_else(|| Error::internal("a request has no context"))
    }
}

/// The call of a verified caller.
///
/// An in-process edge may have put the [`Principal`] into the request's extensions, which nothing from a network can;
/// all other callers authenticate with a token or an API key.
pub(super) struct Caller(pub(super) Call);

impl FromRequestParts<Arc<HttpState>> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<HttpState>) -> Result<Self> {
        let Context(context) = Context::from_request_parts(parts, state).await?;
        let mut call = match parts.extensions.get::<Principal>() {
            Some(principal) => Call::by(context, principal.clone()),
            None => Call::by(context.clone(), state.identity.principal(&context, &parts.headers).await?),
        };
        call.if_match = if_match(&parts.headers)?;
        if parts.method == Method::POST {
            call.idempotency = idempotency(parts)?;
        }
        Ok(Self(call))
    }
}

/// The call of a verified caller, who is identified anew for each further look of an answer that goes on.
#[derive(Clone)]
pub(super) struct RepeatedCaller {
    /// The call of the request itself.
    call: Call,
    principal: Option<Principal>,
    headers: HeaderMap,
}

impl RepeatedCaller {
    /// Keeps what a caller is identified by.
    pub(super) fn new(call: Call, principal: Option<Extension<Principal>>, headers: HeaderMap) -> Self {
        Self { call, principal: principal.map(|Extension(principal)| principal), headers }
    }

    /// Creates a call with a deadline of its own, if the caller's token is still good.
    ///
    /// # Errors
    /// Those of the first identification.
    pub(super) async fn again(&self, state: &HttpState) -> Result<Call> {
        let context = self.call.context.renewed(state.timeout);
        Ok(match &self.principal {
            Some(principal) => Call::by(context, principal.clone()),
            None => Call::by(context.clone(), state.identity.principal(&context, &self.headers).await?),
        })
    }
}

/// Reads `If-Match`, which compares strongly: a weak tag never matches (RFC 9110 §13.1.1).
fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let mut tags = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        let text = value.to_str().map_err(|_| Error::new(Code::INVALID_IF_MATCH, "`If-Match` must be plain text"))?;
        for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if tag == "*" {
                return Ok(Some(IfMatch::Any));
            }
            tags.push(tag.to_owned());
        }
    }
    Ok(Some(IfMatch::Tags(tags)))
}

/// Checks `If-None-Match`, which compares weakly (RFC 9110 §13.1.2).
pub(super) fn none_match(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|text| {
        text.split(',').map(|part| part.trim().trim_start_matches("W/")).any(|part| part == "*" || part == tag)
    })
}

fn idempotency(parts: &Parts) -> Result<Option<IdempotencyRequest>> {
    let mut values = parts.headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    // What is no text, or not one, is refused as an empty one.
    let key = if values.next().is_some() { "" } else { value.to_str().unwrap_or_default() };
    let key = IdempotencyRequest::check_key(key.to_owned())?;
    let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.0.path());
    let target = format!("{} {path}", parts.method);
    Ok(Some(IdempotencyRequest { key, target, body: Vec::new() }))
}

/// The decoded parameters of the path.
pub(super) struct PathParameters(Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathParameters {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::new(Code::INVALID_PATH, "the path holds an escape that is not UTF-8"))?;
        Ok(Self(parameters.iter().map(|(_, value)| value.to_owned()).collect()))
    }
}

impl PathParameters {
    /// Returns the text of a parameter.
    pub(super) fn text(&self, position: usize) -> &str {
        self.0.get(position).map_or("", String::as_str)
    }

    /// Reads a parameter that is an id.
    pub(super) fn id<T: FromStr>(&self, position: usize) -> Result<T> {
        self.text(position)
            .parse()
            .map_err(|_| Error::new(Code::INVALID_ID, "the id in the path must have 24 hexadecimal characters"))
    }
}
