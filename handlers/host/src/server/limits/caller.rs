//! The limit of a caller, counted once its token is verified: nobody else can use up its budget.

use std::{
    cell::Cell,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use async_trait::async_trait;
use dezky::{
    Result,
    authn::{LogoutRequest, VerifiedToken},
    context::RequestContext,
    http::Identity,
};
use http::HeaderMap;

use super::{Limits, Standing};

tokio::task_local! {
    /// What the limit of the caller said of the request that is being answered.
    static OF_CALLER: Cell<Option<Standing>>;
}

/// Answers a request and returns what its caller's limit said, if it came to that.
pub(super) async fn noticing<T>(answering: impl Future<Output = T>) -> (T, Option<Standing>) {
    OF_CALLER
        .scope(Cell::new(None), async {
            let answer = answering.await;
            (answer, OF_CALLER.with(Cell::get))
        })
        .await
}

/// Tells who is calling, and refuses those who call too often.
#[derive(Debug)]
pub(crate) struct LimitedIdentity<I> {
    inner: I,
    limits: Arc<Limits>,
    /// Keys are hashes: a subject may be long. Which subjects collide cannot be foreseen.
    hasher: RandomState,
}

impl<I> LimitedIdentity<I> {
    /// Limits those whom `inner` knows.
    pub(crate) fn new(inner: I, limits: Arc<Limits>) -> Self {
        Self { inner, limits, hasher: RandomState::new() }
    }
}

#[async_trait]
impl<I: Identity> Identity for LimitedIdentity<I> {
    async fn caller(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        let token = self.inner.caller(context, headers).await?;
        let key = self.hasher.hash_one((&token.issuer_id, &token.subject));
        let Some(standing) = self.limits.of_caller(u128::from(key)) else { return Ok(token) };
        // Outside of a request there is nobody to tell.
        let _outside = OF_CALLER.try_with(|of_caller| of_caller.set(Some(standing)));
        self.limits.admit(&standing)?;
        Ok(token)
    }

    async fn logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        self.inner.logout(context, token).await
    }
}
