//! Rate limit of a caller, counted after token verification so that nobody else can use up its budget.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use dezky::{
    Result,
    authn::{LogoutRequest, VerifiedToken},
    context::RequestContext,
    http::Identity,
    service::Principal,
};
use http::HeaderMap;

use super::{Limits, RateDecision};

tokio::task_local! {
    /// Decision of the caller's limit about the current request.
    static OF_CALLER: Noticed;
}

/// Handle to the decision of the caller's limit, independent of where the token is verified.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noticed(Arc<Mutex<Option<RateDecision>>>);

impl Noticed {
    /// Returns the handle of the current request; `None` outside of one.
    pub(crate) fn current() -> Option<Self> {
        OF_CALLER.try_with(Clone::clone).ok()
    }

    /// Runs a future on behalf of the request, in any task.
    pub(crate) async fn within<T>(self, work: impl Future<Output = T>) -> T {
        OF_CALLER.scope(self, work).await
    }

    fn get(&self) -> Option<RateDecision> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, decision: RateDecision) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(decision);
    }
}

/// Runs a request and returns the decision of its caller's limit, if one was made.
pub(super) async fn noticing<T>(answering: impl Future<Output = T>) -> (T, Option<RateDecision>) {
    let noticed = Noticed::default();
    let answer = noticed.clone().within(answering).await;
    (answer, noticed.get())
}

/// Identity provider that refuses callers who exceed their rate.
#[derive(Debug)]
pub(crate) struct LimitedIdentity<I> {
    inner: I,
    limits: Arc<Limits>,
    /// Hasher of keys, since a subject may be long. Collisions are unpredictable.
    hasher: RandomState,
}

impl<I> LimitedIdentity<I> {
    /// Limits the callers that `inner` identifies.
    pub(crate) fn new(inner: I, limits: Arc<Limits>) -> Self {
        Self { inner, limits, hasher: RandomState::new() }
    }

    /// Counts a request of a caller.
    fn count(&self, caller: &impl Hash) -> Result<()> {
        let key = self.hasher.hash_one(caller);
        let Some(decision) = self.limits.of_caller(u128::from(key)) else { return Ok(()) };
        // Outside of a request there is nowhere to record it.
        if let Some(noticed) = Noticed::current() {
            noticed.set(decision);
        }
        self.limits.admit(&decision)
    }
}

#[async_trait]
impl<I: Identity> Identity for LimitedIdentity<I> {
    async fn caller(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        let token = self.inner.caller(context, headers).await?;
        self.count(&(&token.issuer_id, &token.subject))?;
        Ok(token)
    }

    async fn principal(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Principal> {
        let principal = self.inner.principal(context, headers).await?;
        match &principal {
            Principal::Token(token) => self.count(&(&token.issuer_id, &token.subject))?,
            // Its secret is compared later: those who guess use up the budget of their guess, not of the key.
            Principal::ApiKey(key) => self.count(key)?,
            Principal::System(_) => {}
        }
        Ok(principal)
    }

    async fn logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        self.inner.logout(context, token).await
    }
}
