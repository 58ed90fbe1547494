//! Event endpoints: addresses to which events are delivered as signed webhooks.
//!
//! No secret is stored: that of an endpoint follows from its id, the number of its rotations and a key of the platform.

use std::time::Duration;

use dezky_derive::entity;
use serde_json::Value;

use super::{
    Event, EventEndpointId, ObjectId, OneTimeSecret, Problem, TenantId,
    fields::{boolean, label, object_id},
};
use crate::{clock::Timestamp, error::FieldCode, store::Scope};

/// A stored event endpoint.
#[entity(
    /// The collection of event endpoints.
    collection EVENT_ENDPOINTS = "event_endpoints",
    scope = Scope::Tenant("tenantId"),
    keys = Self::keys,
    seen = ADMINS,
    /// A tenant's endpoints by age.
    index ENDPOINTS_OF_TENANT = of_tenant(tenant_id, created_at),
    /// Endpoints of a tenant or of the platform by age.
    index ENDPOINTS_OF_AUDIENCE = of_audience(audience, created_at),
    /// An endpoint to which events are delivered as signed webhooks.
    view EventEndpointView,
    /// A new event endpoint.
    #[schema(example = json!({"tenantId": "65f0a1b2c3d4e5f60718293a", "url": "https://hooks.acme.eu/dezky", "types": ["membership.*", "tenant.update"]}))]
    create CreateEventEndpoint,
    /// Changes of an event endpoint.
    #[schema(example = json!({"types": ["tenant.*"], "active": true}))]
    update UpdateEventEndpoint,
)]
#[derive(Debug)]
pub struct EventEndpoint {
    /// Its id.
    pub id: EventEndpointId,
    /// Its version.
    pub version: u64,
    /// The tenant whose events it gets; absent for an endpoint of the platform, which gets all events.
    #[field(
        see, create = optional(object_id),
        text_in_create = "The tenant whose events it gets; without it, an endpoint of the platform, which gets all events."
    )]
    pub tenant_id: Option<TenantId>,
    /// Id of the tenant, or [`EventEndpoint::PLATFORM`].
    #[field(read = ADMINS, silent, given)]
    pub audience: ObjectId,
    /// Its place among those of its audience, of which there are [`MOST_ENDPOINTS`].
    #[field(read = ADMINS, silent)]
    pub place: u32,
    /// Address that events are sent to.
    #[field(see, given, create = required(webhook_url), update = replace(webhook_url), impersonal)]
    pub url: String,
    /// Note about its purpose.
    #[field(see, input = patch(label), personal)]
    pub description: Option<String>,
    /// Types of events that it gets, such as `tenant.update` or `membership.*`; empty for all.
    #[field(see, input = list(100, event_type), impersonal)]
    #[serde(default)]
    pub types: Vec<String>,
    /// `true` while events are delivered to it.
    #[field(
        see, create = default(true, boolean), update = replace(boolean), initial = true,
        text_in_create = "`true`, unless nothing is to be delivered yet."
    )]
    pub active: bool,
    /// `true` if its webhooks have the personal values that changed.
    #[field(
        see, input = replace(boolean), set = OWNERS,
        text_in_create = "`true` if its webhooks have the personal values that changed. For owners and the platform."
    )]
    #[serde(default)]
    pub personal_values: bool,
    /// Reason for which it was made inactive without a request.
    #[field(see, silent, impersonal)]
    pub failure: Option<String>,
    /// Number of rotations of its secret.
    #[field(read = ADMINS)]
    pub rotations: u32,
    /// Time until which webhooks are signed with the previous secret as well.
    #[field(see, silent)]
    pub previous_secret_until: Option<Timestamp>,
    /// Time at which the next delivery in line is tried, after one that has failed.
    #[field(see, silent)]
    pub resumes_at: Option<Timestamp>,
    /// Its secret; only in the answers to its creation and to a rotation.
    #[shown(argument)]
    pub secret: Option<OneTimeSecret>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

/// Number of endpoints that a tenant, or the platform, has at most.
pub const MOST_ENDPOINTS: u32 = 10;

/// Time for which webhooks are signed with the previous secret as well after a rotation.
pub const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// End of a type that selects all of its kind.
const ALL_OF_KIND: &str = ".*";

impl EventEndpoint {
    /// Stands in `audience` for the platform.
    pub const PLATFORM: ObjectId = super::AuditChain::PLATFORM;

    /// Returns the audience of a tenant's endpoints, or of the platform's.
    #[must_use]
    pub fn audience_of(tenant: Option<TenantId>) -> ObjectId {
        tenant.map_or(Self::PLATFORM, |tenant| tenant.0)
    }

    /// Returns `true` if it gets an event.
    ///
    /// Events from before its creation are not its own.
    #[must_use]
    pub fn gets(&self, event: &Event) -> bool {
        self.active
            && (self.tenant_id.is_none() || self.tenant_id == event.tenant_id)
            && event.created_at >= self.created_at
            && selects(&self.types, &event.action)
    }

    /// Returns the rotations whose secrets sign at this time, the current one first.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Vec<u32> {
        let previous = self.previous_secret_until.filter(|until| *until > now).and(self.rotations.checked_sub(1));
        std::iter::once(self.rotations).chain(previous).collect()
    }

    /// Gives it another secret. The previous one stays valid for [`OVERLAP`].
    pub fn rotate(&mut self, now: Timestamp) {
        self.rotations = self.rotations.saturating_add(1);
        self.previous_secret_until = Some(now.plus(OVERLAP));
    }

    /// Makes it inactive for a reason.
    pub fn disable(&mut self, reason: String) {
        self.active = false;
        self.failure = Some(reason);
    }

    fn place_key(audience: ObjectId, place: u32) -> String {
        format!("place:{audience}:{place}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::place_key(self.audience, self.place)]
    }
}

impl CreateEventEndpoint {
    /// Creates the endpoint at a free place.
    #[must_use]
    pub fn into_endpoint(self, place: u32, now: Timestamp) -> EventEndpoint {
        let mut endpoint = EventEndpoint::blank(EventEndpoint::audience_of(self.tenant_id), self.url.clone(), now);
        endpoint.place = place;
        self.apply(&mut endpoint);
        endpoint
    }
}

impl UpdateEventEndpoint {
    /// Changes an endpoint. Whoever changes where or whether it gets events is not kept waiting for the next attempt.
    ///
    /// Another address gets no personal values unless the same change says so: they were allowed for the former one, and
    /// fewer may allow them than may change the address.
    pub fn change(self, endpoint: &mut EventEndpoint) {
        let before = (endpoint.url.clone(), endpoint.active);
        let asked = self.personal_values;
        self.apply(endpoint);
        if before.0 != endpoint.url {
            endpoint.personal_values = asked.unwrap_or(false);
        }
        if (&before.0, before.1) != (&endpoint.url, endpoint.active) {
            endpoint.resumes_at = None;
        }
        if endpoint.active {
            endpoint.failure = None;
        }
    }
}

/// Returns `true` if a filter of types selects one. Without types, all are selected.
#[must_use]
pub fn selects(types: &[String], action: &str) -> bool {
    let fits = |one: &String| match one.strip_suffix(ALL_OF_KIND) {
        Some(kind) => super::trail::kind_of(action) == kind,
        None => one == action,
    };
    types.is_empty() || types.iter().any(fits)
}

/// Reads the address of an endpoint: an absolute URL without user name, password and fragment.
///
/// `http` is for receivers on this machine in development; a delivery elsewhere than where the settings allow is refused.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn webhook_url(value: &Value) -> Result<String, Problem> {
    let on_loopback = |text: &str| {
        let url = url::Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let local = match url.host()? {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        (local && url.username().is_empty() && url.password().is_none()).then(|| String::from(url))
    };
    let url = match value.as_str().filter(|text| text.len() <= 2_000).and_then(on_loopback) {
        Some(url) => url,
        None => super::fields::https_url(value)?,
    };
    if url.contains('#') {
        return Err(Problem::new(FieldCode::INVALID_URL, "must not have a part after `#`, which is never sent"));
    }
    Ok(url)
}

/// Reads a type of events, or all types of a kind: `tenant.update`, `tenant.*`.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn event_type(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    let is_name = |part: &str| {
        (1..=32).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let fits = given.split_once('.').is_some_and(|(kind, rest)| is_name(kind) && (rest == "*" || is_name(rest)));
    if fits {
        return Ok(given.to_owned());
    }
    Err(Problem::new(FieldCode::INVALID_EVENT_TYPE, "must be a type of events such as `tenant.update`, or `tenant.*`"))
}
