//! Changes that are carried out elsewhere, as those of a sandboxed component are by its host.
//!
//! Such a service validates and authorizes a request by itself and may refuse it. Once it has something to write, it asks for the
//! effect instead: whoever holds the store runs the request's use case once, from the request alone, and answers it.

use std::fmt;

use async_trait::async_trait;

use super::{Call, Service};
use crate::{
    context::RequestContext,
    error::{Code, Error, Result},
};

/// True in a sandboxed component, where changes are always carried out by the host.
///
/// A constant, so that the code that makes changes is not compiled into it. WebAssembly is built for components alone.
pub(super) const ELSEWHERE: bool = cfg!(target_family = "wasm");

/// Carries out requests where the store can be written.
#[async_trait]
pub trait Effect: Send + Sync + fmt::Debug {
    /// Runs the request to which this context belongs, and returns its answer.
    ///
    /// # Errors
    /// When the request cannot be carried out there; a refusal by its use case is an answer and no error.
    async fn perform(&self, context: &RequestContext) -> Result<Performed>;
}

/// The answer to a request that was carried out elsewhere, as HTTP has it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request was carried out elsewhere, with status {status}")]
pub struct Performed {
    /// The status code.
    pub status: u16,
    /// Names and values of the fields of the head.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Performed {
    /// Without the body, which may have personal values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Performed").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Performed {
    /// The answer that ended a use case, if that is what ended it.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}

impl Service {
    /// The same where changes are carried out by `effect`.
    #[must_use]
    pub fn with_effect(mut self, effect: std::sync::Arc<dyn Effect>) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Ends a use case that has something to write, if changes are carried out elsewhere.
    ///
    /// # Errors
    /// One with the answer as its source ([`Performed::of`]) once it is carried out.
    pub(super) async fn leave_to_effect(&self, call: &Call) -> Result<()> {
        let Some(effect) = &self.effect else { return Ok(()) };
        let performed = effect.perform(&call.context).await?;
        let message = "the request was carried out elsewhere, and its answer was not passed on";
        Err(Error::new(Code::PERFORMED, message).with_source(performed))
    }
}
