//! The host's state of a request that a component answers.

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

/// Maximum number of log lines of one request.
const LINES: u32 = 32;

/// Maximum number of host calls of one request. The longest list of the API makes a few hundred.
const CALLS: u32 = 2_000;

/// Maximum number of concurrent host calls of one request; others wait.
const AT_ONCE: u16 = 16;

/// Maximum number of bytes in the arguments of one call, and of all unfinished calls together.
pub(super) const HELD: usize = 4 * 1024 * 1024;

/// Number of documents that one call slot covers; a query for more needs several slots.
const DOCUMENTS: u32 = 64;

/// Maximum number of documents that a request may query in total. The longest list of the API takes about 20,000.
const DOCUMENTS_IN_ALL: u32 = 50_000;

/// A request as the host has it, including the token, which the component never sees.
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
    permits: Semaphore,
    documents: AtomicU32,
    held: Holding,
    computing: Computing,
}

impl fmt::Debug for RequestFacts {
    /// Omits the headers, which contain the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestFacts").field("context", &self.context).finish_non_exhaustive()
    }
}

impl RequestFacts {
    /// Creates the state of a request that has just arrived.
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
            permits: Semaphore::new(usize::from(AT_ONCE)),
            documents: AtomicU32::new(0),
            held: Holding::default(),
            computing,
        }
    }

    /// Returns its id.
    pub(super) fn request_id(&self) -> &str {
        &self.context.request_id
    }

    /// Returns its `traceparent`: the span of the host, within which the component works.
    pub(super) fn trace(&self) -> Option<HeaderValue> {
        self.context.trace.and_then(TraceContext::header)
    }

    /// Returns the deadline of its answer.
    pub(super) fn deadline(&self) -> Instant {
        self.context.deadline
    }

    /// Returns all of its headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.asked.headers()
    }

    /// Returns the original request.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Returns the effects, which carry it out.
    pub(super) fn effects(&self) -> &Effects {
        &self.effects
    }

    /// Returns the handle that records the decision of the caller's rate limit.
    pub(super) fn noticed(&self) -> Option<Noticed> {
        self.noticed.clone()
    }

    /// Returns the context, including the caller if the token is verified.
    pub(super) fn context(&self) -> RequestContext {
        let mut context = self.context.clone();
        if let Some(token) = self.caller.get() {
            context.caller = Caller::Subject { issuer: token.issuer_id.clone(), subject: token.subject.clone() };
        }
        context
    }

    /// Returns the verified token; `None` before the component has asked for the caller.
    pub(super) fn caller(&self) -> Option<&Arc<VerifiedToken>> {
        self.caller.get()
    }

    /// Records the verified token.
    pub(super) fn verified(&self, token: Arc<VerifiedToken>) -> Arc<VerifiedToken> {
        Arc::clone(self.caller.get_or_init(|| token))
    }

    /// Returns the caller as the host has read them from the store for this request.
    pub(super) async fn actor(&self, platform: &Backing) -> Result<Arc<Actor>> {
        let call = self.call().ok_or_else(|| Error::internal("nobody has asked who is calling"))?;
        let mut actor = self.actor.lock().await;
        if let Some(actor) = &*actor {
            return Ok(Arc::clone(actor));
        }
        Ok(Arc::clone(actor.insert(Arc::new(Actor::load(platform, call).await?))))
    }

    /// Sets the actor, if it was read elsewhere.
    pub(super) async fn know_actor(&self, actor: Actor) {
        *self.actor.lock().await = Some(Arc::new(actor));
    }

    /// Makes the actor be read again when next needed.
    pub(super) async fn forget_actor(&self) {
        *self.actor.lock().await = None;
    }

    /// Returns a call by the caller; `None` before the component has asked for the caller.
    pub(super) fn call(&self) -> Option<&Arc<Call>> {
        let token = self.caller()?;
        Some(self.call.get_or_init(|| Arc::new(Call::by_token(self.context.clone(), Arc::clone(token)))))
    }

    /// Records that the request takes effect now. Returns `false` if it already has.
    pub(super) fn begin_effect(&self) -> bool {
        !self.has_effect.swap(true, Ordering::AcqRel)
    }

    /// Returns `true` if it may write another log line.
    pub(super) fn may_log(&self) -> bool {
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES
    }

    /// Returns the component's computing time for it.
    pub(super) fn computing(&self) -> &Computing {
        &self.computing
    }

    /// Records that the host holds the arguments of a call.
    ///
    /// # Errors
    /// When it holds too much; the error ends the instance.
    pub(super) fn hold(&self, bytes: usize) -> wasmtime::Result<Held<'_>> {
        self.held.hold(bytes)
    }

    /// Returns a slot for a host call that reads at most this many documents.
    ///
    /// It pauses the component's computing time.
    ///
    /// Returns `None` if the request has made too many calls or queried too many documents.
    pub(super) async fn permit(&self, documents: u32) -> Option<HostCallPermit<'_>> {
        self.computing.pause();
        if self.calls.fetch_add(1, Ordering::Relaxed) >= CALLS
            || self.documents.fetch_add(documents, Ordering::Relaxed).saturating_add(documents) > DOCUMENTS_IN_ALL
        {
            return None;
        }
        let permits = documents.div_ceil(DOCUMENTS).clamp(1, AT_ONCE.into());
        let permit = self.permits.acquire_many(permits).await.ok()?;
        Some(HostCallPermit { computing: &self.computing, _permit: permit })
    }
}

/// The number of bytes that the host holds in arguments of unfinished calls.
#[derive(Debug, Default)]
struct Holding(AtomicUsize);

impl Holding {
    /// Adds to the total. A refused amount belongs to one call only and is released at once.
    fn hold(&self, bytes: usize) -> wasmtime::Result<Held<'_>> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let held = Held { of: self, bytes };
        wasmtime::ensure!(before.saturating_add(bytes) <= HELD, "calls that have not ended came with too much");
        Ok(held)
    }
}

/// The arguments of a call, counted as held while the call runs.
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

/// A slot for a host call on behalf of a request.
pub(super) struct HostCallPermit<'a> {
    computing: &'a Computing,
    _permit: SemaphorePermit<'a>,
}

impl Drop for HostCallPermit<'_> {
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
