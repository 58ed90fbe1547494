//! Endpoints to which events are delivered as webhooks, and their deliveries.

mod create;
mod delete;
mod deliveries;
mod list;
mod replay;
mod rotate;
pub(crate) mod types;
mod update;

pub use deliveries::DeliveryFilter;
pub use replay::{Replay, Replayed};

use super::{Call, Service, access::TenantAccess, unit_of_work::Subject, views::viewer};
use crate::{
    authz::Action,
    domain::{EventEndpoint, EventEndpointId, EventEndpointView, OneTimeSecret, PlatformSecret, WebhookSecret},
    error::Result,
};

/// The kind of resource in audit events.
pub(crate) const KIND: &str = "event_endpoint";

pub(crate) fn subject(endpoint: &EventEndpoint) -> Subject {
    Subject { tenant: endpoint.tenant_id, user: None }
}

impl EventEndpointView {
    /// Returns what the caller of `access` sees of an endpoint.
    fn through(access: &TenantAccess, endpoint: EventEndpoint, secret: Option<OneTimeSecret>) -> Self {
        Self::shown_to(endpoint, viewer(access.role(), access.caller.is_platform()), secret)
    }

    /// Returns what an entity tag is of: the view without what deliveries change, which is no change of the endpoint.
    #[must_use]
    pub fn tagged(&self) -> Self {
        Self { version: 0, resumes_at: None, updated_at: self.created_at, ..self.clone() }
    }
}

impl Service {
    /// Loads the caller and an endpoint, if the caller may perform `action` on it.
    async fn endpoint_access(
        &self,
        call: &Call,
        id: EventEndpointId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<(TenantAccess, EventEndpoint)> {
        let owner = |endpoint: &EventEndpoint| endpoint.tenant_id;
        self.access_to_owned(call, id.0, owner, [action, action], fields).await
    }

    /// Returns the secret of an endpoint after this number of rotations.
    ///
    /// # Errors
    /// When the store that has the key does not answer.
    pub(crate) async fn webhook_secret(
        &self,
        call: &Call,
        endpoint: EventEndpointId,
        rotations: u32,
    ) -> Result<WebhookSecret> {
        let key = self.platform_secret(call, PlatformSecret::WEBHOOKS).await?;
        WebhookSecret::derive(&key, endpoint, rotations)
    }
}
