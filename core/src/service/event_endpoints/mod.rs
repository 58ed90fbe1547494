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

use super::{
    Call, Service,
    access::{TenantAccess, check},
    idempotency::Answer,
    unit_of_work::Subject,
    views::viewer,
};
use crate::{
    authz::{Action, Resource},
    domain::{EventEndpoint, EventEndpointId, EventEndpointView, OneTimeSecret, PlatformSecret, WebhookSecret},
    error::{Code, Error, Result},
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
}

/// An endpoint, and the caller's access to its tenant, if it has one.
struct Found {
    access: TenantAccess,
    endpoint: EventEndpoint,
}

impl Service {
    /// Loads the caller and an endpoint, if the caller may perform `action` on it.
    async fn endpoint_access(
        &self,
        call: &Call,
        id: EventEndpointId,
        action: Action,
        fields: &[&'static str],
    ) -> Result<Found> {
        let (access, endpoint) = self.access_through::<EventEndpoint>(call, id.0, "tenantId").await?;
        match &endpoint {
            Some(endpoint) if endpoint.tenant_id.is_none() => {
                check(&access.caller, action, &Resource { fields, ..Resource::default() })?;
            }
            _ => {
                access.authorize_with(action, Default::default(), fields)?;
            }
        }
        Ok(Found { access, endpoint: endpoint.ok_or_else(Error::not_found)? })
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

fn shown_once(answer: &Answer<EventEndpointView>) -> Error {
    let message = format!(
        "this `Idempotency-Key` was used for the secret of `{}` before, which was shown once: if it is lost, rotate it with a \
         new key",
        answer.value.id
    );
    Error::new(Code::SECRET_SHOWN_ONCE, message)
}
