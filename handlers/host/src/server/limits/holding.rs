//! Resources that a request holds, from its head until its response is taken.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::response::Response;
use dezky::{Result, http::live::GoesOn};
use futures_util::task::AtomicWaker;
use hyper::body::Body as _;

use super::{Limits, Shares, Slots};
use crate::server::metrics::Refusal;

/// Size of a response up to which its slot accounts for it: slots are bounded, and so is their total.
pub(in crate::server) const SMALL: usize = 4 * 1024;

/// Resources of a request, released on drop.
///
/// The request, the body of its response and every piece of it that was not taken yet share ownership.
///
/// A request has one slot at a time: while its body arrives, while it is processed and its response taken, or once its
/// client has stopped taking it. Each kind of slot is bounded in total and per address, so that slow clients take
/// nothing from fast ones.
#[derive(Debug)]
pub(in crate::server) struct Holding {
    limits: Arc<Limits>,
    client: u128,
    /// Slot of its HTTP/2 stream, released with everything else.
    _stream: Option<Slots>,
    held: Mutex<Held>,
    /// Bytes of the response that the client has taken.
    taken: AtomicUsize,
    /// Pieces of the response handed to the connection and not taken yet.
    pieces: AtomicUsize,
    /// Flag: the response has started.
    answered: AtomicBool,
    /// Flag: the client's time is over.
    expired: AtomicBool,
    /// Waiters for all pieces to be taken.
    waiting: AtomicWaker,
}

#[derive(Debug, Default)]
struct Held {
    request: Option<Slots>,
    /// Flag: `request` is a slot for clients that stopped taking their responses.
    stalled: bool,
    answer: Option<Slots>,
}

impl Holding {
    /// Creates the initial resources of a client's request: its stream slot, if any.
    pub(in crate::server) fn new(limits: &Arc<Limits>, client: u128, stream: Option<Slots>) -> Arc<Self> {
        Arc::new(Self {
            limits: Arc::clone(limits),
            client,
            _stream: stream,
            held: Mutex::default(),
            taken: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
        })
    }

    /// Returns the key under which the client is counted.
    pub(super) fn client(&self) -> u128 {
        self.client
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges the slot for one of a processed request; false if there is none.
    pub(super) fn enter(&self) -> bool {
        self.move_to(self.limits.in_flight.as_ref())
    }

    /// Exchanges the slot for one of an arriving body; false if there is none.
    pub(super) fn await_body(&self) -> bool {
        self.move_to(self.limits.bodies.as_ref())
    }

    fn move_to(&self, shares: Option<&Arc<Shares>>) -> bool {
        let Some(shares) = shares else { return true };
        let slots = shares.enter(self.client);
        let entered = slots.is_some();
        self.held().request = slots;
        entered
    }

    /// Reserves memory for the bytes of a response. One that goes on exchanges its slot for one of its kind.
    pub(super) fn keep(&self, response: &Response) -> Result<()> {
        if response.extensions().get::<GoesOn>().is_some() {
            let entered = self.move_to(Some(&self.limits.followers));
            return if entered { Ok(()) } else { Err(self.limits.overloaded(Refusal::Followers)) };
        }
        let length = response.body().size_hint().lower();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length <= SMALL {
            return Ok(());
        }
        let mut slots = self.limits.answer_bytes.reserve(self.client);
        if !slots.more(length) {
            return Err(self.limits.overloaded(Refusal::Answers));
        }
        self.held().answer = Some(slots);
        Ok(())
    }

    /// Marks the response as started.
    pub(in crate::server) fn answer(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// Returns whether the response has started, so that only its client is waited for.
    pub(in crate::server) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// Records a piece handed to the connection.
    pub(in crate::server) fn give(&self) {
        self.pieces.fetch_add(1, Ordering::AcqRel);
    }

    /// Records bytes that the client has taken.
    pub(in crate::server) fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Records that a piece was taken or dropped.
    pub(in crate::server) fn lose(&self) {
        if self.pieces.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiting.wake();
        }
    }

    /// Returns the number of bytes that the client has taken.
    pub(in crate::server) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Returns whether pieces were handed out and not taken yet.
    pub(in crate::server) fn is_being_taken(&self) -> bool {
        self.pieces.load(Ordering::Acquire) > 0
    }

    /// Waits until every piece that was handed out is taken.
    pub(in crate::server) fn poll_taken(&self, context: &Context<'_>) -> Poll<()> {
        if !self.is_being_taken() {
            return Poll::Ready(());
        }
        self.waiting.register(context.waker());
        if self.is_being_taken() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Moves the request of a stalled client to a slot for such clients; false if there is none.
    pub(in crate::server) fn stall(&self) -> bool {
        let mut held = self.held();
        let Some(stalled) = self.limits.stalled.as_ref().filter(|_| held.request.is_some() && !held.stalled) else {
            return true;
        };
        let slots = stalled.enter(self.client);
        held.stalled = slots.is_some();
        held.request = slots;
        if !held.stalled {
            self.limits.metrics.refuse(Refusal::Stalled);
        }
        held.stalled
    }

    /// Reduces a request whose small response was handed out completely to its stream slot.
    pub(in crate::server) fn give_place_back(&self) {
        self.held().request = None;
    }

    /// Ends the client's time, which aborts the response.
    pub(in crate::server) fn expire(&self) {
        self.limits.metrics.refuse(Refusal::Untaken);
        self.expired.store(true, Ordering::Release);
    }

    /// Returns whether the client's time is over.
    pub(in crate::server) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Acquire)
    }
}
