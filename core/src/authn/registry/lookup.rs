//! Lookups of issuers that a process does not know, bounded whatever tokens come.
//!
//! Lookups that come while one is read, or shortly after it, are read together by the next one. So there is one read at
//! a time and at most twenty a second, and an issuer that exists is found among any number that do not.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{IssuerSource, StoreIssuers};
use crate::{
    authn::IssuerSettings,
    context::{RequestContext, SystemActor},
    error::{Code, Error, Result},
};

/// Time between two reads.
const GAP: Duration = Duration::from_millis(50);

/// The result of a read: the issuers that exist, or nothing if the store did not answer.
type KnownIssuers = Option<Arc<Vec<IssuerSettings>>>;

/// The lookups that the next read answers.
#[derive(Debug)]
struct Batch {
    urls: Vec<String>,
    outcome: watch::Receiver<Option<KnownIssuers>>,
}

/// Lookups of unknown issuers.
#[derive(Debug)]
pub(super) struct Lookups {
    source: Arc<dyn IssuerSource>,
    next: Mutex<Option<Batch>>,
    /// End of the last read. It is locked during a read.
    last: tokio::sync::Mutex<Option<Instant>>,
}

impl Lookups {
    pub(super) fn new(source: Arc<dyn IssuerSource>) -> Arc<Self> {
        Arc::new(Self { source, next: Mutex::default(), last: tokio::sync::Mutex::default() })
    }

    /// Returns the issuer with this URL. Its read begins after the call.
    pub(super) async fn find(self: &Arc<Self>, url: &str) -> Result<Option<IssuerSettings>> {
        let mut outcome = self.join(url).ok_or_else(busy)?;
        let landed = outcome.wait_for(Option::is_some).await.map_err(|_| busy())?.clone();
        let found = landed.flatten().ok_or_else(busy)?;
        Ok(found.iter().find(|issuer| issuer.urls.iter().any(|one| one == url)).cloned())
    }

    /// Reads an issuer now, by itself.
    pub(super) async fn read(&self, context: &RequestContext, url: &str) -> Result<Option<IssuerSettings>> {
        let found = self.source.find(context, std::slice::from_ref(&url.to_owned())).await?;
        Ok(found.into_iter().find(|issuer| issuer.urls.iter().any(|one| one == url)))
    }

    /// Adds a URL to the next read; `None` if that is full.
    fn join(self: &Arc<Self>, url: &str) -> Option<watch::Receiver<Option<KnownIssuers>>> {
        let mut next = self.next();
        // The task of a batch is gone with its runtime.
        if let Some(batch) = next.as_mut().filter(|batch| batch.outcome.has_changed().is_ok()) {
            if !batch.urls.iter().any(|one| one == url) {
                if batch.urls.len() >= StoreIssuers::MAXIMUM_URLS {
                    return None;
                }
                batch.urls.push(url.to_owned());
            }
            return Some(batch.outcome.clone());
        }
        let runtime = Handle::try_current().ok()?;
        let (land, outcome) = watch::channel(None);
        *next = Some(Batch { urls: vec![url.to_owned()], outcome: outcome.clone() });
        drop(next);
        let lookups = Arc::clone(self);
        runtime.spawn(async move { lookups.read_next(land).await });
        Some(outcome)
    }

    async fn read_next(&self, land: watch::Sender<Option<KnownIssuers>>) {
        let mut last = self.last.lock().await;
        if let Some(wait) = last.and_then(|last| GAP.checked_sub(last.elapsed())) {
            tokio::time::sleep(wait).await;
        }
        let urls = self.next().take().map(|batch| batch.urls).unwrap_or_default();
        let context = RequestContext::by_part(SystemActor::Keys);
        let outcome = match self.source.find(&context, &urls).await {
            Ok(found) => Some(Arc::new(found)),
            Err(error) => {
                tracing::warn!(%error, "issuers cannot be looked up");
                None
            }
        };
        *last = Some(Instant::now());
        // Those who asked may be gone.
        let _ = land.send(Some(outcome));
    }

    fn next(&self) -> MutexGuard<'_, Option<Batch>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn busy() -> Error {
    let message = "the issuer of the token cannot be looked up now, try again";
    Error::new(Code::STORE_UNAVAILABLE, message).with_retry_after(Duration::from_secs(1))
}
