//! The stream of events, and the same in pages.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    Extension,
    extract::State,
    response::{Response, sse::Event},
};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use http::HeaderMap;
use serde_json::Value;
use utoipa::IntoParams;

use crate::{
    domain::{EventMessage, Problem, event_endpoint::event_type},
    error::{FieldCode, Result},
    http::{
        HttpState,
        extract::{Caller, RepeatedCaller},
        live,
        parameters::Parameters,
        respond,
    },
    service::{
        Principal,
        events::{EventFilter, EventPosition},
        live::Tick,
    },
    store::Collection,
};

/// Collections whose changes a stream looks again for: events, and what the right to see them rests on.
static FOLLOWED: [&Collection; 6] = [
    &crate::domain::event::EVENTS,
    &crate::domain::user::USERS,
    &crate::domain::api_key::API_KEYS,
    &crate::domain::membership::MEMBERSHIPS,
    &crate::domain::tenant::TENANTS,
    &crate::domain::session::ENDED_SESSIONS,
];

/// Number of types that a filter has at most.
const MOST_TYPES: usize = 100;

/// The filter of events, as read by [`list`].
#[derive(IntoParams)]
#[into_params(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what is read")]
pub(crate) struct Query {
    /// Id or slug of a tenant; without it, the events of the whole platform
    #[param(nullable = false, min_length = 1, max_length = 200)]
    tenant: Option<String>,
    /// Only events of these types, with commas between them, such as `tenant.update,membership.*`
    #[param(
        nullable = false,
        pattern = "^[a-z_]{1,32}\\.([a-z_]{1,32}|\\*)(,[a-z_]{1,32}\\.([a-z_]{1,32}|\\*)){0,99}$"
    )]
    types: Option<String>,
}

fn types(value: &Value) -> std::result::Result<Vec<String>, Problem> {
    let given: Vec<&str> = value.as_str().unwrap_or_default().split(',').collect();
    if given.len() > MOST_TYPES {
        return Err(Problem::new(FieldCode::TOO_LONG, format!("must have at most {MOST_TYPES} types")));
    }
    given.into_iter().map(|one| event_type(&one.into())).collect()
}

pub(crate) async fn list(
    State(state): State<Arc<HttpState>>,
    Caller(call): Caller,
    principal: Option<Extension<Principal>>,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response> {
    let filter =
        EventFilter { tenant: parameters.tenant(), types: parameters.take("types", types).unwrap_or_default() };
    let request = parameters.list()?;
    if !live::is_asked_for(&headers) {
        return respond::list(&state.service.list_events(&call, &filter, &request).await?);
    }
    // Followed before the position is read, so that no event falls in between.
    let ticks = state.live.as_ref().map(|live| live.follow(&FOLLOWED, live::AT_ONCE));
    let last = live::last_event_id(&headers).or(request.cursor);
    let position = state.service.event_position(&call, &filter, last.as_deref()).await?;
    let caller = RepeatedCaller::new(call, principal, headers);
    let rest = Rest {
        state,
        caller,
        filter,
        position,
        ticks: ticks.unwrap_or_else(|| stream::empty().boxed()),
        read: VecDeque::new(),
        read_at: None,
        look: true,
        begun: false,
        ended: false,
    };
    Ok(live::going_on(stream::unfold(rest, |mut rest| async move {
        let event: std::result::Result<Event, Infallible> = Ok(rest.next().await?);
        Some((event, rest))
    })))
}

/// Rest of a stream of events.
struct Rest {
    state: Arc<HttpState>,
    caller: RepeatedCaller,
    filter: EventFilter,
    /// Position after the last event that was read.
    position: EventPosition,
    ticks: BoxStream<'static, Tick>,
    /// Events that were read and not yet sent, each with the position before it.
    read: VecDeque<(EventPosition, EventMessage)>,
    read_at: Option<std::time::Instant>,
    /// `true` if there may be events that were not read.
    look: bool,
    begun: bool,
    ended: bool,
}

impl Rest {
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        if !self.begun {
            self.begun = true;
            return Some(Event::default().comment("").retry(live::SOON));
        }
        loop {
            // What a slow client has not taken yet is read again, with the right to see it.
            if self.read_at.is_some_and(|at| at.elapsed() > live::FRESH)
                && let Some((before, _)) = self.read.front()
            {
                self.position = *before;
                self.read.clear();
                self.look = true;
            }
            if let Some((_, event)) = self.read.pop_front() {
                return Some(shown(&event));
            }
            let mut idle = false;
            if !self.look {
                idle = self.ticks.next().await? == Tick::Idle;
            }
            match self.read_on().await {
                Ok(()) if self.read.is_empty() && idle => return Some(Event::default().comment("")),
                Ok(()) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(live::refusal(&error));
                }
            }
        }
    }

    /// Reads the next events, if the caller may see them now.
    async fn read_on(&mut self) -> Result<()> {
        let call = self.caller.again(&self.state).await?;
        let batch = self.state.service.events_after(&call, &self.filter, self.position).await?;
        let mut before = self.position;
        for (position, event) in batch.events {
            self.read.push_back((before, event));
            before = position;
        }
        self.position = batch.position;
        self.look = batch.more;
        self.read_at = Some(std::time::Instant::now());
        Ok(())
    }
}

fn shown(event: &EventMessage) -> Event {
    Event::default().id(event.id.to_string()).data(serde_json::to_string(event).unwrap_or_default())
}
