//! What the host knows of a request that a component answers.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Instant,
};

use dezky::{
    Error, Result,
    authn::VerifiedToken,
    context::{Caller, RequestContext},
    service::Call,
    trace::TraceContext,
};
use http::{HeaderMap, HeaderValue};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use super::{
    Backing,
    computing::Computing,
    effect::Effects,
    lock::{Actor, Asked},
};
use crate::server::Noticed;

/// Most lines that a request may cause in the log.
const LINES: u32 = 32;

/// Most calls to the host of one request. The longest list of the API makes a few hundred.
const CALLS: u32 = 2_000;

/// Most calls of one request that the host works on at the same time; others wait.
const AT_ONCE: u16 = 16;

/// Most bytes that one call may hand over to the host, and all calls together that have not ended.
pub(super) const HELD: usize = 4 * 1024 * 1024;

/// How many documents one place is for: a query that may have more needs several.
const DOCUMENTS: u32 = 64;

/// Most documents for which a request may ask in all. The longest list of the API comes to some 20,000.
const DOCUMENTS_IN_ALL: u32 = 50_000;

/// A request as the host has it: with the token, which the component never sees.
pub(crate) struct RequestFacts {
    context: RequestContext,
    asked: Asked,
    effects: Effects,
    noticed: Option<Noticed>,
    caller: OnceLock<Arc<VerifiedToken>>,
    call: OnceLock<Arc<Call>>,
    actor: Mutex<Option<Arc<Actor>>>,
    has_effect: AtomicBool,
    lines: AtomicU32,
    calls: AtomicU32,
    places: Semaphore,
    documents: AtomicU32,
    held: Holding,
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
    pub(super) fn new(context: RequestContext, asked: Asked, effects: Effects, computing: Computing) -> Self {
        Self {
            context,
            asked,
            effects,
            noticed: Noticed::current(),
            caller: OnceLock::new(),
            call: OnceLock::new(),
            actor: Mutex::new(None),
            has_effect: AtomicBool::new(false),
            lines: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            places: Semaphore::new(usize::from(AT_ONCE)),
            documents: AtomicU32::new(0),
            held: Holding::default(),
            computing,
        }
    }

    /// Its id.
    pub(super) fn request_id(&self) -> &str {
        &self.context.request_id
    }

    /// Its `traceparent`, in which the host's span is: what the component does is done within it.
    pub(super) fn trace(&self) -> Option<HeaderValue> {
        self.context.trace.and_then(TraceContext::header)
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

    /// Where its effect is carried out.
    pub(super) fn effects(&self) -> &Effects {
        &self.effects
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
    pub(super) async fn actor(&self, platform: &Backing) -> Result<Arc<Actor>> {
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

    /// Notes that the request has its effect now; false if it has had it.
    pub(super) fn begin_effect(&self) -> bool {
        !self.has_effect.swap(true, Ordering::AcqRel)
    }

    /// Whether it may have another line in the log.
    pub(super) fn may_log(&self) -> bool {
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES
    }

    /// How long the component has computed for it.
    pub(super) fn computing(&self) -> &Computing {
        &self.computing
    }

    /// Notes that the host holds what came with a call.
    ///
    /// # Errors
    /// When that is too much: the error ends the instance.
    pub(super) fn hold(&self, bytes: usize) -> wasmtime::Result<Held<'_>> {
        self.held.hold(bytes)
    }

    /// A place for a call to the host that gets so many documents at the most, which the component's computing pauses for; none when
    /// the request has made too many calls or asked for too many documents.
    pub(super) async fn place(&self, documents: u32) -> Option<Place<'_>> {
        self.computing.pause();
        if self.calls.fetch_add(1, Ordering::Relaxed) >= CALLS
            || self.documents.fetch_add(documents, Ordering::Relaxed).saturating_add(documents) > DOCUMENTS_IN_ALL
        {
            return None;
        }
        let permits = documents.div_ceil(DOCUMENTS).clamp(1, AT_ONCE.into());
        let permit = self.places.acquire_many(permits).await.ok()?;
        Some(Place { computing: &self.computing, _permit: permit })
    }
}

/// How much the host holds of what came with calls that have not ended.
#[derive(Debug, Default)]
struct Holding(AtomicUsize);

impl Holding {
    /// Holds more. What is refused was one call's alone, and goes at once.
    fn hold(&self, bytes: usize) -> wasmtime::Result<Held<'_>> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let held = Held { of: self, bytes };
        wasmtime::ensure!(before.saturating_add(bytes) <= HELD, "calls that have not ended came with too much");
        Ok(held)
    }
}

/// What came with a call, held for as long as the call goes on.
#[derive(Debug)]
pub(super) struct Held<'a> {
    of: &'a Holding,
    bytes: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn calls_that_have_not_ended_come_with_so_much_together_and_no_more() {
        let holding = Holding::default();
        let one = holding.hold(HELD - 10).unwrap();
        let other = holding.hold(10).unwrap();
        assert!(holding.hold(1).is_err());
        assert!(holding.hold(usize::MAX).is_err(), "nor by overflow");
        drop(other);
        assert!(holding.hold(11).is_err());
        drop(holding.hold(10).unwrap());
        drop(one);
        drop(holding.hold(HELD).unwrap());
    }
}
