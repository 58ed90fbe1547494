//! One caller, and the use cases on behalf of that caller.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::resources::{
    ApiKeys, AppPasswords, Audit, Billing, Domains, Entitlements, Evaluations, EventEndpoints, Events, Mailboxes,
    Members, MyTenants, Subscriptions, Tenants, Users, Workspace,
};
use crate::{
    context::RequestContext,
    error::Result,
    service::{
        Call, IdempotencyRequest, IfMatch, Principal, Service,
        views::{ProfileView, entity_tag},
    },
};

/// The use cases on behalf of one caller. Cheap to clone.
///
/// Each call has its own request id and 30-second deadline, and reads the caller's rights again.
#[derive(Debug, Clone)]
pub struct Acting {
    pub(super) service: Arc<Service>,
    principal: Principal,
    if_match: Option<IfMatch>,
    idempotency_key: Option<String>,
}

impl Acting {
    pub(super) fn new(service: Arc<Service>, principal: Principal) -> Self {
        Self { service, principal, if_match: None, idempotency_key: None }
    }

    /// Creates a new call.
    pub(super) fn call(&self) -> Call {
        let mut call = Call::by(RequestContext::fresh(), self.principal.clone());
        call.if_match.clone_from(&self.if_match);
        call
    }

    /// Creates a new call of a use case with these arguments.
    pub(super) fn call_of(&self, use_case: &str, arguments: &dyn fmt::Debug) -> Call {
        let mut call = self.call();
        call.idempotency = self.idempotency_key.as_ref().map(|key| IdempotencyRequest {
            key: key.clone(),
            // Requests over HTTP have a method and a path here, so that neither gets the other's answer.
            target: format!("sdk {use_case}"),
            body: format!("{arguments:?}").into_bytes(),
        });
        call
    }

    /// Returns the same caller, who creates or acts once for each use case with this key.
    ///
    /// Within a day, a repeated creation (`create`, `grant`, `add`) or action (such as `suspend`, `check` or `replay`) by the
    /// same caller has no further effect, and returns what the first one did: use a new key for each thing that is
    /// meant. Reads, updates and deletions ignore the key; [`Acting::expecting`] makes updates safe to repeat. A
    /// release may describe equal arguments differently, so that a key does not outlast an upgrade.
    ///
    /// # Errors
    /// Kind `Invalid` with `invalid_idempotency_key` unless the key has 1 to 255 printable ASCII characters. The use
    /// case itself fails with `idempotency_key_reused` if its arguments differ from those of the first call, and with
    /// `secret_shown_once` if the first call returned a secret, which is not kept.
    pub fn with_idempotency_key(&self, key: impl Into<String>) -> Result<Self> {
        let key = IdempotencyRequest::check_key(key.into())?;
        Ok(Self { idempotency_key: Some(key), ..self.clone() })
    }

    /// Returns the same caller, who changes a document only if it is still as in this view.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when the view cannot be serialized as JSON. The change itself then fails with
    /// `version_changed` if another writer came first.
    pub fn expecting(&self, view: &impl Serialize) -> Result<Self> {
        Ok(Self { if_match: Some(IfMatch::Tags(vec![entity_tag(view)?])), ..self.clone() })
    }

    /// Syncs the caller's user and memberships with the token's groups, and reads the profile.
    ///
    /// # Errors
    /// Kind `Forbidden` for system actors and disabled users.
    pub async fn me(&self) -> Result<ProfileView> {
        self.service.profile(&self.call()).await
    }

    /// Returns the caller's own tenants.
    #[must_use]
    pub fn my_tenants(&self) -> MyTenants<'_> {
        MyTenants(self)
    }

    /// Returns the tenants: the caller's, or all for the platform.
    #[must_use]
    pub fn tenants(&self) -> Tenants<'_> {
        Tenants(self)
    }

    /// Returns the members of tenants.
    #[must_use]
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }

    /// Returns what the subscriptions of tenants entitle to.
    #[must_use]
    pub fn entitlements(&self) -> Entitlements<'_> {
        Entitlements(self)
    }

    /// Returns the systems behind tenants.
    #[must_use]
    pub fn workspace(&self) -> Workspace<'_> {
        Workspace(self)
    }

    /// Returns the links to the payment provider.
    #[must_use]
    pub fn billing(&self) -> Billing<'_> {
        Billing(self)
    }

    /// Returns the domains of tenants.
    #[must_use]
    pub fn domains(&self) -> Domains<'_> {
        Domains(self)
    }

    /// Returns the app passwords of mailboxes.
    #[must_use]
    pub fn app_passwords(&self) -> AppPasswords<'_> {
        AppPasswords(self)
    }

    /// Returns the mailboxes of tenants.
    #[must_use]
    pub fn mailboxes(&self) -> Mailboxes<'_> {
        Mailboxes(self)
    }

    /// Returns the users, which only the platform writes.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Returns the subscriptions, which only the platform writes.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        Subscriptions(self)
    }

    /// Returns the API keys of tenants and of the platform.
    #[must_use]
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys(self)
    }

    /// Returns the policy's decisions, for the platform about everybody and for people about themselves.
    #[must_use]
    pub fn evaluations(&self) -> Evaluations<'_> {
        Evaluations(self)
    }

    /// Returns what has changed.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events(self)
    }

    /// Returns the endpoints for events.
    #[must_use]
    pub fn event_endpoints(&self) -> EventEndpoints<'_> {
        EventEndpoints(self)
    }

    /// Returns the audit trail.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}
