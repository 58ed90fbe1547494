//! Request bodies that must arrive in time and within the memory limit.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{Holding, Slots};

/// Reasons for not reading a body to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The body did not arrive in time.
    Late,
    /// The memory for bodies was exhausted.
    NoRoom,
    /// The body arrived, but no slot for processing was free.
    NoPlace,
}

/// Arrival state of a request body. Its memory stays reserved until this is dropped with the response,
/// because the data derived from it stays in memory until then.
#[derive(Debug, Clone)]
pub(super) struct Arrival(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    slots: Slots,
    fault: Option<Fault>,
}

impl Arrival {
    /// Returns the reason for not reading the body to its end, if any.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.state().fault
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, fault: Fault) -> axum::Error {
        self.state().fault = Some(fault);
        axum::Error::new(match fault {
            Fault::Late => "the body did not arrive in time",
            Fault::NoRoom => "there is no room for the body",
            Fault::NoPlace => "there is no place for the request",
        })
    }
}

/// A body that fails when it is incomplete in time or exceeds the memory for bodies.
///
/// The time limit starts at the first poll. Memory is reserved for received bytes, not for announced ones, since
/// announcing costs a client nothing. Once complete, its request takes a slot for processing.
pub(super) struct BoundedBody {
    body: Body,
    limit: Duration,
    end: Option<Pin<Box<Sleep>>>,
    arrival: Arrival,
    awaited: Option<Arc<Holding>>,
}

impl BoundedBody {
    /// Wraps a body and returns its arrival state; `awaited` is the request's resources, if it then takes a slot.
    pub(super) fn new(body: Body, limit: Duration, slots: Slots, awaited: Option<Arc<Holding>>) -> (Self, Arrival) {
        let arrival = Arrival(Arc::new(Mutex::new(State { slots, fault: None })));
        (Self { body, limit, end: None, arrival: arrival.clone(), awaited }, arrival)
    }

    /// Returns the reason for refusing a frame or the end.
    fn fault_of(&mut self, frame: Option<&Result<Frame<Bytes>, axum::Error>>) -> Option<Fault> {
        let length = frame.and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        if !self.arrival.state().slots.more(length) {
            return Some(Fault::NoRoom);
        }
        let complete = frame.is_none() || hyper::body::Body::is_end_stream(&self.body);
        let awaited = if complete { self.awaited.take() } else { None };
        awaited.filter(|holding| !holding.enter()).map(|_| Fault::NoPlace)
    }
}

impl hyper::body::Body for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(match self.fault_of(frame.as_ref()) {
                Some(fault) => Some(Err(self.arrival.fail(fault))),
                None => frame,
            });
        }
        let limit = self.limit;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(end.as_mut().poll(context));
        Poll::Ready(Some(Err(self.arrival.fail(Fault::Late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
