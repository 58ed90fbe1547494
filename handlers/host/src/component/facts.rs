//! What the host knows of a request that a component answers.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use dezky::{
    Error, Result,
    authn::VerifiedToken,
    context::{Caller, RequestContext},
    service::{Call, IdempotencyRequest},
};
use http::HeaderMap;
use tokio::sync::Mutex;

use super::{
    Platform,
    lock::{Actor, Intent, Seen},
};
use crate::server::Noticed;

/// Most lines that a component may write to the log for one request.
const LINES: u32 = 32;

/// A request as the host has it: with the token, which the component never sees.
pub(crate) struct RequestFacts {
    context: RequestContext,
    headers: HeaderMap,
    noticed: Option<Noticed>,
    caller: OnceLock<Arc<VerifiedToken>>,
    intent: Intent,
    seen: Seen,
    actor: Mutex<Option<Arc<Actor>>>,
    committed: AtomicBool,
    lines: AtomicU32,
}

impl fmt::Debug for RequestFacts {
    /// Without the headers, in which the token is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestFacts").field("context", &self.context).finish_non_exhaustive()
    }
}

impl RequestFacts {
    /// A request that nobody has looked at.
    pub(super) fn new(context: RequestContext, headers: HeaderMap, intent: Intent) -> Self {
        Self {
            context,
            headers,
            noticed: Noticed::current(),
            caller: OnceLock::new(),
            intent,
            seen: Seen::default(),
            actor: Mutex::new(None),
            committed: AtomicBool::new(false),
            lines: AtomicU32::new(0),
        }
    }

    /// Its headers, all of them.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
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
        Ok(Arc::clone(actor.insert(Arc::new(Actor::load(platform, &call).await?))))
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
    pub(super) fn call(&self) -> Option<Call> {
        self.caller().map(|token| Call::by_token(self.context.clone(), Arc::clone(token)))
    }

    /// What the request asks for.
    pub(super) fn intent(&self) -> &Intent {
        &self.intent
    }

    /// What the component has read for it.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The key under which the answer of this request is stored, if it has an `Idempotency-Key`.
    pub(super) fn stored_key(&self, call: &Call) -> Option<String> {
        if self.intent.method() != http::Method::POST {
            return None;
        }
        let key = self.headers.get("idempotency-key")?.to_str().ok()?.to_owned();
        let body = Vec::new();
        Some(IdempotencyRequest { key, target: self.intent.target(), body }.stored_key(call))
    }

    /// Something is going to be written for it, so that it cannot be answered anew by another instance.
    pub(super) fn will_commit(&self) {
        self.committed.store(true, Ordering::Release);
    }

    /// Whether something may have been written for it.
    pub(super) fn may_have_committed(&self) -> bool {
        self.committed.load(Ordering::Acquire)
    }

    /// Whether it may have another line in the log.
    pub(super) fn may_log(&self) -> bool {
        self.lines.fetch_add(1, Ordering::Relaxed) < LINES
    }
}
