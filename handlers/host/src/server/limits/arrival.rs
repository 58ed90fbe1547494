//! Bodies that must arrive in time, and that find room while they do.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::Place;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It did not arrive in time.
    Late,
    /// There was no room for more bytes of bodies.
    NoRoom,
}

/// How the body of a request arrives. Its bytes take their room until this is dropped, which is when the request is answered:
/// until then what was made of them is in memory.
#[derive(Debug, Clone)]
pub(super) struct Arrival(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    room: Place,
    fault: Option<Fault>,
}

impl Arrival {
    /// Why the body was not read to its end; none if nothing was in its way.
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
        })
    }
}

/// A body that ends with an error when it is not complete in time, or finds no room. The time begins when it is waited for.
/// Room is taken for what has come and not for what was announced: to announce costs a client nothing.
pub(super) struct BoundedBody {
    body: Body,
    limit: Duration,
    end: Option<Pin<Box<Sleep>>>,
    arrival: Arrival,
}

impl BoundedBody {
    /// The body, and how it arrives.
    pub(super) fn new(body: Body, limit: Duration, room: Place) -> (Self, Arrival) {
        let arrival = Arrival(Arc::new(Mutex::new(State { room, fault: None })));
        (Self { body, limit, end: None, arrival: arrival.clone() }, arrival)
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
            let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
            if !self.arrival.state().room.more(length) {
                return Poll::Ready(Some(Err(self.arrival.fail(Fault::NoRoom))));
            }
            return Poll::Ready(frame);
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
