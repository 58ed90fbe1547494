//! The only class of the addon.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dezky::{
    Code, Error, Result, authn::VerifiedToken, clock::SystemClock, context::RequestContext, domain::ObjectId,
    service::Principal,
};
use dezky_embedded::{Headers, Names, Opened, Options, Said, ask, closed};
use futures_util::future::{AbortHandle, AbortRegistration, Abortable};
use napi::{
    Either, Env,
    bindgen_prelude::{Buffer, PromiseRaw, within_runtime_if_available},
};
use napi_derive::napi;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::{
    answer::Answer,
    failure::{contained, guarded, thrown},
    tokens::{Tokens, Told},
};

/// Dezky inside this process.
#[napi]
pub struct Platform {
    /// `None` after `close`. Users hold the lock for reading, so that closing waits for them.
    opened: Arc<RwLock<Option<Opened>>>,
    tokens: Arc<Mutex<Tokens>>,
    ends: Arc<Mutex<Ends>>,
}

/// Requests that can be cancelled.
#[derive(Default)]
struct Ends {
    last: u32,
    /// By number; with the registration until the request takes it.
    open: HashMap<u32, (AbortHandle, Option<AbortRegistration>)>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(tokens: &Mutex<Tokens>, token: &Arc<VerifiedToken>) -> Result<Either<u32, String>> {
    Ok(match locked(tokens).tell(token)? {
        Told::Before(number) => Either::A(number),
        Told::Now(json) => Either::B(json),
    })
}

impl Platform {
    pub(crate) fn new(opened: Opened) -> Self {
        Self { opened: Arc::new(RwLock::new(Some(opened))), tokens: Arc::default(), ends: Arc::default() }
    }

    /// Starts a call on the JavaScript thread, so that a later `close` waits for it.
    fn enter(&self) -> Result<OwnedRwLockReadGuard<Option<Opened>>> {
        Arc::clone(&self.opened).try_read_owned().map_err(|_| closed())
    }
}

#[napi]
impl Platform {
    /// Opens a platform with these options (JSON).
    #[napi]
    pub async fn open(options: String) -> napi::Result<Self> {
        guarded(async { Ok(Self::new(Options::parse(&options)?.open(Names::Camel, Arc::new(SystemClock))?)) }).await
    }

    /// Checks the name of a system actor.
    #[napi]
    pub fn check_actor(name: String) -> napi::Result<()> {
        contained(|| Principal::named_system(&name).map(|_| ()))
    }

    /// Verifies a token on this thread. Returns its number if it was returned before, else the token as JSON.
    ///
    /// Returns nothing if keys must be fetched first.
    #[napi]
    pub fn verify_now(&self, token: String) -> napi::Result<Option<Either<u32, String>>> {
        // Background fetches of keys are spawned from here too.
        within_runtime_if_available(|| {
            contained(|| {
                let opened = self.opened.try_read().map_err(|_| closed())?;
                let verified = opened.as_ref().ok_or_else(closed)?.platform.verifier().verify_now(&token);
                verified.map(|result| result.and_then(|token| told(&self.tokens, &token))).transpose()
            })
        })
    }

    /// Verifies a token, fetching keys if necessary.
    #[napi]
    pub fn verify<'env>(&self, env: &'env Env, token: String) -> napi::Result<PromiseRaw<'env, Either<u32, String>>> {
        let (opened, tokens) = (self.enter(), Arc::clone(&self.tokens));
        env.spawn_future(guarded(async move {
            let opened = opened?;
            let verifier = opened.as_ref().ok_or_else(closed)?.platform.verifier().clone();
            let context = RequestContext::new(ObjectId::generate().to_string());
            told(&tokens, &verifier.verify(&context, &token).await?)
        }))
    }

    /// Returns a token again by its number.
    #[napi]
    pub fn token(&self, number: u32) -> napi::Result<Option<String>> {
        contained(|| locked(&self.tokens).again(number))
    }

    /// Returns a number with which the next request can be cancelled.
    #[napi]
    pub fn endable(&self) -> u32 {
        let mut ends = locked(&self.ends);
        ends.last = ends.last.checked_add(1).unwrap_or(1);
        let (number, (handle, registration)) = (ends.last, AbortHandle::new_pair());
        ends.open.insert(number, (handle, Some(registration)));
        number
    }

    /// Sends a request to the router. `end` is a number from [`Platform::endable`], or 0.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more to take apart than it says")]
    pub fn request<'env>(
        &self,
        env: &'env Env,
        actor: Option<String>,
        method: String,
        url: String,
        headers: String,
        body: Option<Buffer>,
        end: u32,
    ) -> napi::Result<PromiseRaw<'env, Answer>> {
        let body = body.map(Vec::from);
        let opened = self.enter();
        let answered = guarded(async move {
            // Held until the answer is available.
            let opened = opened?;
            let router = opened.as_ref().ok_or_else(closed)?.router.clone();
            let said = Said { method, url, headers: Headers::lines(&headers)?, body, actor };
            Answer::of(ask(router, said.request()?).await?)
        });
        let registration = locked(&self.ends).open.get_mut(&end).and_then(|(_, registration)| registration.take());
        let Some(registration) = registration else { return env.spawn_future(answered) };
        let ends = Arc::clone(&self.ends);
        env.spawn_future(async move {
            let ended = Abortable::new(answered, registration).await;
            locked(&ends).open.remove(&end);
            ended.unwrap_or_else(|_| Err(thrown(&Error::new(Code::ENDED, "the call was ended before its time"))))
        })
    }

    /// Cancels a request. It then has its whole effect or none.
    #[napi]
    pub fn end(&self, number: u32) {
        if let Some((handle, _)) = locked(&self.ends).open.get(&number) {
            handle.abort();
        }
    }

    /// Stops background tasks, waits for calls in progress and closes the store.
    #[napi]
    pub async fn close(&self) {
        let opened = self.opened.write().await.take();
        if let Some(opened) = opened {
            opened.platform.close();
            drop(opened);
        }
        *locked(&self.tokens) = Tokens::default();
    }
}
