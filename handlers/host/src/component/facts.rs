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
};
use http::HeaderMap;
use tokio::sync::OnceCell;

use super::{Platform, lock::Actor};
use crate::server::Noticed;

/// Most lines that a component may write to the log for one request.
const LINES: u32 = 32;

/// A request as the host has it: with the token, which the component never sees.
pub(crate) struct RequestFacts {
    context: RequestContext,
    headers: HeaderMap,
    noticed: Option<Noticed>,
    caller: OnceLock<Arc<VerifiedToken>>,
    actor: OnceCell<Arc<Actor>>,
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
    pub(super) fn new(context: RequestContext, headers: HeaderMap) -> Self {
        Self {
            context,
            headers,
            noticed: Noticed::current(),
            caller: OnceLock::new(),
            actor: OnceCell::new(),
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
        let token = self.caller().ok_or_else(|| Error::internal("nobody has asked who is calling"))?;
        let actor = self.actor.get_or_try_init(|| async {
            Actor::load(platform, &self.context(), token).await.map(Arc::new)
        });
        actor.await.cloned()
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
