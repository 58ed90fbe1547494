//! Port for fetching key sets.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;

use crate::authn::IssuerSettings;

/// Fetches the key set of an issuer. One call makes one attempt; the cache retries.
#[async_trait]
pub trait KeySource: Send + Sync + std::fmt::Debug {
    /// Returns the body of the issuer's JSON Web Key Set from a 200 response, bounded in size and time.
    ///
    /// # Errors
    /// [`FetchError`] when there is no such response.
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<Bytes, FetchError>;
}

/// Failure of a fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// Kind of the failure.
    pub kind: FetchErrorKind,
    /// Text for an operator: what happened and what to change.
    pub message: Cow<'static, str>,
}

impl FetchError {
    /// Creates a failure.
    pub fn new(kind: FetchErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of fetch failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// No connection, no response in time, or a status other than 200.
    Unreachable,
    /// A response that is no usable key set or too large: the provider is misconfigured.
    Misconfigured,
    /// Settings of the issuer that contradict the provider's own metadata.
    Mismatch,
    /// Settings of the issuer that forbid fetching from this address.
    Forbidden,
}
