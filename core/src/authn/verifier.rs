//! Verification of tokens against the configured issuers and their keys.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use super::{
    IssuerSettings, LogoutRequest, VerifiedToken,
    keys::{KeySetArchive, KeySource, KeyStatus},
};
use crate::{
    clock::Clock,
    context::RequestContext,
    error::{Error, Result},
};

/// What can be set about a [`Verifier`]. The defaults are the specified ones; tests shorten them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VerifierOptions {
    /// How many verified tokens are remembered. Default: 10,000.
    pub remembered_tokens: NonZeroUsize,
    /// Age from which a key set is fetched again. Default: 1 hour.
    pub refresh_interval: Duration,
    /// Time after a fetch for an unknown `kid` in which there is no other. Default: 30 s.
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

/// Verifies tokens. Cheap to clone; clones share keys and memory.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuers: Arc<Vec<IssuerSettings>>,
}

impl Verifier {
    /// A verifier of tokens of these issuers. It fetches nothing yet.
    ///
    /// # Errors
    /// Kind `Configuration` when a setting of an issuer is wrong.
    pub fn new(
        issuers: Vec<IssuerSettings>,
        source: Arc<dyn KeySource>,
        archive: Arc<dyn KeySetArchive>,
        clock: Arc<dyn Clock>,
        options: VerifierOptions,
    ) -> Result<Self> {
        IssuerSettings::validate_all(&issuers)?;
        let _ = (source, archive, clock, options);
        Ok(Self { issuers: Arc::new(issuers) })
    }

    /// The configured issuers.
    #[must_use]
    pub fn issuers(&self) -> &[IssuerSettings] {
        &self.issuers
    }

    /// Begins to fetch the keys of every issuer and to refresh them, in tasks of the current tokio runtime. They end
    /// when the last clone of the verifier is dropped, or with [`Verifier::stop`]. Without this, keys are fetched and
    /// refreshed when tokens need them.
    pub fn start(&self) {}

    /// Ends the tasks of [`Verifier::start`].
    pub fn stop(&self) {}

    /// Verifies an access token. Waits only when keys must be fetched for it.
    ///
    /// # Errors
    /// Kind `Unauthenticated` with the code of the [`super::TokenRefusal`]; kind `Unavailable` with the code
    /// `issuer_unavailable` when no key of the issuer is known and none can be fetched.
    pub async fn verify(&self, context: &RequestContext, token: &str) -> Result<Arc<VerifiedToken>> {
        let _ = context;
        self.verify_now(token).unwrap_or_else(|| Err(Error::internal("token verification is not there yet")))
    }

    /// Verifies an access token without waiting; none when keys would have to be fetched first.
    pub fn verify_now(&self, token: &str) -> Option<Result<Arc<VerifiedToken>>> {
        let _ = token;
        None
    }

    /// Verifies a logout token.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
        let _ = (context, token);
        Err(Error::internal("token verification is not there yet"))
    }

    /// Fetches the keys of every issuer now, and tells how it went.
    pub async fn refresh(&self) -> Vec<KeyStatus> {
        self.key_status()
    }

    /// The state of every issuer's keys.
    #[must_use]
    pub fn key_status(&self) -> Vec<KeyStatus> {
        Vec::new()
    }
}
