//! Effects: changes that are carried out elsewhere, for a sandboxed component by its host.
//!
//! A service with an effect validates and authorizes a request itself and may refuse it. Once it has something to
//! write, it delegates to the effect: the process that has the store runs the request's use case once, from the request
//! alone, and returns its answer.

use std::fmt;

use async_trait::async_trait;

use super::{Call, Service};
use crate::{
    context::RequestContext,
    error::{Code, Error, Result},
};

/// `true` in a sandboxed component, where changes are always carried out by the host.
///
/// A constant, so that code which makes changes is not compiled into components. WebAssembly is built for nothing else.
pub(super) const ELSEWHERE: bool = cfg!(target_family = "wasm");

/// Carries out requests where the store can be written.
#[async_trait]
pub trait Effect: Send + Sync + fmt::Debug {
    /// Runs the request that this context belongs to, and returns its answer.
    ///
    /// # Errors
    /// When the request cannot be carried out there. A refusal by its use case is an answer, not an error.
    async fn perform(&self, context: &RequestContext) -> Result<Performed>;
}

/// The HTTP answer to a request that was carried out elsewhere.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request was carried out elsewhere, with status {status}")]
pub struct Performed {
    /// The status code.
    pub status: u16,
    /// Names and values of the header fields.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Performed {
    /// Omits the body, which may contain personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Performed").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Performed {
    /// Returns the answer that ended a use case, if that is its error's source.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}

impl Service {
    /// Sets the effect that carries out changes.
    #[must_use]
    pub fn with_effect(mut self, effect: std::sync::Arc<dyn Effect>) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Ends a use case that has something to write, if changes are carried out elsewhere.
    ///
    /// # Errors
    /// An error with the answer as its source ([`Performed::of`]) once the request has been carried out.
    pub(super) async fn leave_to_effect(&self, call: &Call) -> Result<()> {
        let Some(effect) = &self.effect else { return Ok(()) };
        let performed = effect.perform(&call.context).await?;
        let message = "the request was carried out elsewhere, and its answer was not passed on";
        Err(Error::new(Code::PERFORMED, message).with_source(performed))
    }
}
