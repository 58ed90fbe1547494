//! The keys of one issuer: fetched when due, at once for an unknown `kid`, and kept through outages.
//!
//! At most one fetch is under way at a time. It runs in a task of its own, so that a caller who leaves does not end it
//! for those who wait, too.

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
    error::{Error, ErrorKind, Result},
};

/// How keys are kept. See [`crate::authn::VerifierOptions`].
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
    /// Grows with each set that takes the place of another.
    pub(crate) generation: u64,
}

/// What a token can be verified with right now.
pub(crate) enum Availability {
    /// With this.
    Ready(Arc<Snapshot>),
    /// With nothing before a fetch was tried.
    Fetch,
}

/// The keys of one issuer.
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
    /// Longest time that one fetch or one access of the archive may take, whatever its own limits are.
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
                    Error::new(ErrorKind::Configuration, "invalid_setting", message)
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

    /// Whether the keys stand in the settings, so that there is nothing to fetch.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.settings.jwks, JwksSource::Inline(_))
    }

    fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The set that may serve at this time, fresh or not.
    pub(crate) fn serving(&self, now: Timestamp) -> Option<Arc<Snapshot>> {
        self.current().filter(|current| self.is_fixed() || age(current, now) <= self.limits.serve_stale)
    }

    /// What a token can be verified with right now, without waiting. A set that is due is fetched once before it is
    /// used again; if that failed, it serves, and further attempts are made beside.
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
            // Nobody waits for it; its outcome stands in the status.
            let _ = self.begin();
        }
        Availability::Ready(snapshot)
    }

    /// Keys for a token, fetched first if they must be.
    pub(crate) async fn obtain(self: &Arc<Self>) -> Result<Arc<Snapshot>> {
        if let (Some(wait), None) = (self.retry_wait(), self.serving(self.clock.now())) {
            return Err(self.unavailable(wait));
        }
        self.refresh().await;
        let serving = self.serving(self.clock.now());
        serving.ok_or_else(|| self.unavailable(self.retry_wait().unwrap_or(Duration::from_secs(1))))
    }

    /// Waits for a fetch: the one under way, or a new one.
    pub(crate) async fn refresh(self: &Arc<Self>) {
        if let Some(mut landed) = self.begin() {
            // An error means that the task is gone; there is nothing to wait for then.
            let _ = landed.wait_for(|landed| *landed).await;
        }
    }

    /// Begins a fetch unless one is under way; none outside of a tokio runtime, or when there is nothing to fetch.
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

    /// One fetch from the archive (once) and the provider.
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
        // Nobody may be waiting any more.
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

    /// Takes the last good set from the archive, once it could be read, if there is none in memory.
    async fn load_archive(&self) {
        if self.flight().archive_read || self.current().is_some() {
            return;
        }
        let loaded = match tokio::time::timeout(Self::TASK_TIMEOUT, self.archive.load(&self.settings.id)).await {
            Ok(loaded) => loaded,
            Err(_) => Err(Error::new(ErrorKind::Unavailable, "store_timeout", "the store did not answer in time")),
        };
        match loaded {
            Ok(kept) => {
                self.flight().archive_read = true;
                let Some(kept) = kept.filter(|kept| kept.origin == self.origin()) else { return };
                match KeySet::from_json(kept.json.as_bytes()) {
                    // The clock may have been ahead when it was kept; it is no newer than now.
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

    /// Where the settings say that the keys are.
    fn origin(&self) -> String {
        match &self.settings.jwks {
            JwksSource::Discovery => {
                format!("discovery of {}", self.settings.urls.first().map(String::as_str).unwrap_or_default())
            }
            JwksSource::Uri(uri) => uri.clone(),
            JwksSource::Inline(_) => "settings".to_owned(),
        }
    }

    /// Time between attempts: the cooldown while keys serve; without keys from 1 s on, doubling up to the cooldown.
    pub(crate) fn backoff(&self) -> Duration {
        if self.serving(self.clock.now()).is_some() {
            return self.limits.cooldown;
        }
        let exponent = self.flight().failures_in_a_row().saturating_sub(1).min(16);
        Duration::from_secs(1).saturating_mul(1 << exponent).min(self.limits.cooldown)
    }

    /// How long until a fetch may be tried again after a failure; none when it may now.
    fn retry_wait(&self) -> Option<Duration> {
        let between = self.backoff();
        self.flight().retry_wait(self.clock.now(), between)
    }

    fn unavailable(&self, wait: Duration) -> Error {
        let id = &self.settings.id;
        // What came, or why nothing did, is the operator's to know: here it would be told to everybody.
        let message = match self.flight().last_error() {
            None | Some(FetchErrorKind::Unreachable) => {
                format!("the identity provider `{id}` does not answer, and none of its keys is known")
            }
            Some(_) => format!(
                "no key of the identity provider `{id}` can be used: the log of this platform and `dezky doctor` tell why"
            ),
        };
        Error::new(ErrorKind::Unavailable, "issuer_unavailable", message).with_retry_after(whole_seconds(wait))
    }

    /// What metrics, readiness and the doctor tell.
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

/// Logs what came, and once why keys of it are left out.
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

/// A key set, and its text for the archive.
fn read(body: &Bytes) -> Result<(KeySet, String), Failure> {
    let set = KeySet::from_json(body)?;
    let text = std::str::from_utf8(body).map_err(|error| KeySetError::Unreadable(error.to_string()))?;
    Ok((set, text.to_owned()))
}

/// Rounded up, so that whoever waits so long has waited enough.
pub(crate) fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(Duration::from_secs(1))
}
