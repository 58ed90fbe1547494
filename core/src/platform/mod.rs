//! The entry point: a platform over a store, with the issuers whose tokens it accepts.
//!
//! Every Rust program that uses Dezky opens one: servers, functions, bindings, scripts and tests. Typed use cases are
//! called [as a user](Platform::as_user) or [as a system actor](Platform::as_system); the [router](Platform::router)
//! offers the same over HTTP.

mod acting;
mod options;
mod resources;

use std::sync::Arc;

use axum::Router;

pub use acting::Acting;
pub use options::PlatformOptions;
pub use resources::{
    AppPasswords, Audit, Billing, Domains, Entitlements, Mailboxes, Members, MyTenants, Subscriptions, Tenants, Users,
    Workspace,
};

use crate::{
    authn::{
        IssuerSource, StoreIssuers, VerifiedToken, Verifier, VerifierOptions,
        keys::{HttpKeySource, KeySetArchive, KeySource, StoreArchive},
    },
    context::RequestContext,
    error::Result,
    http::{HttpState, TokenIdentity, router},
    service::{Principal, Service},
};

/// An open platform. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Platform {
    service: Arc<Service>,
    verifier: Verifier,
}

impl Platform {
    /// Opens a platform. Nothing is fetched or read before it is used or [started](Self::start).
    ///
    /// # Errors
    /// Kind `Configuration` when a setting of an issuer or an added CA certificate is invalid.
    pub fn open(options: PlatformOptions) -> Result<Self> {
        let PlatformOptions {
            store,
            issuers,
            service,
            clock,
            extra_ca_certificates,
            keys,
            verifier,
            mail,
            records,
            billing,
        } = options;
        let (source, archive): (Arc<dyn KeySource>, Arc<dyn KeySetArchive>) = match keys {
            Some(keys) => keys,
            None => (
                Arc::new(HttpKeySource::new(extra_ca_certificates.as_deref())?),
                Arc::new(StoreArchive::new(Arc::clone(&store))),
            ),
        };
        let of_tenants = StoreIssuers::new(Arc::clone(&store), &issuers);
        let issuer_source = of_tenants.map(|source| Arc::new(source) as Arc<dyn IssuerSource>);
        let verifier = VerifierOptions { issuer_source: verifier.issuer_source.or(issuer_source), ..verifier };
        let verifier = Verifier::new(issuers, source, archive, Arc::clone(&clock), verifier)?;
        let service = Service::new(store, clock, service).with_mail(mail).with_records(records).with_billing(billing);
        Ok(Self { service: Arc::new(service), verifier })
    }

    /// Fetches the issuers' keys in the background, now and before they expire. Needs a tokio runtime.
    ///
    /// Without it, the first request that needs keys fetches them.
    pub fn start(&self) {
        self.verifier.start();
    }

    /// Acts as the bearer of an access token. Rights are read from the store at each call, not from the token.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthenticated`] with the reason when the token is refused, and
    /// [`crate::ErrorKind::Unavailable`] when its issuer's keys are not available.
    pub async fn as_user(&self, token: &str) -> Result<Acting> {
        let token = self.verify(token).await?;
        Ok(Acting::new(Arc::clone(&self.service), Principal::Token(token)))
    }

    /// Acts as a system actor of this name, which appears in the audit trail.
    ///
    /// The name has 1 to 64 letters, digits, `-`, `_`, `.`, `@` or `:`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when the name cannot be used, or is that of a part of the system.
    pub fn as_system(&self, name: &str) -> Result<Acting> {
        Ok(Acting::new(Arc::clone(&self.service), Principal::named_system(name)?))
    }

    /// Verifies an access token.
    ///
    /// # Errors
    /// As [`Platform::as_user`].
    pub async fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>> {
        self.verifier.verify(&RequestContext::fresh(), token).await
    }

    /// Builds the HTTP API, for axum or any server of tower services.
    pub fn router(&self) -> Router {
        router(HttpState::new(Arc::clone(&self.service), self.identity()))
    }

    /// Returns the identity by which an edge identifies callers, from the `Authorization` header.
    #[must_use]
    pub fn identity(&self) -> Arc<TokenIdentity> {
        Arc::new(TokenIdentity::new(self.verifier.clone()))
    }

    /// Returns the use cases, for edges that create their own calls.
    #[must_use]
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Returns the verifier of its issuers' tokens.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Stops fetching keys, for all clones. The store is closed when the last clone and the last router are dropped.
    pub fn close(&self) {
        self.verifier.stop();
    }
}
