//! What the host knows of a request that a component answers.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use dezky::{
    Error, Result,
    authn::VerifiedToken,
    clock::Timestamp,
    context::{Caller, RequestContext},
    service::Call,
};
use http::HeaderMap;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::{
    Platform,
    computing::Computing,
    lock::{Actor, Asked, Rehearsals},
};
use crate::server::Noticed;

/// Most lines that a request may cause in the log.
const LINES: u32 = 32;

/// Most calls to the host of one request. The longest list of the API makes a few hundred.
const CALLS: u32 = 2_000;

/// Most calls of one request that the host works on at the same time; others wait.
const AT_ONCE: usize = 16;

/// A request as the host has it: with the token, which the component never sees.
pub(crate) struct RequestFacts {
    context: RequestContext,
    arrived: Timestamp,
    asked: Asked,
    rehearsals: Rehearsals,
    noticed: Option<Noticed>,
    caller: OnceLock<Arc<VerifiedToken>>,
    call: OnceLock<Arc<Call>>,
    actor: Mutex<Option<Arc<Actor>>>,
    effect: Mutex<bool>,
    lines: AtomicU32,
    calls: AtomicU32,
    places: Semaphore,
    computing: Computing,
}

impl fmt::Debug for RequestFacts {
    /// Without the headers, in which the token is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestFacts").field("context", &self.context).finish_non_exhaustive()
    }
}

impl RequestFacts {
    /// A request that nobody has looked at, which has just arrived.
    pub(super) fn new(
        context: RequestContext,
        arrived: Timestamp,
        asked: Asked,
        rehearsals: Rehearsals,
        computing: Computing,
    ) -> Self {
        Self {
            context,
            arrived,
            asked,
            rehearsals,
            noticed: Noticed::current(),
            caller: OnceLock::new(),
            call: OnceLock::new(),
            actor: Mutex::new(None),
            effect: Mutex::new(false),
            lines: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            places: Semaphore::new(AT_ONCE),
            computing,
        }
    }

    /// Its id.
    pub(super) fn request_id(&self) -> &str {
        &self.context.request_id
    }

    /// When it must be answered.
    pub(super) fn deadline(&self) -> Instant {
        self.context.deadline
    }

    /// Its headers, all of them.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.asked.headers()
    }

    /// What the request asks for.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Where it is found out what the request comes to.
    pub(super) fn rehearsals(&self) -> &Rehearsals {
        &self.rehearsals
    }

    /// When it arrived, by the clock of the service.
    pub(super) fn arrived(&self) -> Timestamp {
        self.arrived
    }

    /// Where the caller's limit is told.
    pub(super) fn noticed(&self) -> Option<Noticed> {
        self.noticed.clone()
    }

    /// The context, with the caller if the token is verified.
    pub(super) fn context(&self) -> RequestContext {
        let mut context = self.context.clone();
        if let Some(token) = self.caller.get() {
            context.caller = Caller::Subject { issuer: token.issuer_id.clone(), subject: token.subject.clone() };
        }
        context
    }

    /// The verified token; none before the component has asked who is calling.
    pub(super) fn caller(&self) -> Option<&Arc<VerifiedToken>> {
        self.caller.get()
    }

    /// The token is verified.
    pub(super) fn verified(&self, token: Arc<VerifiedToken>) -> Arc<VerifiedToken> {
        Arc::clone(self.caller.get_or_init(|| token))
    }

    /// Who the caller is in the store, as the host itself has read it for this request.
    pub(super) async fn actor(&self, platform: &Platform) -> Result<Arc<Actor>> {
        let call = self.call().ok_or_else(|| Error::internal("nobody has asked who is calling"))?;
        let mut actor = self.actor.lock().await;
        if let Some(actor) = &*actor {
            return Ok(Arc::clone(actor));
        }
        Ok(Arc::clone(actor.insert(Arc::new(Actor::load(platform, call).await?))))
    }

    /// The actor is known from elsewhere.
    pub(super) async fn know_actor(&self, actor: Actor) {
        *self.actor.lock().await = Some(Arc::new(actor));
    }

    /// Has the actor read anew when they are needed next.
    pub(super) async fn forget_actor(&self) {
        *self.actor.lock().await = None;
    }

    /// A call of the caller; none before the component has asked who that is.
    pub(super) fn call(&self) -> Option<&Arc<Call>> {
        let token = self.caller()?;
        Some(self.call.get_or_init(|| Arc::new(Call::by_token(self.context.clone(), Arc::clone(token)))))
    }

    /// Whether the request has had its effect; held while it is having it.
    pub(super) fn effect(&self) -> &Mutex<bool> {
        &self.effect
    }

    /// Whether it may have another line in the log.
    pub(super) fn may_log(&self) -> bool {
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES
    }

    /// How long the component has computed for it.
    pub(super) fn computing(&self) -> &Computing {
        &self.computing
    }

    /// A place for a call to the host, which the component's computing pauses for; none when the request has made too many.
    pub(super) async fn place(&self) -> Option<Place<'_>> {
        self.computing.pause();
        if self.calls.fetch_add(1, Ordering::Relaxed) >= CALLS {
            return None;
        }
        let permit = self.places.acquire().await.ok()?;
        Some(Place { computing: &self.computing, _permit: permit })
    }
}

/// A call to the host on behalf of a request.
pub(super) struct Place<'a> {
    computing: &'a Computing,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.computing.resume();
    }
}
