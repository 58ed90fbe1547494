//! What a request holds of the rooms of this process, from its head until its answer is taken.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::response::Response;
use dezky::Result;
use futures_util::task::AtomicWaker;
use hyper::body::Body as _;

use super::{Limits, Place, Shares};
use crate::server::metrics::Refusal;

/// Bytes of an answer up to which its place stands for it: the rooms are bounded, and so is what is in them.
pub(in crate::server) const SMALL: usize = 4 * 1024;

/// What a request holds. All is free again when this is dropped: the request, the body of its answer, and every piece of that
/// which is not taken yet have a part in it.
///
/// At each time a request has one place: while its body arrives, while it is answered and its answer taken, or once its client
/// has stopped to take that. Each of these rooms has a bound of its own, in all and for one address, so that those who are
/// slow take nothing from those who are not.
#[derive(Debug)]
pub(in crate::server) struct Holding {
    limits: Arc<Limits>,
    client: u128,
    /// Given back with all of it.
    _stream: Option<Place>,
    places: Mutex<Places>,
    /// Bytes of the answer that the client has taken.
    taken: AtomicUsize,
    /// Pieces of the answer that have been given away and are not taken yet.
    pieces: AtomicUsize,
    /// Whether the answer has begun.
    answered: AtomicBool,
    /// Whether its client has had its time.
    expired: AtomicBool,
    /// Who waits until all pieces are taken.
    waiting: AtomicWaker,
}

#[derive(Debug, Default)]
struct Places {
    request: Option<Place>,
    /// Whether `request` is among those whose clients have stopped to take their answers.
    stalled: bool,
    answer: Option<Place>,
}

impl Holding {
    /// What a request of this client holds at first: its stream, where it has one.
    pub(in crate::server) fn new(limits: &Arc<Limits>, client: u128, stream: Option<Place>) -> Arc<Self> {
        Arc::new(Self {
            limits: Arc::clone(limits),
            client,
            _stream: stream,
            places: Mutex::default(),
            taken: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
        })
    }

    /// The number under which the client is counted.
    pub(super) fn client(&self) -> u128 {
        self.client
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place among the requests that are answered, instead of the one before; false if there is none.
    pub(super) fn enter(&self) -> bool {
        self.move_to(self.limits.in_flight.as_ref())
    }

    /// Takes a place among the requests whose bodies arrive; false if there is none.
    pub(super) fn await_body(&self) -> bool {
        self.move_to(self.limits.bodies.as_ref())
    }

    fn move_to(&self, room: Option<&Arc<Shares>>) -> bool {
        let Some(room) = room else { return true };
        let place = room.enter(self.client);
        let entered = place.is_some();
        self.places().request = place;
        entered
    }

    /// Takes room for the bytes of an answer.
    pub(super) fn keep(&self, response: &Response) -> Result<()> {
        let length = response.body().size_hint().lower();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length <= SMALL {
            return Ok(());
        }
        let mut place = self.limits.answer_bytes.reserve(self.client);
        if !place.more(length) {
            return Err(self.limits.overloaded(Refusal::Answers));
        }
        self.places().answer = Some(place);
        Ok(())
    }

    /// The answer begins.
    pub(in crate::server) fn answer(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// Whether the answer has begun, so that all that is waited for is its client.
    pub(in crate::server) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// A piece of the answer is given away.
    pub(in crate::server) fn give(&self) {
        self.pieces.fetch_add(1, Ordering::AcqRel);
    }

    /// The client has taken bytes of a piece.
    pub(in crate::server) fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A piece is taken, or dropped.
    pub(in crate::server) fn lose(&self) {
        if self.pieces.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiting.wake();
        }
    }

    /// How many bytes the client has taken.
    pub(in crate::server) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether pieces are given away that are not taken yet.
    pub(in crate::server) fn is_being_taken(&self) -> bool {
        self.pieces.load(Ordering::Acquire) > 0
    }

    /// Waits until every piece that was given away is taken.
    pub(in crate::server) fn poll_taken(&self, context: &Context<'_>) -> Poll<()> {
        if !self.is_being_taken() {
            return Poll::Ready(());
        }
        self.waiting.register(context.waker());
        if self.is_being_taken() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// The client takes nothing for now. Its request gives its place to others and has one among those like it: false if
    /// there is none.
    pub(in crate::server) fn stall(&self) -> bool {
        let mut places = self.places();
        let Some(stalled) = self.limits.stalled.as_ref().filter(|_| places.request.is_some() && !places.stalled) else {
            return true;
        };
        let place = stalled.enter(self.client);
        places.stalled = place.is_some();
        places.request = place;
        if !places.stalled {
            self.limits.metrics.refuse(Refusal::Stalled);
        }
        places.stalled
    }

    /// All of a small answer is given away: what is left of the request is its stream.
    pub(in crate::server) fn give_place_back(&self) {
        self.places().request = None;
    }

    /// The client has had its time: the answer breaks off.
    pub(in crate::server) fn expire(&self) {
        self.limits.metrics.refuse(Refusal::Untaken);
        self.expired.store(true, Ordering::Release);
    }

    /// Whether the client has had its time.
    pub(in crate::server) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Acquire)
    }
}
