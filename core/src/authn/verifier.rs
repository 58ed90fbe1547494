//! Verification of tokens against their issuers and these issuers' keys.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use aws_lc_rs::digest;
use tokio::task::AbortHandle;

use super::{
    IssuerSettings, KeyThumbprint, LogoutRequest, TokenRefusal, VerifiedToken,
    groups::{self, Groups},
    keys::{Availability, Key, KeyLimits, KeySetArchive, KeySource, KeyStatus, Snapshot, keep_refreshed},
    logout::check_logout_token,
    memory::{Remembered, TokenHash, TokenMemory},
    registry::{IssuerSource, KeyParts, KnownIssuer, Registry},
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
    /// Source of issuers that are not configured. Default: none.
    pub issuer_source: Option<Arc<dyn IssuerSource>>,
}

impl Default for VerifierOptions {
    fn default() -> Self {
        Self {
            remembered_tokens: NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN),
            refresh_interval: Duration::from_secs(3_600),
            cooldown: Duration::from_secs(30),
            serve_stale: Duration::from_secs(24 * 3_600),
            issuer_source: None,
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
    registry: Registry,
    memory: TokenMemory,
    clock: Arc<dyn Clock>,
    tasks: Mutex<Vec<AbortHandle>>,
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
        let parts = KeyParts { limits, source, archive, clock: Arc::clone(&clock) };
        let registry = Registry::new(&issuers, options.issuer_source, parts)?;
        Ok(Self {
            inner: Arc::new(Inner {
                settings: issuers,
                registry,
                memory: TokenMemory::new(options.remembered_tokens),
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

    /// Starts fetching and refreshing the keys of every configured issuer, in tasks of the current tokio runtime.
    ///
    /// Keys of other issuers are fetched when a token needs them.
    ///
    /// The tasks end when the last clone of the verifier is dropped, or with [`Verifier::stop`]. Without them, keys are
    /// fetched and refreshed on demand. Does nothing outside a runtime or when called again.
    pub fn start(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.is_empty() {
            let keys = self.inner.registry.configured().iter().map(|issuer| &issuer.keys);
            tasks.extend(keys.map(|keys| runtime.spawn(keep_refreshed(Arc::downgrade(keys))).abort_handle()));
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
            None => within(context, self.verify_with_fetch(context, token)).await,
        }
    }

    /// Verifies an access token without waiting; `None` when keys must be fetched or its issuer be looked up first.
    #[must_use]
    pub fn verify_now(&self, token: &str) -> Option<Result<Arc<VerifiedToken>>> {
        if token.len() > MAXIMUM_TOKEN_SIZE {
            return Some(Err(TokenRefusal::TooLarge.into()));
        }
        let hash = hash(token);
        let now = self.inner.clock.now();
        if let Some(remembered) = self.inner.memory.get(&hash) {
            if !remembered.issuer.is_configured {
                return None;
            }
            match recall(&remembered, now) {
                Recall::Fetch => return None,
                Recall::Holds(result) => return Some(result),
                // Its key is gone: the token is verified again and refused with the reason.
                Recall::Fades => self.inner.memory.forget(&hash),
            }
        }
        let presented = match Presented::parse(token) {
            Ok(presented) => presented,
            Err(refusal) => return Some(Err(refusal.into())),
        };
        let issuer = match presented.claims.issuer() {
            Ok(url) => match self.inner.registry.configured_at(url) {
                Some(issuer) => issuer,
                None if self.inner.registry.may_have(url) => return None,
                None => return Some(Err(TokenRefusal::Issuer.into())),
            },
            Err(refusal) => return Some(Err(refusal.into())),
        };
        let Availability::Ready(snapshot) = issuer.keys.available(now) else { return None };
        let header = &presented.compact.header;
        match snapshot.set.select(header.key_id.as_deref(), header.algorithm) {
            Ok(keys) => {
                let key = check_signature(&keys, &presented.compact);
                Some(
                    key.and_then(|key| presented.finish(&self.inner, issuer, hash, key, &snapshot)).map_err(Into::into),
                )
            }
            Err(TokenRefusal::KeyUnknown { .. }) => None,
            Err(refusal) => Some(Err(refusal.into())),
        }
    }

    async fn verify_with_fetch(&self, context: &RequestContext, token: &str) -> Result<Arc<VerifiedToken>> {
        let hash = hash(token);
        if let Some(verified) = self.recall_current(context, &hash).await? {
            return verified;
        }
        let presented = Presented::parse(token)?;
        let (issuer, is_current) = self.issuer_of(&presented).await?;
        let (keys, snapshot) = presented.find_keys(&issuer, self.inner.clock.now()).await?;
        let key = check_signature(&keys, &presented.compact)?;
        let issuer = self.current(context, issuer, is_current).await?;
        Ok(presented.finish(&self.inner, &issuer, hash, key, &snapshot)?)
    }

    /// Returns the issuer of a token as it is now. Called once the signature is verified, so that forged tokens cost no read.
    async fn current(
        &self,
        context: &RequestContext,
        issuer: Arc<KnownIssuer>,
        is_current: bool,
    ) -> Result<Arc<KnownIssuer>> {
        if is_current {
            return Ok(issuer);
        }
        Ok(self.inner.registry.current(context, &issuer).await?.ok_or(TokenRefusal::Issuer)?)
    }

    /// Returns the result for a remembered token of an issuer that is not configured, if it can be used.
    async fn recall_current(
        &self,
        context: &RequestContext,
        hash: &TokenHash,
    ) -> Result<Option<Result<Arc<VerifiedToken>>>> {
        let Some(remembered) = self.inner.memory.get(hash).filter(|remembered| !remembered.issuer.is_configured) else {
            return Ok(None);
        };
        if let Recall::Holds(result) = recall(&remembered, self.inner.clock.now())
            && let Some(issuer) = self.inner.registry.current(context, &remembered.issuer).await?
            && Arc::ptr_eq(&issuer, &remembered.issuer)
        {
            return Ok(Some(result));
        }
        self.inner.memory.forget(hash);
        Ok(None)
    }

    /// Returns the issuer of a token, by the exact value of its unverified `iss`, and `true` if it is known to be current.
    async fn issuer_of(&self, presented: &Presented<'_>) -> Result<(Arc<KnownIssuer>, bool)> {
        let url = presented.claims.issuer()?;
        match self.inner.registry.configured_at(url) {
            Some(issuer) => Ok((Arc::clone(issuer), true)),
            None => Ok(self.inner.registry.find(url).await?.ok_or(TokenRefusal::Issuer)?),
        }
    }

    /// Verifies a logout token. The caller must ensure that its `jti` counts once.
    ///
    /// # Errors
    /// The errors of [`Verifier::verify`].
    pub async fn verify_logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        within(context, self.verify_logout_with_fetch(context, token)).await
    }

    async fn verify_logout_with_fetch(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        let presented = Presented::parse(token)?;
        let (issuer, is_current) = self.issuer_of(&presented).await?;
        let now = self.inner.clock.now();
        let (keys, _) = presented.find_keys(&issuer, now).await?;
        check_signature(&keys, &presented.compact)?;
        let issuer = self.current(context, issuer, is_current).await?;
        Ok(check_logout_token(issuer.settings(), &presented.compact.header, &presented.claims, now)?)
    }

    /// Returns the issuer `id` that a token claims, **not verified**, for log lines about refusals.
    #[must_use]
    pub fn issuer_named_by(&self, token: &str) -> Option<String> {
        let issuer = unverified_issuer(token).ok()?;
        Some(self.inner.registry.known_at(&issuer)?.settings().id.clone())
    }

    /// Fetches the keys of every configured issuer now and returns the outcomes.
    pub async fn refresh(&self) -> Vec<KeyStatus> {
        let configured = self.inner.registry.configured().iter();
        futures_util::future::join_all(configured.map(|issuer| issuer.keys.refresh())).await;
        self.key_status()
    }

    /// Returns the state of every configured issuer's keys.
    #[must_use]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        self.inner.registry.configured().iter().map(|issuer| issuer.keys.status()).collect()
    }
}

enum Recall {
    Holds(Result<Arc<VerifiedToken>>),
    Fades,
    Fetch,
}

fn recall(remembered: &Remembered, now: Timestamp) -> Recall {
    let Availability::Ready(snapshot) = remembered.issuer.keys.available(now) else { return Recall::Fetch };
    if !remembered.holds(&snapshot) {
        return Recall::Fades;
    }
    let token = &remembered.token;
    let times = check_times(token.issued_at, token.expires_at, token.not_before, now);
    Recall::Holds(times.map(|()| token.clone()).map_err(Into::into))
}

/// Token that is not cached, during its verification.
struct Presented<'token> {
    compact: Compact<'token>,
    claims: ClaimSet,
}

impl<'token> Presented<'token> {
    fn parse(token: &'token str) -> Result<Self, TokenRefusal> {
        let compact = Compact::parse(token)?;
        let claims = ClaimSet::parse(&compact.payload)?;
        Ok(Self { compact, claims })
    }

    /// Returns the keys that may have signed it.
    async fn find_keys(&self, issuer: &KnownIssuer, now: Timestamp) -> Result<(Vec<Arc<Key>>, Arc<Snapshot>)> {
        let (snapshot, fetched) = match issuer.keys.available(now) {
            Availability::Ready(snapshot) => (snapshot, false),
            Availability::Fetch => (issuer.keys.obtain().await?, true),
        };
        Ok(issuer.keys.find(&self.compact.header, &snapshot, fetched).await?)
    }

    /// Validates the claims of a token whose signature is verified, and remembers it.
    fn finish(
        self,
        inner: &Inner,
        issuer: &Arc<KnownIssuer>,
        hash: TokenHash,
        key: KeyThumbprint,
        snapshot: &Snapshot,
    ) -> Result<Arc<VerifiedToken>, TokenRefusal> {
        let header = self.compact.header;
        let now = inner.clock.now();
        let token = check_access_token(issuer.settings(), &header, &self.claims, key, now)?;
        if token.groups.is_none() && groups::read(issuer.settings(), &self.claims) == Groups::Unreadable {
            tell_of_groups(issuer);
        }
        let token = Arc::new(token);
        inner.memory.remember(hash, Arc::clone(issuer), header, token.clone(), snapshot);
        Ok(token)
    }
}

/// Logs, once per issuer, that its groups claim has an unreadable form.
fn tell_of_groups(issuer: &KnownIssuer) {
    if !issuer.told_of_groups.swap(true, Ordering::Relaxed) {
        let (id, claim) = (&issuer.settings().id, &issuer.settings().claims.groups);
        tracing::warn!(
            issuer = id,
            claim,
            "this claim is neither a list of texts nor one text, so that memberships do not follow it: see `claims.groups` of \
             the issuer"
        );
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
