//! The state of the systems behind a tenant, as controllers reconcile it.

use dezky_derive::{Choice, Stored, entity, part};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DomainRecordsId, ObjectId, SystemStateId, TenantId};
use crate::{
    callers::Callers,
    clock::Timestamp,
    store::{Guest, Scope},
};

/// A kind of system behind a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum SystemKind {
    /// Identity: the tenant's group and the people in it.
    #[choice(unknown)]
    Identity,
    /// Mail: domains and mailboxes.
    Mail,
    /// Files: the tenant's space.
    Files,
    /// Meetings: an address, and nothing to set up for a tenant.
    Meetings,
    /// Chat: an organisation that an operator sets up by hand, because its server has no interface for that.
    Chat,
}

impl SystemKind {
    /// Returns `true` for optional systems that no connector reaches. A tenant is active without them.
    #[must_use]
    pub fn is_by_hand(self) -> bool {
        matches!(self, Self::Meetings | Self::Chat)
    }
}

/// Returns a tenant's address in a system: the template with the tenant's slug in the place of `{slug}`.
#[must_use]
pub fn address_of(template: &str, slug: &str) -> String {
    template.replace("{slug}", slug)
}

/// Phase of a system or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Choice)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing has been done yet.
    Pending,
    /// Being set up or changed.
    Working,
    /// Waits for something else, which a condition names.
    Waiting,
    /// As it should be.
    Ready,
    /// In use, but not as it should be; a condition tells what is missing.
    Degraded,
    /// Cannot go on without a person; a condition tells what to do.
    #[choice(unknown)]
    Failed,
    /// Disabled together with the tenant, and kept.
    Suspended,
    /// Being removed.
    Removing,
    /// Removed.
    Removed,
}

/// Status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Stored)]
#[serde(rename_all = "snake_case")]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It is not known.
    Unknown,
}

/// A condition of a system, as Kubernetes shows them.
#[part]
#[derive(Debug, ToSchema)]
pub struct Condition {
    /// Type, such as `GroupReady`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Status.
    pub status: ConditionStatus,
    /// Reason in one word, such as `ForeignGroup`.
    pub reason: String,
    /// Explanation, and what to do about it.
    pub message: String,
    /// Time since which the status is the same.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// An id that an object has in its own system.
#[part]
#[derive(Debug, ToSchema)]
pub struct ExternalId {
    /// The object, such as `group` or `domain:acme.eu`.
    pub object: String,
    /// Its id.
    pub id: String,
}

/// The state of one system of a tenant, or of one person or mailbox in it.
#[entity(
    /// The collection of states.
    collection SYSTEM_STATES = "workspace_states",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &[] },
    keys = Self::keys,
    seen = MEMBERS,
    /// States by the time of their next attempt.
    index STATES_BY_DUE = by_due(next_attempt_at),
    /// A tenant's states, those of whole systems first.
    index STATES_OF_TENANT = of_tenant(tenant_id, subject_key),
    /// The state of a system, or of a person or mailbox in it.
    view SystemStateView,
)]
#[derive(Debug)]
pub struct SystemState {
    /// Its id.
    pub id: SystemStateId,
    /// Its version, which fences off a worker that was paused.
    #[field(unseen)]
    pub version: u64,
    /// The tenant.
    #[field(see)]
    pub tenant_id: TenantId,
    /// The system.
    #[field(see)]
    pub system: SystemKind,
    /// The person (identity) or the mailbox (mail); absent for the system itself.
    #[field(see)]
    pub subject: Option<ObjectId>,
    /// The subject as text, empty without one: a field of an index is in every document.
    #[field(read = MEMBERS, impersonal)]
    #[serde(default)]
    pub subject_key: String,
    /// Number of the last requested change.
    #[field(see)]
    pub wanted_generation: u64,
    /// Number of the last change that the system has.
    #[field(see)]
    pub reached_generation: u64,
    /// Its phase.
    #[field(see)]
    pub phase: Phase,
    /// Its conditions.
    #[field(see, impersonal)]
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Ids in the system itself.
    #[field(impersonal)]
    #[serde(default)]
    pub external_ids: Vec<ExternalId>,
    /// Number of failed attempts in a row.
    #[field(see)]
    #[serde(default)]
    pub attempts: u32,
    /// Time of the next attempt, or of the next look.
    #[field(see)]
    pub next_attempt_at: Timestamp,
    /// Time before which no attempt is made, whatever is asked for: the system wants a pause, or a creation of unknown outcome
    /// may not be visible yet.
    pub not_before: Option<Timestamp>,
    /// The worker that has claimed it.
    #[field(impersonal)]
    pub lease_owner: Option<String>,
    /// End of the claim.
    pub leased_until: Option<Timestamp>,
    /// Bytes in use, where the system tells.
    #[field(read = ADMINS, silent)]
    pub used_bytes: Option<u64>,
    /// Last failure.
    #[field(see = ADMINS, impersonal)]
    pub last_error: Option<String>,
    /// Time of the last complete look at the system.
    #[field(see)]
    pub looked_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last write.
    pub updated_at: Timestamp,
}

impl SystemState {
    /// Creates the state of something that was never looked at, due now.
    #[must_use]
    pub fn new(tenant: TenantId, system: SystemKind, subject: Option<ObjectId>, now: Timestamp) -> Self {
        Self {
            id: SystemStateId::generate(),
            version: 1,
            tenant_id: tenant,
            system,
            subject,
            subject_key: subject.map(|subject| subject.to_string()).unwrap_or_default(),
            wanted_generation: 1,
            reached_generation: 0,
            phase: Phase::Pending,
            conditions: Vec::new(),
            external_ids: Vec::new(),
            attempts: 0,
            next_attempt_at: now,
            not_before: None,
            lease_owner: None,
            leased_until: None,
            used_bytes: None,
            last_error: None,
            looked_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of a state.
    #[must_use]
    pub fn key(tenant: TenantId, system: SystemKind, subject: Option<ObjectId>) -> String {
        let system = super::Choice::name(system);
        match subject {
            None => format!("state:{tenant}:{system}"),
            Some(subject) => format!("state:{tenant}:{system}:{subject}"),
        }
    }

    /// Name of the address of a system by hand among the external ids.
    pub const ADDRESS: &'static str = "address";

    /// Returns the earliest time of an attempt from now on.
    #[must_use]
    pub fn earliest(&self, now: Timestamp) -> Timestamp {
        self.leased_until.into_iter().chain(self.not_before).chain([now]).max().unwrap_or(now)
    }

    /// Requests another attempt: at once, or when the worker that has claimed it is done.
    pub fn want(&mut self, now: Timestamp) {
        self.wanted_generation = self.wanted_generation.saturating_add(1);
        self.attempts = 0;
        self.next_attempt_at = self.earliest(now);
    }

    /// Returns the name of a mail domain among the objects of the mail system.
    #[must_use]
    pub fn domain_object(name: &str) -> String {
        format!("domain:{name}")
    }

    /// Returns the id of an object in the system.
    #[must_use]
    pub fn external_id(&self, object: &str) -> Option<&str> {
        self.external_ids.iter().find(|one| one.object == object).map(|one| one.id.as_str())
    }

    /// Stores the id of an object in the system; `None` forgets it. An empty id is never stored.
    pub fn set_external_id(&mut self, object: &str, id: Option<&str>) {
        let id = id.filter(|id| !id.is_empty());
        match (self.external_ids.iter_mut().find(|one| one.object == object), id) {
            (Some(stored), Some(id)) => id.clone_into(&mut stored.id),
            (Some(_), None) => self.external_ids.retain(|one| one.object != object),
            (None, Some(id)) => {
                self.external_ids.push(ExternalId { object: object.to_owned(), id: id.to_owned() });
            }
            (None, None) => {}
        }
    }

    /// Replaces the conditions. One whose status stays the same keeps the time since which it has it.
    pub fn set_conditions(&mut self, mut conditions: Vec<Condition>) {
        for condition in &mut conditions {
            let before = self.conditions.iter().find(|before| before.kind == condition.kind);
            if let Some(before) = before.filter(|before| before.status == condition.status) {
                condition.since = before.since;
            }
        }
        self.conditions = conditions;
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, self.system, self.subject)]
    }
}

/// A DNS record that the owner of a domain publishes, and how it was seen last.
#[part]
#[derive(Debug, ToSchema)]
pub struct PublishedRecord {
    /// Type, such as `MX`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Full name without a dot at the end.
    pub name: String,
    /// Value in presentation format.
    pub value: String,
    /// `true` if mail is not delivered or not trusted without it.
    pub required: bool,
    /// `true` if public DNS has it; absent before the first check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<bool>,
    /// Advice about it, such as a value that is there instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The DNS records of a mail domain of a tenant.
#[entity(
    /// The collection of DNS records.
    collection DOMAIN_RECORDS = "domain_records",
    scope = Scope::Tenant("tenantId"),
    guest = Guest::Scoped { readers: Callers::MEMBERS, keys: &[] },
    keys = Self::keys,
    seen = MEMBERS,
    /// Records of a tenant's domains by name.
    index RECORDS_OF_TENANT = of_tenant(tenant_id, name),
    /// Records by the time of their next check.
    index RECORDS_BY_DUE = by_due(next_check_at),
    /// The DNS records that the owner of a domain publishes.
    view DomainRecordsView,
)]
#[derive(Debug)]
pub struct DomainRecords {
    /// Its id.
    #[field(unseen)]
    pub id: DomainRecordsId,
    /// Its version.
    #[field(unseen)]
    pub version: u64,
    /// The tenant.
    #[field(unseen)]
    pub tenant_id: TenantId,
    /// The domain.
    #[field(see, impersonal)]
    pub name: String,
    /// The records.
    #[field(see, impersonal)]
    #[serde(default)]
    pub records: Vec<PublishedRecord>,
    /// Time of the last check against public DNS.
    #[field(see)]
    pub checked_at: Option<Timestamp>,
    /// Time of the next check.
    #[field(see)]
    pub next_check_at: Timestamp,
    /// Failure of the last check, if it failed.
    #[field(see = ADMINS, impersonal)]
    pub last_error: Option<String>,
    /// Time of creation.
    #[field(unseen)]
    pub created_at: Timestamp,
    /// Time of the last write.
    #[field(unseen)]
    pub updated_at: Timestamp,
}

impl DomainRecords {
    /// Creates the entry of a domain, to be checked now.
    #[must_use]
    pub fn new(tenant: TenantId, name: &str, now: Timestamp) -> Self {
        Self {
            id: DomainRecordsId::generate(),
            version: 1,
            tenant_id: tenant,
            name: name.to_owned(),
            records: Vec::new(),
            checked_at: None,
            next_check_at: now,
            last_error: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the unique key of a tenant's domain.
    #[must_use]
    pub fn key(tenant: TenantId, name: &str) -> String {
        format!("records:{tenant}:{name}")
    }

    fn keys(&self) -> Vec<String> {
        vec![Self::key(self.tenant_id, &self.name)]
    }
}
