//! Response bodies on their way to clients, which account for their resources until taken.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use bytes::Buf;
use h2::Reason;
use http::{Response, Version};
use hyper::body::{Frame, SizeHint};

use super::limits::{Holding, SMALL};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response body.
///
/// Over HTTP/2, a large response ends only when all of it is taken, because its stream can be reset until then but not
/// after its end was handed over. A small response ends with its last piece, which saves a frame.
pub(super) struct HeldBody {
    body: Body,
    holding: Arc<Holding>,
    ends_taken: bool,
    unsent: Option<Arc<Unsent>>,
}

/// Wraps a response to hold the request's resources. `unsent` counts its pieces where nothing else could end them.
pub(super) fn held(
    response: Response<Body>,
    version: Version,
    holding: Arc<Holding>,
    unsent: &Arc<Unsent>,
) -> Response<HeldBody> {
    let multiplexed = version == Version::HTTP_2;
    let small = hyper::body::Body::size_hint(response.body())
        .exact()
        .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length <= SMALL));
    holding.answer();
    let unsent = (multiplexed && small).then(|| Arc::clone(unsent));
    response.map(|body| HeldBody { body, holding, ends_taken: multiplexed && !small, unsent })
}

impl hyper::body::Body for HeldBody {
    type Data = Piece;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, BoxError>>> {
        if self.ends_taken {
            if self.holding.is_expired() {
                return Poll::Ready(Some(Err(h2::Error::from(Reason::CANCEL).into())));
            }
            ready!(self.holding.poll_taken(context));
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => frame,
        };
        let piece = |bytes| Piece::new(bytes, Arc::clone(&self.holding), self.unsent.clone());
        Poll::Ready(Some(Ok(frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        !self.ends_taken && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of a response. It is dropped when the client has taken it or is gone.
pub(super) struct Piece {
    bytes: Bytes,
    holding: Arc<Holding>,
    counted: Option<(Arc<Unsent>, u32)>,
}

impl Piece {
    fn new(bytes: Bytes, holding: Arc<Holding>, unsent: Option<Arc<Unsent>>) -> Self {
        holding.give();
        let counted = unsent.map(|unsent| {
            let look = unsent.begin();
            (unsent, look)
        });
        Self { bytes, holding, counted }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some((unsent, look)) = &self.counted {
            unsent.end(*look);
        }
        self.holding.lose();
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.holding.take(count);
    }
}

/// Number of checks that a small response may outlast.
const LOOKS: u32 = 3;
/// Counters by check: those before, and the current one.
const COUNTS: usize = 5;

/// Number of small responses in a connection's buffers, by the check before which they were written.
///
/// They have ended, so only closing the connection can discard them.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    look: AtomicU32,
    counts: [AtomicU32; COUNTS],
}

impl Unsent {
    fn count(&self, look: u32) -> Option<&AtomicU32> {
        self.counts.get(usize::try_from(look).unwrap_or_default() % COUNTS)
    }

    fn begin(&self) -> u32 {
        let look = self.look.load(Ordering::Relaxed);
        if let Some(count) = self.count(look) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        look
    }

    fn end(&self, look: u32) {
        if let Some(count) = self.count(look) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Performs a check. Returns whether a response is still waiting after three checks.
    pub(super) fn look(&self) -> bool {
        let look = self.look.fetch_add(1, Ordering::Relaxed);
        look.checked_sub(LOOKS).and_then(|old| self.count(old)).is_some_and(|count| count.load(Ordering::Relaxed) > 0)
    }
}
