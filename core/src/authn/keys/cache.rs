//! Keys of one issuer: fetched when due, at once for an unknown `kid`, and kept through outages.
//!
//! At most one fetch is in flight. It runs in its own task, so that a cancelled caller does not cancel it for the
//! others who wait.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::watch};

use super::{
    ArchivedKeySet, FetchError, FetchErrorKind, KeySet, KeySetArchive, KeySetError, KeySource, KeyStatus,
    flight::Failure, flight::Flight,
};
use crate::{
    authn::{IssuerSettings, JwksSource},
    clock::{Clock, Timestamp},
    error::{Code, Error, Result},
};

/// Cache settings. See [`crate::authn::VerifierOptions`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyLimits {
    pub(crate) refresh_interval: Duration,
    pub(crate) cooldown: Duration,
    pub(crate) serve_stale: Duration,
}

/// A key set with its age.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) set: KeySet,
    pub(crate) fetched_at: Timestamp,
    /// Counter of replacements.
    pub(crate) generation: u64,
}

/// Keys available for verification right now.
pub(crate) enum Availability {
    /// A snapshot.
    Ready(Arc<Snapshot>),
    /// No snapshot; a fetch has not been tried yet.
    Fetch,
}

/// Key cache of one issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    pub(crate) settings: IssuerSettings,
    pub(crate) limits: KeyLimits,
    pub(crate) clock: Arc<dyn Clock>,
    source: Arc<dyn KeySource>,
    archive: Arc<dyn KeySetArchive>,
    current: RwLock<Option<Arc<Snapshot>>>,
    flight: Mutex<Flight>,
}

impl IssuerKeys {
    /// Time limit for one fetch or one access to the archive, whatever limits these have.
    const TASK_TIMEOUT: Duration = Duration::from_secs(15);

    pub(crate) fn new(
        settings: IssuerSettings,
        limits: KeyLimits,
        source: Arc<dyn KeySource>,
        archive: Arc<dyn KeySetArchive>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let fixed = match &settings.jwks {
            JwksSource::Inline(json) => {
                let set = KeySet::from_json(json.as_bytes()).map_err(|error| {
                    let message = format!("`jwks` of issuer `{}`: {error}", settings.id);
                    Error::new(Code::INVALID_SETTING, message)
                })?;
                Some(Arc::new(Snapshot { set, fetched_at: clock.now(), generation: 1 }))
            }
            JwksSource::Discovery | JwksSource::Uri(_) => None,
        };
        let mut flight = Flight::default();
        if let Some(fixed) = &fixed {
            tell(&settings, &fixed.set, flight.note(&fixed.set));
        }
        let (current, flight) = (RwLock::new(fixed), Mutex::new(flight));
        Ok(Self { settings, limits, clock, source, archive, current, flight })
    }

    /// Returns whether the settings contain the keys, so that nothing is fetched.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.settings.jwks, JwksSource::Inline(_))
    }

    fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the set that may serve at this time, fresh or stale.
    pub(crate) fn serving(&self, now: Timestamp) -> Option<Arc<Snapshot>> {
        self.current().filter(|current| self.is_fixed() || age(current, now) <= self.limits.serve_stale)
    }

    /// Returns what can verify a token right now, without waiting.
    ///
    /// A stale set is fetched once before it is used again; if that failed, it serves while tasks retry.
    pub(crate) fn available(self: &Arc<Self>, now: Timestamp) -> Availability {
        let Some(snapshot) = self.serving(now) else { return Availability::Fetch };
        if self.is_fixed() || age(&snapshot, now) < self.limits.refresh_interval {
            return Availability::Ready(snapshot);
        }
        let retry = {
            let flight = self.flight();
            if !flight.failed_since(snapshot.fetched_at.plus(self.limits.refresh_interval)) {
                return Availability::Fetch;
            }
            flight.retry_wait(now, self.limits.cooldown).is_none()
        };
        if retry {
            // The fetch runs in the background; its outcome is in the status.
            let _ = self.begin();
        }
        Availability::Ready(snapshot)
    }

    /// Returns keys for a token, after a fetch if necessary.
    pub(crate) async fn obtain(self: &Arc<Self>) -> Result<Arc<Snapshot>> {
        if let (Some(wait), None) = (self.retry_wait(), self.serving(self.clock.now())) {
            return Err(self.unavailable(wait));
        }
        self.refresh().await;
        let serving = self.serving(self.clock.now());
        serving.ok_or_else(|| self.unavailable(self.retry_wait().unwrap_or(Duration::from_secs(1))))
    }

    /// Waits for the fetch in flight, or for a new one.
    pub(crate) async fn refresh(self: &Arc<Self>) {
        if let Some(mut landed) = self.begin() {
            // An error means that the task is gone, so there is nothing to wait for.
            let _ = landed.wait_for(|landed| *landed).await;
        }
    }

    /// Starts a fetch; none if one is in flight, outside a tokio runtime, or if nothing is to be fetched.
    pub(super) fn begin(self: &Arc<Self>) -> Option<watch::Receiver<bool>> {
        if self.is_fixed() {
            return None;
        }
        let mut flight = self.flight();
        if let Some(running) = flight.running() {
            return Some(running);
        }
        let runtime = Handle::try_current().ok()?;
        let (land, landed) = watch::channel(false);
        flight.take_off(landed.clone());
        drop(flight);
        let keys = self.clone();
        runtime.spawn(async move { keys.fly(land).await });
        Some(landed)
    }

    /// Fetches once from the archive (first time only) and the provider.
    async fn fly(self: Arc<Self>, land: watch::Sender<bool>) {
        self.load_archive().await;
        let fetched = match tokio::time::timeout(Self::TASK_TIMEOUT, self.source.fetch(&self.settings)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::new(FetchErrorKind::Unreachable, "the provider does not answer in time")),
        };
        let counted = fetched.map_err(Failure::from).and_then(|body| read(&body));
        let now = self.clock.now();
        let saved = match counted {
            Ok((set, json)) => {
                self.install(set, now);
                Some(ArchivedKeySet { json, origin: self.origin(), fetched_at: now })
            }
            Err(failure) => {
                tracing::warn!(issuer = %self.settings.id, error = %failure.error, "no keys that can be used were fetched");
                self.flight().fail(now, failure);
                None
            }
        };
        self.flight().land();
        // All receivers may be gone.
        let _ = land.send(true);
        if let Some(set) = saved {
            self.save(&set).await;
        }
    }

    fn install(&self, set: KeySet, fetched_at: Timestamp) {
        let news = self.flight().succeed(fetched_at, &set);
        tell(&self.settings, &set, news);
        self.replace(set, fetched_at);
    }

    fn replace(&self, set: KeySet, fetched_at: Timestamp) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.as_ref().map_or(1, |current| current.generation.saturating_add(1));
        *current = Some(Arc::new(Snapshot { set, fetched_at, generation }));
    }

    /// Loads the last good set from the archive, once, if there is none in memory.
    async fn load_archive(&self) {
        if self.flight().archive_read || self.current().is_some() {
            return;
        }
        let loaded = match tokio::time::timeout(Self::TASK_TIMEOUT, self.archive.load(&self.settings.id)).await {
            Ok(loaded) => loaded,
            Err(_) => Err(Error::new(Code::STORE_TIMEOUT, "the store did not answer in time")),
        };
        match loaded {
            Ok(kept) => {
                self.flight().archive_read = true;
                let Some(kept) = kept.filter(|kept| kept.origin == self.origin()) else { return };
                match KeySet::from_json(kept.json.as_bytes()) {
                    // The clock may have been ahead when it was stored; it is no newer than now.
                    Ok(set) => self.replace(set, kept.fetched_at.min(self.clock.now())),
                    Err(error) => tracing::warn!(issuer = %self.settings.id, %error, "the kept keys are not usable"),
                }
            }
            Err(error) => tracing::warn!(issuer = %self.settings.id, %error, "the kept keys cannot be read"),
        }
    }

    async fn save(&self, set: &ArchivedKeySet) {
        match tokio::time::timeout(Self::TASK_TIMEOUT, self.archive.save(&self.settings.id, set)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(issuer = %self.settings.id, %error, "the keys cannot be kept"),
            Err(_) => tracing::warn!(issuer = %self.settings.id, "the keys cannot be kept: the store does not answer"),
        }
    }

    /// Returns the key location in the settings.
    fn origin(&self) -> String {
        match &self.settings.jwks {
            JwksSource::Discovery => {
                format!("discovery of {}", self.settings.urls.first().map(String::as_str).unwrap_or_default())
            }
            JwksSource::Uri(uri) => uri.clone(),
            JwksSource::Inline(_) => "settings".to_owned(),
        }
    }

    /// Returns the retry interval: the cooldown while keys serve, else 1 s doubling up to the cooldown.
    pub(crate) fn backoff(&self) -> Duration {
        if self.serving(self.clock.now()).is_some() {
            return self.limits.cooldown;
        }
        let exponent = self.flight().failures_in_a_row().saturating_sub(1).min(16);
        Duration::from_secs(1).saturating_mul(1 << exponent).min(self.limits.cooldown)
    }

    /// Returns the time until a retry is allowed; `None` when it is allowed now.
    fn retry_wait(&self) -> Option<Duration> {
        let between = self.backoff();
        self.flight().retry_wait(self.clock.now(), between)
    }

    fn unavailable(&self, wait: Duration) -> Error {
        let id = &self.settings.id;
        // The cause is for the operator only; this error is shown to every caller.
        let message = match self.flight().last_error() {
            None | Some(FetchErrorKind::Unreachable) => {
                format!("the identity provider `{id}` does not answer, and none of its keys is known")
            }
            Some(_) => format!(
                "no key of the identity provider `{id}` can be used: the log of this platform and `dezky doctor` tell why"
            ),
        };
        Error::new(Code::ISSUER_UNAVAILABLE, message).with_retry_after(whole_seconds(wait))
    }

    /// Returns the state for metrics, readiness and `dezky doctor`.
    pub(crate) fn status(&self) -> KeyStatus {
        let now = self.clock.now();
        let serving = self.serving(now);
        let mut status = self.flight().status(&self.settings);
        if let Some(snapshot) = serving {
            status.keys = snapshot.set.len();
            if !self.is_fixed() {
                let age = age(&snapshot, now);
                status.fetched_at = Some(snapshot.fetched_at);
                status.age = Some(age);
                status.stale = age >= self.limits.refresh_interval;
            }
        }
        status
    }
}

/// Logs a new key set, and once the reasons for skipped keys.
fn tell(issuer: &IssuerSettings, set: &KeySet, news: bool) {
    let (issuer, published, usable) = (issuer.id.as_str(), set.published(), set.len());
    if news && !set.skipped().is_empty() {
        let skipped = set.skipped().join("; ");
        tracing::warn!(issuer, published, usable, skipped, "not all keys of the issuer can be used");
    } else {
        tracing::debug!(issuer, published, usable, "keys of the issuer are there");
    }
}

fn age(snapshot: &Snapshot, now: Timestamp) -> Duration {
    let milliseconds = now.milliseconds().saturating_sub(snapshot.fetched_at.milliseconds());
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// A key set with its text for the archive.
fn read(body: &Bytes) -> Result<(KeySet, String), Failure> {
    let set = KeySet::from_json(body)?;
    let text = std::str::from_utf8(body).map_err(|error| KeySetError::Unreadable(error.to_string()))?;
    Ok((set, text.to_owned()))
}

/// Rounds up to whole seconds, so that the announced wait suffices.
pub(crate) fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(Duration::from_secs(1))
}
