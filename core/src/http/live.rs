//! Answers that go on: a document as server-sent events (WHATWG HTML, section 9.2).
//!
//! Each event is the document as it is then, and its id the document's entity tag: a client that was away misses no
//! state, only steps in between. The caller is identified and authorized anew for each event, so that a revoked right
//! ends the stream. An edge that cannot hold answers open gives one event, after which clients connect again.

use std::{convert::Infallible, time::Duration};

use axum::response::{IntoResponse as _, Response, Sse, sse::Event};
use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use http::{HeaderMap, HeaderValue, header};

use super::problem::Problem;
use crate::{
    error::{Error, Result},
    service::{live::Tick, views::entity_tag_of_json},
};

/// Media type of server-sent events.
pub const MEDIA_TYPE: &str = "text/event-stream";

/// Time after which a client connects again when the stream has ended: what is shown is about to change.
pub(super) const SOON: Duration = Duration::from_secs(2);

/// The same time where nothing is about to change.
pub(super) const LATER: Duration = Duration::from_secs(30);

/// Header with the id of the last event that a client has seen.
const LAST_EVENT_ID: &str = "last-event-id";

/// Marks answers that go on, as an extension, so that edges count them by themselves.
#[derive(Debug, Clone, Copy)]
pub struct GoesOn;

/// Returns `true` if the client asks for events: `Accept` names their media type, as browsers' `EventSource` does.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = ranges.flat_map(|text| text.split(',')).map(|range| range.split(';').next().unwrap_or_default());
    types.any(|media_type| media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Time between two looks at a document, so that a busy store does not make each stream read all the time.
pub const PACE: Duration = Duration::from_millis(250);

/// The same for streams of events, each of which is awaited.
pub(super) const AT_ONCE: Duration = Duration::from_millis(5);

/// Time for which what was read may be sent without another look at the caller's rights.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// Returns the id of the last event that the client has seen.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<String> {
    headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A look at the document: its JSON for a caller who may still see it.
pub(super) type Look = Box<dyn Fn() -> BoxFuture<'static, Result<Vec<u8>>> + Send + Sync>;

/// Answers with the document now, and again after each change.
pub(super) fn answer(
    live: Option<BoxStream<'static, Tick>>,
    headers: &HeaderMap,
    name: &'static str,
    first: Vec<u8>,
    again: Duration,
    look: Look,
) -> Response {
    let seen = last_event_id(headers).unwrap_or_default();
    let ticks = live.unwrap_or_else(|| stream::empty().boxed());
    let rest = Rest { ticks, name, seen, first: Some((first, again)), look, ended: false };
    let events = stream::unfold(rest, |mut rest| async move {
        let event: std::result::Result<Event, Infallible> = Ok(rest.next().await?);
        Some((event, rest))
    });
    going_on(events)
}

/// Answers with events for as long as there are any.
pub(super) fn going_on(
    events: impl Stream<Item = std::result::Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let mut response = Sse::new(events).into_response();
    // Proxies must not collect events before they pass them on (nginx).
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response.extensions_mut().insert(GoesOn);
    response
}

/// Rest of a stream of events.
struct Rest {
    ticks: BoxStream<'static, Tick>,
    name: &'static str,
    seen: String,
    /// The first document, and the time after which a client connects again.
    first: Option<(Vec<u8>, Duration)>,
    look: Look,
    ended: bool,
}

impl Rest {
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if let Some((first, again)) = self.first.take() {
            // The time to connect again comes first, whatever the client has seen.
            let event = self.shown(&first).unwrap_or_else(|| Event::default().comment("unchanged"));
            return Some(event.retry(again));
        }
        loop {
            let tick = self.ticks.next().await?;
            match (self.look)().await {
                Ok(json) => match self.shown(&json) {
                    Some(event) => return Some(event),
                    None if tick == Tick::Idle => return Some(Event::default().comment("")),
                    None => {}
                },
                Err(error) => {
                    self.ended = true;
                    return Some(refusal(&error));
                }
            }
        }
    }

    /// Returns the event of a document, unless the client has seen it.
    fn shown(&mut self, json: &[u8]) -> Option<Event> {
        let tag = entity_tag_of_json(json);
        if tag == self.seen {
            return None;
        }
        let text = String::from_utf8_lossy(json);
        self.seen.clone_from(&tag);
        Some(Event::default().event(self.name).id(tag).data(text))
    }
}

/// Returns the last event of a stream whose caller may no longer see the document: its problem document.
pub(super) fn refusal(error: &Error) -> Event {
    let problem = Problem::new(error, super::request::current_request_id());
    Event::default().event("problem").data(serde_json::to_string(&problem).unwrap_or_default())
}
