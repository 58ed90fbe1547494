//! The time of a decision. A use case is given one moment and cannot read the clock itself.
//!
//! So all that it writes and returns has the same time; two readings of the clock would put two times into one commit.

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

    /// Returns `true` if this time has passed. For reads only, since it yields no time that could be written.
    pub(super) fn has_passed(&self, time: Timestamp) -> bool {
        time <= self.0.now()
    }
}

/// The time of one decision, the same at every call.
///
/// It is drawn when first asked for, since the reads before may have taken a while.
#[derive(Debug)]
pub(crate) struct Moment {
    clock: Arc<dyn Clock>,
    drawn: OnceLock<Timestamp>,
}

impl Moment {
    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        *self.drawn.get_or_init(|| self.clock.now())
    }
}

impl Service {
    /// Number of attempts at a use case when other writers come first.
    pub(super) const MAXIMUM_ATTEMPTS: usize = 16;

    /// Runs one attempt at a decision, with its own moment. Use cases call [`Service::settle`].
    pub(crate) async fn attempt<T, F: Future<Output = T>>(&self, attempt: impl FnOnce(Moment) -> F) -> T {
        attempt(Moment { clock: Arc::clone(&self.clock.0), drawn: OnceLock::new() }).await
    }

    /// Runs a use case, and retries it while another writer comes first.
    ///
    /// Each attempt reads and decides again, at a new moment.
    pub(crate) async fn settle<T, F, A>(&self, call: &Call, decide: A) -> Result<T>
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
