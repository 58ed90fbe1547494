//! One caller, and the use cases as that caller.

use std::sync::Arc;

use serde::Serialize;

use super::resources::{Audit, Members, MyTenants, Subscriptions, Tenants, Users};
use crate::{
    context::RequestContext,
    error::Result,
    service::{
        Call, IfMatch, Principal, Service,
        views::{ProfileView, entity_tag},
    },
};

/// The use cases as one caller. Cheap to clone.
///
/// Each call has a request id and 30 seconds of its own, and reads the caller's rights anew.
#[derive(Debug, Clone)]
pub struct Acting {
    pub(super) service: Arc<Service>,
    principal: Principal,
    if_match: Option<IfMatch>,
}

impl Acting {
    pub(super) fn new(service: Arc<Service>, principal: Principal) -> Self {
        Self { service, principal, if_match: None }
    }

    /// A call of its own.
    pub(super) fn call(&self) -> Call {
        let mut call = Call::by(RequestContext::fresh(), self.principal.clone());
        call.if_match.clone_from(&self.if_match);
        call
    }

    /// The same caller, who changes a document only if it is still as this view shows it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] when the view cannot be written as JSON. The change itself then fails with
    /// `version_changed` if somebody else came first.
    pub fn expecting(&self, view: &impl Serialize) -> Result<Self> {
        Ok(Self { if_match: Some(IfMatch::Tags(vec![entity_tag(view)?])), ..self.clone() })
    }

    /// Brings the caller's user and memberships in line with the token's groups, and reads the profile.
    ///
    /// # Errors
    /// Kind `Forbidden` for system actors and disabled users.
    pub async fn me(&self) -> Result<ProfileView> {
        self.service.profile(&self.call()).await
    }

    /// The caller's own tenants.
    #[must_use]
    pub fn my_tenants(&self) -> MyTenants<'_> {
        MyTenants(self)
    }

    /// Tenants: the caller's, or all for the platform.
    #[must_use]
    pub fn tenants(&self) -> Tenants<'_> {
        Tenants(self)
    }

    /// Members of a tenant.
    #[must_use]
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }

    /// Users; written by the platform.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// Subscriptions; written by the platform.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        Subscriptions(self)
    }

    /// The audit trail.
    #[must_use]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}
