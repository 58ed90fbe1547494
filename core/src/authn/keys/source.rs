//! The port through which key sets are fetched.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;

use crate::authn::IssuerSettings;

/// Fetches the key set of an issuer. It tries once; the cache decides when to try again.
#[async_trait]
pub trait KeySource: Send + Sync + std::fmt::Debug {
    /// The body of the issuer's JSON Web Key Set: an answer 200, bounded in size and time.
    ///
    /// # Errors
    /// [`FetchError`] when there is no such answer.
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<Bytes, FetchError>;
}

/// Why a fetch does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// Coarsely.
    pub kind: FetchErrorKind,
    /// For an operator: what happened and what to change.
    pub message: Cow<'static, str>,
}

impl FetchError {
    /// A fetch that does not count.
    pub fn new(kind: FetchErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of fetches that do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// No connection, no answer in time, or an answer that is not 200.
    Unreachable,
    /// The provider answered with something that is no usable key set, or too large: its configuration is wrong.
    Misconfigured,
    /// The settings of this issuer do not fit what the provider says about itself.
    Mismatch,
    /// The settings of this issuer do not let its keys be fetched from there.
    Forbidden,
}
