//! When something is decided. A use case is given one moment and cannot read the clock, so that all it writes and shows has one time.
//!
//! Two readings of the clock in one use case would be two times in one commit and its answer.

use std::sync::{Arc, OnceLock};

use super::{Call, Service};
use crate::{
    clock::{Clock, Timestamp},
    error::{Code, Result},
};

/// The clock of the use cases. Only this file reads it.
#[derive(Debug)]
pub(super) struct ServiceClock(Arc<dyn Clock>);

impl ServiceClock {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    /// Whether this time is over. For what is read only: it gives nobody a time to write.
    pub(super) fn has_passed(&self, time: Timestamp) -> bool {
        time <= self.0.now()
    }
}

/// The time of one decision: drawn when it is first asked for, since what was read before may have taken a while, and the same from then on.
#[derive(Debug)]
pub(super) struct Moment {
    clock: Arc<dyn Clock>,
    drawn: OnceLock<Timestamp>,
}

impl Moment {
    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        *self.drawn.get_or_init(|| self.clock.now())
    }
}

impl Service {
    /// How often a use case decides anew when another writer came first.
    pub(super) const MAXIMUM_ATTEMPTS: usize = 16;

    /// Runs one attempt to decide something, at a moment of its own. Use cases have [`Service::settle`].
    pub(super) async fn attempt<T, F: Future<Output = T>>(&self, attempt: impl FnOnce(Moment) -> F) -> T {
        attempt(Moment { clock: Arc::clone(&self.clock.0), drawn: OnceLock::new() }).await
    }

    /// Runs a use case, and again while another writer comes first: it reads and decides anew, at another moment, each time.
    pub(super) async fn settle<T, F, A>(&self, call: &Call, decide: A) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
        A: Fn(Moment) -> F + Send + Sync,
    {
        let mut outcome = self.attempt(&decide).await;
        for _ in 1..Self::MAXIMUM_ATTEMPTS {
            match &outcome {
                Err(error) if error.is(Code::CONFLICT) && !call.context.remaining().is_zero() => {}
                _ => break,
            }
            outcome = self.attempt(&decide).await;
        }
        outcome
    }
}
