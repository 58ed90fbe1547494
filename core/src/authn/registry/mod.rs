//! Issuers whose tokens are accepted: the configured ones, and those of tenants that a source finds.
//!
//! A configured issuer always comes first, so that a source can neither replace nor shadow it.

mod lookup;
mod source;
mod stored;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aws_lc_rs::digest;
use quick_cache::sync::Cache;

use lookup::Lookups;
pub use source::IssuerSource;
pub use stored::StoreIssuers;

use super::{
    IssuerSettings,
    keys::{IssuerKeys, KeyLimits, KeySetArchive, KeySource},
};
use crate::{
    clock::{Clock, Timestamp},
    context::RequestContext,
    error::Result,
};

/// Number of issuers of a source whose keys are kept.
const KNOWN: usize = 4_096;

/// Number of URLs that are remembered to be no issuer's.
const UNKNOWN: usize = 4_096;

/// Time for which a URL is remembered to be no issuer's.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// Length of the longest URL that is looked up, in bytes.
const LONGEST_URL: usize = 512;

/// Everything that keys are fetched with.
#[derive(Debug, Clone)]
pub(crate) struct KeyParts {
    pub(crate) limits: KeyLimits,
    pub(crate) source: Arc<dyn KeySource>,
    pub(crate) archive: Arc<dyn KeySetArchive>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// An issuer with its keys.
#[derive(Debug)]
pub(crate) struct KnownIssuer {
    pub(crate) keys: Arc<IssuerKeys>,
    /// Flag: an unreadable groups claim was logged.
    pub(crate) told_of_groups: AtomicBool,
    /// Flag: it is configured. Any other is read again at each use.
    pub(crate) is_configured: bool,
}

impl KnownIssuer {
    fn new(settings: IssuerSettings, parts: &KeyParts, is_configured: bool) -> Result<Arc<Self>> {
        let KeyParts { limits, source, archive, clock } = parts.clone();
        let keys = Arc::new(IssuerKeys::new(settings, limits, source, archive, clock)?);
        Ok(Arc::new(Self { keys, told_of_groups: AtomicBool::new(false), is_configured }))
    }

    pub(crate) fn settings(&self) -> &IssuerSettings {
        &self.keys.settings
    }
}

/// All issuers whose tokens are accepted.
#[derive(Debug)]
pub(crate) struct Registry {
    configured: Vec<Arc<KnownIssuer>>,
    /// Indexes of the configured issuers by each value of `iss`.
    by_url: HashMap<String, usize>,
    others: Option<Others>,
}

/// Issuers of a source.
#[derive(Debug)]
struct Others {
    lookups: Arc<Lookups>,
    parts: KeyParts,
    /// Issuers that have been found, by URL.
    known: Cache<String, Arc<KnownIssuer>>,
    /// Times at which URLs were found to be no issuer's, by their hashes.
    unknown: Cache<[u8; 32], Timestamp>,
}

impl Registry {
    pub(crate) fn new(
        settings: &[IssuerSettings],
        source: Option<Arc<dyn IssuerSource>>,
        parts: KeyParts,
    ) -> Result<Self> {
        let mut by_url = HashMap::new();
        let mut configured = Vec::new();
        for (position, settings) in settings.iter().enumerate() {
            by_url.extend(settings.urls.iter().map(|url| (url.clone(), position)));
            configured.push(KnownIssuer::new(settings.clone(), &parts, true)?);
        }
        let others = source.map(|source| Others {
            lookups: Lookups::new(source),
            parts,
            known: Cache::new(KNOWN),
            unknown: Cache::new(UNKNOWN),
        });
        Ok(Self { configured, by_url, others })
    }

    /// Returns the configured issuers.
    pub(crate) fn configured(&self) -> &[Arc<KnownIssuer>] {
        &self.configured
    }

    /// Returns the configured issuer with this URL.
    pub(crate) fn configured_at(&self, url: &str) -> Option<&Arc<KnownIssuer>> {
        self.configured.get(*self.by_url.get(url)?)
    }

    /// Returns the issuer with this URL that this process knows already, for log lines.
    pub(crate) fn known_at(&self, url: &str) -> Option<Arc<KnownIssuer>> {
        self.configured_at(url).cloned().or_else(|| self.others.as_ref()?.known.get(url))
    }

    /// Returns `true` if the source may have an issuer with this URL. Reads nothing.
    pub(crate) fn may_have(&self, url: &str) -> bool {
        self.others.as_ref().is_some_and(|others| others.may_have(url))
    }

    /// Returns the issuer of the source with this URL, and `true` if it was read for this call.
    pub(crate) async fn find(&self, url: &str) -> Result<Option<(Arc<KnownIssuer>, bool)>> {
        let Some(others) = self.others.as_ref().filter(|others| others.may_have(url)) else { return Ok(None) };
        if let Some(known) = others.known.get(url) {
            return Ok(Some((known, false)));
        }
        let found = others.lookups.find(url).await?;
        Ok(others.take(url, found)?.map(|issuer| (issuer, true)))
    }

    /// Returns the issuer as it is now: the same one, another if it has changed, or none if it is gone.
    ///
    /// A read each time is what makes a removal count at the next request in every process: notifications of a store
    /// come late or not at all.
    pub(crate) async fn current(
        &self,
        context: &RequestContext,
        issuer: &Arc<KnownIssuer>,
    ) -> Result<Option<Arc<KnownIssuer>>> {
        if issuer.is_configured {
            return Ok(Some(Arc::clone(issuer)));
        }
        let (Some(others), Some(url)) = (&self.others, issuer.settings().urls.first()) else { return Ok(None) };
        let found = others.lookups.read(context, url).await?;
        if found.as_ref() == Some(issuer.settings()) {
            return Ok(Some(Arc::clone(issuer)));
        }
        others.take(url, found)
    }
}

impl Others {
    fn may_have(&self, url: &str) -> bool {
        let plausible = url.starts_with("https://") && url.len() <= LONGEST_URL;
        plausible && !self.unknown.get(&hash(url)).is_some_and(|since| self.is_fresh(since))
    }

    fn is_fresh(&self, since: Timestamp) -> bool {
        let now = self.parts.clock.now();
        // A clock that was set back ends the time early.
        since <= now && now < since.plus(UNKNOWN_FOR)
    }

    /// Remembers what was read about a URL.
    fn take(&self, url: &str, found: Option<IssuerSettings>) -> Result<Option<Arc<KnownIssuer>>> {
        let Some(settings) = found else {
            self.known.remove(url);
            self.unknown.insert(hash(url), self.parts.clock.now());
            return Ok(None);
        };
        // Another request may have found it meanwhile; its keys are kept.
        if let Some(known) = self.known.get(url).filter(|known| known.settings() == &settings) {
            return Ok(Some(known));
        }
        let issuer = KnownIssuer::new(settings, &self.parts, false)?;
        self.unknown.remove(&hash(url));
        self.known.insert(url.to_owned(), Arc::clone(&issuer));
        Ok(Some(issuer))
    }
}

fn hash(url: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    // The digest has the length of the hash, so nothing is truncated.
    for (to, from) in hash.iter_mut().zip(digest::digest(&digest::SHA256, url.as_bytes()).as_ref()) {
        *to = *from;
    }
    hash
}
