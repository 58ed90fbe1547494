//! The chains of the audit trail: heads, stubs of events that retention removed, and checkpoints.
//!
//! `docs/design/audit.md` describes the chain, and how to verify it without this program.

use dezky_derive::{entity, part};
use utoipa::ToSchema;

use super::{AuditChainId, AuditEventId, ObjectId, TenantId};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Collection, Guest, Scope},
};

/// A number of things that were removed from one place.
#[part]
#[derive(Debug, ToSchema)]
pub struct Removed {
    /// The collection, or the system behind a tenant.
    pub place: String,
    /// The number of documents, accounts or the like.
    pub count: u64,
}

impl Removed {
    /// Creates the count of what was removed from a place.
    #[must_use]
    pub const fn from_place(place: String, count: u64) -> Self {
        Self { place, count }
    }
}

/// The retention of one kind of event, as it was applied.
#[part]
#[derive(Debug, ToSchema)]
pub struct Expired {
    /// The first part of the names of actions, such as `workspace`.
    pub kind: String,
    /// Time before which events of this kind may be missing.
    #[schema(value_type = String, format = DateTime)]
    pub before: Timestamp,
}

/// Everything that may be missing from a chain since some event of it.
#[part]
#[derive(Debug, ToSchema)]
pub struct Checkpoint {
    /// Number of the last event before which the chain may begin; 0 if none may be missing.
    pub seq: u64,
    /// The seal of that event.
    pub hash: String,
    /// Retention of each kind that was ever applied.
    pub expired: Vec<Expired>,
}

impl Checkpoint {
    /// Returns `true` if an event of this action and time may be missing.
    #[must_use]
    pub fn covers(&self, action: &str, at: Timestamp) -> bool {
        let kind = kind_of(action);
        self.expired.iter().any(|expired| expired.kind == kind && at < expired.before)
    }
}

/// Returns the kind of an action: the part of its name before the first dot.
#[must_use]
pub fn kind_of(action: &str) -> &str {
    action.split('.').next().unwrap_or(action)
}

/// Returns the collection of a kind of resource: `tenants` of `tenant`. Kinds without one of their own have none.
#[must_use]
pub fn collection_of(kind: &str) -> Option<&'static Collection> {
    let is_of_kind = |collection: &&&Collection| matches!(collection.name.strip_prefix(kind), Some("s" | "es"));
    crate::COLLECTIONS.iter().find(is_of_kind).copied()
}

/// A chain of audit events: its first and last place.
#[entity(
    /// The collection of chains.
    collection AUDIT_CHAINS = "audit_chains",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::ADMINS, keys: &[] },
    seen = ADMINS,
    /// Chains by the time of their last seal.
    index CHAINS_BY_SEALING = by_sealing(sealed_at),
    /// The chain of a tenant.
    index CHAIN_OF_TENANT = of_tenant(tenant_id),
    /// The end of a chain of audit events.
    view AuditHeadView,
)]
#[derive(Debug)]
pub struct AuditChain {
    /// The id of its tenant, or [`AuditChain::PLATFORM`].
    #[field(unseen, read = ADMINS)]
    pub id: AuditChainId,
    /// Its version, which decides between sealers that work at the same time.
    #[field(unseen, read = ADMINS)]
    pub version: u64,
    /// The tenant; absent from the chain of the platform.
    #[field(see)]
    pub tenant_id: Option<TenantId>,
    /// Number of the last sealed event; 0 before the first.
    #[field(see)]
    pub seq: u64,
    /// The seal of that event, in hexadecimal.
    #[field(see, impersonal)]
    pub hash: String,
    /// Number of the last event that retention removed from the beginning; 0 if none was.
    #[field(see)]
    pub start_seq: u64,
    /// The seal of that event.
    #[field(see, impersonal)]
    pub start_hash: String,
    /// Time of the last seal; absent before the first.
    #[field(see)]
    pub sealed_at: Option<Timestamp>,
    /// The event that has the last checkpoint.
    pub checkpoint_id: Option<AuditEventId>,
    /// The last event of earlier releases that was prepared for sealing; in the chain of the platform only.
    pub adopted_to: Option<AuditEventId>,
    /// `true` if all events of earlier releases were prepared for sealing; in the chain of the platform only.
    #[serde(default)]
    pub adopted: bool,
}

impl AuditChain {
    /// The chain of events that concern no tenant.
    pub const PLATFORM: ObjectId = ObjectId::from_bytes([0xff; 12]);

    /// The seal before the first event of a chain.
    pub const FIRST: &'static str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// Returns the id of the chain of a tenant, or of the platform.
    #[must_use]
    pub fn id_of(tenant: Option<TenantId>) -> ObjectId {
        tenant.map_or(Self::PLATFORM, |tenant| tenant.0)
    }

    /// Returns the chain of a tenant, or of the platform, before its first event.
    #[must_use]
    pub fn empty(tenant: Option<TenantId>) -> Self {
        Self {
            id: AuditChainId(Self::id_of(tenant)),
            version: 0,
            tenant_id: tenant,
            seq: 0,
            hash: Self::FIRST.to_owned(),
            start_seq: 0,
            start_hash: Self::FIRST.to_owned(),
            sealed_at: None,
            checkpoint_id: None,
            adopted_to: None,
            adopted: false,
        }
    }
}

impl From<AuditChain> for AuditHeadView {
    fn from(chain: AuditChain) -> Self {
        Self::shown_to(chain, Callers::ADMINS)
    }
}

/// The place of an event that retention removed: enough of it to verify the chain, and nothing else.
#[entity(
    /// The collection of stubs.
    collection AUDIT_STUBS = "audit_stubs",
    scope = Scope::Tenant("tenantId"),
    /// Stubs of a chain in its order.
    index STUBS_OF_CHAIN = of_chain(chain, seq),
    /// Stubs of a tenant's chain.
    index STUBS_OF_TENANT = of_tenant(tenant_id),
)]
#[derive(Debug)]
pub struct AuditStub {
    /// The event's id.
    pub id: AuditEventId,
    /// Its version.
    pub version: u64,
    /// The tenant; absent from the chain of the platform.
    #[field(read = ADMINS)]
    pub tenant_id: Option<TenantId>,
    /// The chain.
    #[field(read = ADMINS)]
    pub chain: ObjectId,
    /// Number of the event.
    #[field(read = ADMINS)]
    pub seq: u64,
    /// Action of the event.
    #[field(read = ADMINS, impersonal)]
    pub action: String,
    /// Time of the event.
    #[field(read = ADMINS)]
    pub at: Timestamp,
    /// SHA-256 of the rest of the event, in hexadecimal.
    #[field(read = ADMINS, impersonal)]
    pub content: String,
    /// The seal of the event, in hexadecimal.
    #[field(read = ADMINS, impersonal)]
    pub hash: String,
}
