//! HTTP/2 streams, each of which ends when its client takes nothing of its response.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time,
};

use super::limits::Holding;

/// Maximum time between two checks for stalled clients.
const LOOK: Duration = Duration::from_secs(1);

/// Checks for all stalled clients, with one shared timer.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    next: Arc<Notify>,
    patience: Duration,
}

impl Looks {
    /// Creates checks that give clients this much time.
    pub(super) fn new(patience: Duration) -> Self {
        Self { next: Arc::default(), patience }
    }

    /// Runs the checks periodically, for as long as it is polled.
    pub(super) async fn go_on(&self) {
        let mut interval = time::interval(LOOK.min(self.patience / 4));
        loop {
            interval.tick().await;
            self.next.notify_waiters();
        }
    }
}

/// Most recent request of a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest(Arc<Mutex<Weak<Holding>>>);

impl Latest {
    /// Remembers a request's resources; `None` for a refused one.
    pub(super) fn set(&self, holding: Option<&Arc<Holding>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = holding.map(Arc::downgrade).unwrap_or_default();
    }

    /// Returns whether its client takes the response or gets a slot for stalled ones. `seen` is the previous
    /// observation.
    pub(super) fn look(&self, seen: &mut Option<(Weak<Holding>, usize)>) -> bool {
        let Some(holding) = self.get().filter(|holding| holding.is_being_taken()) else {
            *seen = None;
            return true;
        };
        let (which, taken) = (Arc::downgrade(&holding), holding.taken());
        let stalled = seen.as_ref().is_some_and(|(before, then)| before.ptr_eq(&which) && *then == taken);
        *seen = Some((which, taken));
        !stalled || holding.stall()
    }

    /// Returns the resources; `None` once the response is taken.
    fn get(&self) -> Option<Arc<Holding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

/// Executor for the streams of one connection. hyper submits each right after calling the service for it.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    latest: Latest,
    looks: Looks,
}

impl Streams {
    /// Creates the executor of a connection whose service sets `latest`.
    pub(super) fn new(latest: Latest, looks: Looks) -> Self {
        Self { latest, looks }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        match self.latest.get() {
            Some(holding) => drop(tokio::spawn(Watched::new(stream, holding, self.looks.clone()))),
            // A refused request holds nothing.
            None => drop(tokio::spawn(stream)),
        }
    }
}

pin_project! {
    /// Runs a stream until its client has taken nothing of its response for too long.
    struct Watched<F> {
        #[pin]
        stream: F,
        #[pin]
        look: Option<OwnedNotified>,
        holding: Arc<Holding>,
        looks: Looks,
        taken: usize,
        since: Option<Instant>,
    }
}

impl<F> Watched<F> {
    fn new(stream: F, holding: Arc<Holding>, looks: Looks) -> Self {
        Self { stream, look: None, holding, looks, taken: 0, since: None }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.stream.as_mut().poll(context).is_ready() {
            this.holding.give_place_back();
            return Poll::Ready(());
        }
        // Until there is an answer, the request has its own limits.
        if !this.holding.is_answered() {
            return Poll::Pending;
        }
        loop {
            if this.look.is_none() {
                this.look.set(Some(Arc::clone(&this.looks.next).notified_owned()));
            }
            let Some(look) = this.look.as_mut().as_pin_mut() else { return Poll::Pending };
            let since = *this.since.get_or_insert_with(Instant::now);
            ready!(look.poll(context));
            this.look.set(None);
            let taken = this.holding.taken();
            if taken != *this.taken {
                *this.taken = taken;
                *this.since = None;
            } else if since.elapsed() >= this.looks.patience || !this.holding.stall() {
                this.holding.expire();
                // Parts that hyper has already handed over are cancelled by the error that the body now ends with, the
                // others by dropping it: both reset the stream.
                drop(this.stream.poll(context));
                return Poll::Ready(());
            }
        }
    }
}
