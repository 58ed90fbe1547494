//! Verification of tokens against the configured issuers and their keys.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use tokio::task::AbortHandle;

use super::{
    IssuerSettings, LogoutRequest, TokenRefusal, VerifiedToken,
    groups::{self, Groups},
    keys::{Availability, IssuerKeys, Key, KeyLimits, KeySetArchive, KeySource, KeyStatus, Snapshot, keep_refreshed},
    logout::check_logout_token,
    memory::{Remembered, TokenHash, TokenMemory},
    signature::check_signature,
    token::{ClaimSet, Compact, MAXIMUM_TOKEN_SIZE, check_access_token, check_times, unverified_issuer},
};
use crate::{
    clock::{Clock, Timestamp},
    context::RequestContext,
    error::{Code, Error, Result},
};

/// Options of a [`Verifier`]. The defaults are those of the specification; tests shorten them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifierOptions {
    /// Capacity of the verified token cache. Default: 10,000.
    pub remembered_tokens: NonZeroUsize,
    /// Age after which a key set is fetched again. Default: 1 hour.
    pub refresh_interval: Duration,
    /// Cooldown after a fetch for an unknown `kid`. Default: 30 s.
    pub cooldown: Duration,
    /// Age up to which a key set serves while the provider is down. Default: 24 hours.
    pub serve_stale: Duration,
}

impl Default for VerifierOptions {
    fn default() -> Self {
        Self {
            remembered_tokens: NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN),
            refresh_interval: Duration::from_secs(3_600),
            cooldown: Duration::from_secs(30),
            serve_stale: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Token verifier. Cheap to clone; clones share keys and the token cache.
///
/// Keys are fetched in tasks of the tokio runtime that first needs them.
#[derive(Debug, Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Vec<IssuerSettings>,
    issuers: Vec<Arc<IssuerKeys>>,
    /// Indexes of the issuers by each value of `iss`.
    by_url: HashMap<String, usize>,
    memory: TokenMemory,
    /// Flags by issuer: an unreadable groups claim was logged.
    told_of_groups: Vec<AtomicBool>,
    clock: Arc<dyn Clock>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Inner {
    /// Logs, once per issuer, that its groups claim has an unreadable form.
    fn tell_of_groups(&self, position: usize, settings: &IssuerSettings) {
        let told = self.told_of_groups.get(position).is_none_or(|told| told.swap(true, Ordering::Relaxed));
        if !told {
            let (issuer, claim) = (&settings.id, &settings.claims.groups);
            tracing::warn!(
                issuer,
                claim,
                "this claim is neither a list of texts nor one text, so that memberships do not follow it: see \
                 `claims.groups` of the issuer"
            );
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Verifier {
    /// Creates a verifier for tokens of these issuers. It fetches nothing yet.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting of an issuer is invalid.
    pub fn new(
        issuers: Vec<IssuerSettings>,
        source: Arc<dyn KeySource>,
        archive: Arc<dyn KeySetArchive>,
        clock: Arc<dyn Clock>,
        options: VerifierOptions,
    ) -> Result<Self> {
        // A caller without issuers, such as a script, verifies no tokens: every issuer is then unknown.
        if !issuers.is_empty() {
            IssuerSettings::validate_all(&issuers)?;
        }
        let limits = KeyLimits {
            refresh_interval: options.refresh_interval,
            cooldown: options.cooldown,
            serve_stale: options.serve_stale,
        };
        let mut by_url = HashMap::new();
        let mut keys = Vec::new();
        for (position, settings) in issuers.iter().enumerate() {
            by_url.extend(settings.urls.iter().map(|url| (url.clone(), position)));
            keys.push(Arc::new(IssuerKeys::new(
                settings.clone(),
                limits,
                source.clone(),
                archive.clone(),
                clock.clone(),
            )?));
        }
        let told_of_groups = issuers.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Self {
            inner: Arc::new(Inner {
                settings: issuers,
                issuers: keys,
                by_url,
                memory: TokenMemory::new(options.remembered_tokens),
                told_of_groups,
                clock,
                tasks: Mutex::default(),
            }),
        })
    }

    /// Returns the configured issuers.
    #[must_use]
    pub fn issuers(&self) -> &[IssuerSettings] {
        &self.inner.settings
    }

    /// Starts fetching and refreshing the keys of every issuer, in tasks of the current tokio runtime.
    ///
    /// The tasks end when the last clone of the verifier is dropped, or with [`Verifier::stop`]. Without them, keys are
    /// fetched and refreshed on demand. Does nothing outside a runtime or when called again.
    pub fn start(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.is_empty() {
            let issuers = self.inner.issuers.iter();
            tasks.extend(issuers.map(|keys| runtime.spawn(keep_refreshed(Arc::downgrade(keys))).abort_handle()));
        }
    }

    /// Stops the tasks of [`Verifier::start`].
    pub fn stop(&self) {
        for task in self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// Verifies an access token, waiting only for a key fetch and never beyond the deadline.
    ///
    /// # Errors
    /// Kind `Unauthenticated` with the code of the [`TokenRefusal`]; kind `Unavailable` with the code
    /// `issuer_unavailable` when no key of the issuer is known and none can be fetched.
    pub async fn verify(&self, context: &RequestContext, token: &str) -> Result<Arc<VerifiedToken>> {
        match self.verify_now(token) {
            Some(result) => result,
            None => within(context, self.verify_with_fetch(token)).await,
        }
    }

    /// Verifies an access token without waiting; `None` when keys must be fetched first.
    #[must_use]
    pub fn verify_now(&self, token: &str) -> Option<Result<Arc<VerifiedToken>>> {
        if token.len() > MAXIMUM_TOKEN_SIZE {
            return Some(Err(TokenRefusal::TooLarge.into()));
        }
        let hash = hash(token);
        let now = self.inner.clock.now();
        if let Some(remembered) = self.inner.memory.get(&hash) {
            match self.recall(&remembered, now) {
                Recall::Fetch => return None,
                Recall::Holds(result) => return Some(result),
                // Its key is gone: the token is verified again and refused with the reason.
                Recall::Fades => self.inner.memory.forget(&hash),
            }
        }
        let first_sight = match FirstSight::new(&self.inner, token) {
            Ok(first_sight) => first_sight,
            Err(refusal) => return Some(Err(refusal.into())),
        };
        let Availability::Ready(snapshot) = first_sight.keys.available(now) else { return None };
        let header = &first_sight.compact.header;
        match snapshot.set.select(header.key_id.as_deref(), header.algorithm) {
            Ok(keys) => Some(first_sight.finish(&self.inner, hash, &keys, &snapshot).map_err(Into::into)),
            Err(TokenRefusal::KeyUnknown { .. }) => None,
            Err(refusal) => Some(Err(refusal.into())),
        }
    }

    async fn verify_with_fetch(&self, token: &str) -> Result<Arc<VerifiedToken>> {
        let first_sight = FirstSight::new(&self.inner, token)?;
        let (keys, snapshot) = first_sight.find_keys(self.inner.clock.now()).await?;
        Ok(first_sight.finish(&self.inner, hash(token), &keys, &snapshot)?)
    }

    fn recall(&self, remembered: &Remembered, now: Timestamp) -> Recall {
        let Some(keys) = self.inner.issuers.get(remembered.issuer) else { return Recall::Fades };
        let Availability::Ready(snapshot) = keys.available(now) else { return Recall::Fetch };
        if !remembered.holds(&snapshot) {
            return Recall::Fades;
        }
        let token = &remembered.token;
        let times = check_times(token.issued_at, token.expires_at, token.not_before, now);
        Recall::Holds(times.map(|()| token.clone()).map_err(Into::into))
    }

    /// Verifies a logout token. The caller must ensure that its `jti` counts once.
    ///
    /// # Errors
    /// The errors of [`Verifier::verify`].
    pub async fn verify_logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        let first_sight = FirstSight::new(&self.inner, token)?;
        let now = self.inner.clock.now();
        let (keys, _) = within(context, first_sight.find_keys(now)).await?;
        check_signature(&keys, &first_sight.compact)?;
        let (header, claims) = (&first_sight.compact.header, &first_sight.claims);
        Ok(check_logout_token(&first_sight.keys.settings, header, claims, now)?)
    }

    /// Returns the issuer `id` that a token claims, **not verified**, for log lines about refusals.
    #[must_use]
    pub fn issuer_named_by(&self, token: &str) -> Option<&str> {
        let issuer = unverified_issuer(token).ok()?;
        let settings = self.inner.settings.get(*self.inner.by_url.get(&issuer)?)?;
        Some(&settings.id)
    }

    /// Fetches the keys of every issuer now and returns the outcomes.
    pub async fn refresh(&self) -> Vec<KeyStatus> {
        futures_util::future::join_all(self.inner.issuers.iter().map(IssuerKeys::refresh)).await;
        self.key_status()
    }

    /// Returns the state of every issuer's keys.
    #[must_use]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        self.inner.issuers.iter().map(|keys| keys.status()).collect()
    }
}

enum Recall {
    Holds(Result<Arc<VerifiedToken>>),
    Fades,
    Fetch,
}

/// Token that is not cached, during its verification.
struct FirstSight<'token> {
    position: usize,
    keys: Arc<IssuerKeys>,
    compact: Compact<'token>,
    claims: ClaimSet,
}

impl<'token> FirstSight<'token> {
    /// Parses a token and finds its issuer, by the exact value of its unverified `iss`.
    fn new(inner: &Inner, token: &'token str) -> Result<Self, TokenRefusal> {
        let compact = Compact::parse(token)?;
        let claims = ClaimSet::parse(&compact.payload)?;
        let position = *inner.by_url.get(claims.issuer()?).ok_or(TokenRefusal::Issuer)?;
        let keys = inner.issuers.get(position).ok_or(TokenRefusal::Issuer)?.clone();
        Ok(Self { position, keys, compact, claims })
    }

    /// Returns the keys that may have signed it.
    async fn find_keys(&self, now: Timestamp) -> Result<(Vec<Arc<Key>>, Arc<Snapshot>)> {
        let (snapshot, fetched) = match self.keys.available(now) {
            Availability::Ready(snapshot) => (snapshot, false),
            Availability::Fetch => (self.keys.obtain().await?, true),
        };
        Ok(self.keys.find(&self.compact.header, &snapshot, fetched).await?)
    }

    fn finish(
        self,
        inner: &Inner,
        hash: TokenHash,
        keys: &[Arc<Key>],
        snapshot: &Snapshot,
    ) -> Result<Arc<VerifiedToken>, TokenRefusal> {
        let key = check_signature(keys, &self.compact)?;
        let header = self.compact.header;
        let now = inner.clock.now();
        let token = check_access_token(&self.keys.settings, &header, &self.claims, key, now)?;
        if token.groups.is_none() && groups::read(&self.keys.settings, &self.claims) == Groups::Unreadable {
            inner.tell_of_groups(self.position, &self.keys.settings);
        }
        let token = Arc::new(token);
        inner.memory.remember(hash, self.position, header, token.clone(), snapshot);
        Ok(token)
    }
}

fn hash(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    // The digest has the length of the hash, so nothing is truncated.
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()) {
        *to = *from;
    }
    hash
}

async fn within<T>(context: &RequestContext, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(context.remaining(), work).await {
        Ok(result) => result,
        Err(_) => {
            let message = "the identity provider did not answer in time, try again";
            Err(Error::new(Code::ISSUER_UNAVAILABLE, message).with_retry_after(Duration::from_secs(1)))
        }
    }
}
